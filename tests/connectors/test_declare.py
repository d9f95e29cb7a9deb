from typing import Any

import pytest
from pydantic import BaseModel

from connectors.action import Call
from connectors.catalog import Catalog, undo_arguments
from connectors.connector import Connector
from connectors.perform import argument_values, perform
from connectors.plain_schema import JsonSchemaError
from connectors.schema_document import SchemaDocument
from connectors.signature import DefinitionError
from connectors.testing import check_declarations, check_tools, check_unknown_arguments

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "$expand": {"type": "string", "description": "What to show as well."},
        "call": {"type": "string", "description": "The call that ordered it."},
        "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}, "description": "What."},
        "note": {"type": ["string", "null"], "description": "For the packer."},
        "priority": {"type": "string", "enum": ["low", "high"], "default": "low", "description": "How fast."},
    },
    "required": ["call", "lines"],
}
DOCUMENT = {
    "components": {
        "schemas": {"Line": {"properties": {"sku": {"type": "string"}, "pieces": {"type": "integer"}}}}
    }
}


class Order(BaseModel):
    order_id: str


async def send(call: Call[None], arguments: dict[str, Any]) -> dict[str, Any]:
    return {"run": call.run_id, "sent": arguments}


def declared(connector: Connector[None], verb: str = "create_order", **options: Any) -> None:
    usual: dict[str, Any] = {
        "arguments": ORDER,
        "document": SchemaDocument("shop", DOCUMENT),
        "perform": send,
        "where": "shop.yaml:12",
        "effect": "write",
        "idempotency": "natural",
    }
    connector.declare(verb, "Create an order.", **(usual | options))


async def test_a_declared_action_gets_what_was_sent_by_the_names_it_was_sent_by() -> None:
    shop = Connector("shop", "A shop.")
    declared(shop)
    action = shop.actions["shop.create_order"]
    arguments = action.arguments.model_validate(
        {"call": "C", "$expand": "lines", "note": None, "lines": [{"sku": "a", "pieces": None}]}
    )

    call = Call(None, key="k", timeout_s=1, tenant="t", run_id="r")
    sent = {"$expand": "lines", "call": "C", "lines": [{"sku": "a"}], "priority": "low"}
    assert await perform(action, call, arguments) == {"run": "r", "sent": sent}
    assert argument_values(arguments) == sent


async def test_an_argument_may_have_the_name_of_a_method_of_mappings() -> None:
    shop = Connector("shop", "A shop.")
    names = ["keys", "items", "get", "values"]
    declared(shop, arguments={"properties": {name: {"type": "string"} for name in names}})
    action = shop.actions["shop.create_order"]
    sent = {name: name for name in names}

    call = Call(None, key="k", timeout_s=1, tenant="t", run_id="r")
    done = await perform(action, call, action.arguments.model_validate(sent))
    assert done == {"run": "r", "sent": sent}


def test_a_declared_action_passes_what_a_decorated_one_passes() -> None:
    shop = Connector("shop", "A shop.")
    declared(
        shop,
        protected={"$expand"},
        constraints=["One a day"],
        examples=[{"call": "C", "lines": []}],
        result=Order,
        window="1h",
    )
    action = shop.actions["shop.create_order"]

    check_declarations(shop)
    check_tools(shop)
    check_unknown_arguments(shop)
    assert action.where == "shop.yaml:12"
    assert action.result is Order
    assert "One a day" in action.tool["function"]["description"]
    assert list(action.tool["function"]["parameters"]["properties"]) == list(ORDER["properties"])


def test_the_lint_and_the_way_back_know_parameters_by_the_names_that_are_sent() -> None:
    shop = Connector("shop", "A shop.")
    described = {"type": "string", "description": "which"}
    declared(
        shop,
        "open",
        arguments={"properties": {"copy": described}, "required": ["copy"]},
        compensate="shop.close",
    )
    declared(shop, "close", arguments={"properties": {"copy": described}, "required": ["copy"]})

    assert Catalog([shop]).lint() == []
    both = shop.actions["shop.open"], shop.actions["shop.close"]
    assert undo_arguments(*both, {"copy": "7"}, None) == {"copy": "7"}


def test_an_undescribed_parameter_of_a_declared_action_is_found() -> None:
    shop = Connector("shop", "A shop.")
    declared(shop, arguments={"properties": {"copy": {"type": "string"}}})

    (finding,) = Catalog([shop]).lint()
    assert (finding.message, finding.where) == ("parameter copy has no description", "shop.yaml:12")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"arguments": {"properties": {"x": {"$ref": "#/no"}}}},
            r"\(shop.yaml:12\): x: \$ref #/no leads nowhere",
        ),
        ({"protected": {"customer"}}, "protects"),
        ({"window": "soon"}, "no duration"),
        ({"verb": "Create"}, "lower case"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_with_action_and_place(
    options: dict[str, Any], problem: str
) -> None:
    shop = Connector("shop", "A shop.")

    with pytest.raises(DefinitionError, match=problem):
        declared(shop, **options)
    assert not shop.actions


def test_the_reason_of_a_refused_schema_is_the_cause_of_the_error() -> None:
    with pytest.raises(DefinitionError) as raised:
        declared(Connector("shop", "A shop."), arguments={"properties": {"x": {"type": "null"}}})

    assert isinstance(raised.value.__cause__, JsonSchemaError)
    assert (raised.value.__cause__.at, raised.value.__cause__.reason) == ("x", "type")
