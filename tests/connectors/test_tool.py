from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, Union

import orjson
import pytest
from pydantic import BaseModel, Field, create_model

from connectors.action import Call
from connectors.signature import read_signature
from connectors.strict_schema import SchemaLimitError, strict_schema
from connectors.tool import build_tool, describe, responses_tool


class Address(BaseModel):
    """Where something goes."""

    street: str
    floor: int | None = None


class Folder(BaseModel):
    inside: list["Folder"]


class Cash(BaseModel):
    kind: Literal["cash"]


class Card(BaseModel):
    kind: Literal["card"]
    number: str


async def ship(
    call: Call[None],
    order_id: Annotated[str, Field(pattern=r"^O-\d+$")],
    to: Address,
    *,
    speed: Literal["slow", "fast"] = "slow",
    billing: Address | None = None,
    weight: Decimal | None = None,
    tags: list[str] = [],  # noqa: B006 - pydantic copies it
    insured: bool = True,
) -> None:
    """Ship an order.

    Args:
        order_id: the order.
        speed: how fast.
        to: the receiver's address.
    """


def ship_schema() -> dict[str, Any]:
    return strict_schema(read_signature(ship, name="erp.ship").arguments)


def objects_of(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for value in schema.values():
            yield from objects_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects_of(value)


def test_every_object_is_closed_and_requires_all_its_properties() -> None:
    found = list(objects_of(ship_schema()))

    assert len(found) == 3
    for schema in found:
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])


def test_nothing_is_left_that_strict_endpoints_refuse() -> None:
    text = orjson.dumps(ship_schema()).decode()

    for keyword in ("$ref", "$defs", '"title"', '"default"', "oneOf", "discriminator", "const"):
        assert keyword not in text


def test_a_parameter_with_a_default_may_be_null_and_says_its_default() -> None:
    properties = ship_schema()["properties"]

    assert properties["speed"] == {
        "type": ["string", "null"],
        "enum": ["slow", "fast", None],
        "description": "how fast. Default: slow.",
    }
    assert properties["insured"] == {"type": ["boolean", "null"], "description": "Default: true."}
    assert properties["order_id"] == {
        "type": "string",
        "pattern": r"^O-\d+$",
        "description": "the order.",
        "maxLength": 10_000,
    }


def test_nested_models_are_inlined_and_keep_the_parameters_own_description() -> None:
    properties = ship_schema()["properties"]

    assert properties["to"]["description"] == "the receiver's address."
    assert properties["to"]["properties"]["street"] == {"type": "string", "maxLength": 10_000}
    assert {"type": "null"} in properties["billing"]["anyOf"]


def test_a_union_of_models_becomes_any_of() -> None:
    payment = Annotated[Union[Cash, Card], Field(discriminator="kind")]  # noqa: UP007 - what others write
    schema = strict_schema(create_model("Pay", payment=(payment, ...)))

    kinds = [choice["properties"]["kind"] for choice in schema["properties"]["payment"]["anyOf"]]
    assert kinds == [{"type": "string", "enum": ["cash"]}, {"type": "string", "enum": ["card"]}]


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (dict[str, str], "free-form object"),
        (Any, "any type"),
        (list[Any], "any type"),
        (tuple[int, str], "fixed tuple"),
        (Folder, "contains itself"),
    ],
)
def test_a_type_that_strict_schemas_cannot_say_is_refused(kind: Any, problem: str) -> None:
    with pytest.raises(SchemaLimitError, match=problem):
        strict_schema(create_model("Bad", value=(kind, ...)))


def test_the_tool_has_openais_strict_function_format() -> None:
    arguments = read_signature(ship, name="erp.ship").arguments
    tool = build_tool("erp__ship", "Ship an order.", arguments)

    assert tool == {
        "type": "function",
        "function": {
            "name": "erp__ship",
            "description": "Ship an order.",
            "strict": True,
            "parameters": strict_schema(arguments),
        },
    }


def test_constraints_and_examples_are_described_in_declared_order_with_sorted_keys() -> None:
    text = describe(
        "Ship an order.",
        constraints=["Not on Sundays", "Only once"],
        examples=[{"to": "x", "order_id": "O-1"}],
    )

    assert text == (
        "Ship an order.\n\nConstraints:\n- Not on Sundays\n- Only once\n\n"
        'Examples:\n- {"order_id":"O-1","to":"x"}'
    )


def test_the_same_signature_always_gives_the_same_bytes() -> None:
    assert orjson.dumps(ship_schema()) == orjson.dumps(ship_schema())


def test_the_responses_api_gets_the_same_tool_flat() -> None:
    tool = build_tool("erp__ship", "Ship an order.", read_signature(ship, name="erp.ship").arguments)

    assert responses_tool(tool) == {"type": "function", **tool["function"]}
    assert responses_tool(tool)["strict"] is True
    assert set(responses_tool(tool)) == {"type", "name", "description", "parameters", "strict"}
