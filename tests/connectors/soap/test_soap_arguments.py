"""The JSON Schema of arguments says what the XML Schema of a message does, and refuses what it cannot say."""

from typing import Any

import pytest
from pydantic import ValidationError

from connectors import testing
from connectors.kind import SettingsError
from tests.connectors.soap.services import NOTIFY, OPEN, PAY, RESERVE, connector_of, mistakes_of


def schema_of(file: str, **operation: Any) -> dict[str, Any]:
    action = connector_of(file, act=operation).actions["desk.act"]
    return action.tool["function"]["parameters"]["properties"]


@pytest.mark.parametrize(
    ("file", "operation"), [("tickets.wsdl", OPEN), ("materials.wsdl", RESERVE), ("payments.wsdl", PAY)]
)
def test_the_declarations_hold_the_contract(file: str, operation: dict[str, Any]) -> None:
    connector = connector_of(file, act={"idempotency": "natural", **operation})
    testing.check_declarations(connector)
    testing.check_tools(connector)
    testing.check_unknown_arguments(connector)


def test_types_and_facets_become_types_and_bounds() -> None:
    ticket = schema_of("tickets.wsdl", **OPEN)["ticket"]["properties"]
    assert ticket["Title"] == {
        "type": "string",
        "minLength": 3,
        "maxLength": 80,
        "description": "In one line.",
    }
    assert ticket["Severity"] == {"type": "string", "enum": ["Low", "High"], "description": "Severity."}
    assert ticket["Due"]["type"] == ["string", "null"]
    assert ticket["Due"]["description"] == "Due. A time, such as 2026-12-24T18:30:00Z."
    assert ticket["Level"] == {"type": "integer", "minimum": 0, "maximum": 255, "description": "Level."}
    assert ticket["Urgent"]["type"] == ["boolean", "null"]
    assert ticket["Weight"]["type"] == ["number", "null"]
    assert ticket["Proof"]["description"] == "Proof. Base64."
    assert ticket["Hours"]["type"] == "string"
    assert "any" not in ticket


def test_a_description_comes_from_the_documents_or_from_the_section() -> None:
    action = connector_of("tickets.wsdl", act=OPEN).actions["desk.act"]
    assert action.description == "Open a ticket for somebody."
    assert schema_of("tickets.wsdl", **OPEN)["ticket"]["description"] == "What went wrong, for whom."
    said = {"arguments": {"ticket.Title": {"description": "Short."}}}
    assert (
        schema_of("tickets.wsdl", **OPEN, **said)["ticket"]["properties"]["Title"]["description"] == "Short."
    )


def test_included_files_and_derived_facets_count() -> None:
    reserve = schema_of("materials.wsdl", **RESERVE)
    assert (reserve["PLANT"]["minLength"], reserve["PLANT"]["maxLength"]) == (4, 4)
    assert reserve["MATERIAL"]["maxLength"] == 18
    item = reserve["ITEMS"]["properties"]["item"]["items"]["properties"]
    assert item["MENGE"]["pattern"] == r"^-?[0-9]{1,13}(\.[0-9]{1,3})?$"
    assert item["BDTER"]["pattern"] == "^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$"


def test_extensions_groups_attributes_and_choices_are_one_object() -> None:
    payment = schema_of("payments.wsdl", **PAY)["payment"]["properties"]
    assert list(payment) == [
        *("payer", "tags", "trace", "amount", "iban", "card", "expires", "splits", "reason", "comment"),
    ]
    assert payment["amount"]["properties"]["value"]["description"].endswith("above 0 and at most 9999.99.")
    assert payment["amount"]["properties"]["currency"]["pattern"] == "^[A-Z]{3}$"
    assert payment["iban"]["description"].endswith("One of these is given: iban, card.")
    assert payment["splits"]["maxItems"] == 3
    assert [each["type"] for each in payment["reason"]["anyOf"]] == ["string", "null"]


def test_a_pattern_that_means_something_else_in_json_is_left_to_the_check_before_sending() -> None:
    payment = schema_of("payments.wsdl", **PAY)["payment"]["properties"]
    assert "pattern" not in payment["iban"]


@pytest.mark.parametrize(
    "due", ["2026-12-24T18:30:00", "2026-12-24T18:30:00Z", "2026-12-24T18:30:00.5+01:00"]
)
def test_a_time_is_taken_with_or_without_its_zone_as_services_say_it(due: str) -> None:
    arguments = connector_of("tickets.wsdl", act=OPEN).actions["desk.act"].arguments
    ticket = {"Title": "It broke", "Severity": "Low", "Hours": "1.5", "Level": 3}
    arguments.model_validate({"ticket": {**ticket, "Due": due}})
    with pytest.raises(ValidationError):
        arguments.model_validate({"ticket": {**ticket, "Due": due.replace("T", " ")}})


def test_what_the_schema_bounds_is_refused_before_anything_is_called() -> None:
    arguments = connector_of("tickets.wsdl", act=OPEN).actions["desk.act"].arguments
    ticket = {"Title": "It broke", "Severity": "Low", "Hours": "1.5", "Level": 3}
    arguments.model_validate({"ticket": ticket})
    for wrong in (
        {"Title": "It"},
        {"Severity": "Mid"},
        {"Hours": "1,5"},
        {"Hours": 1.5},
        {"Level": 256},
        {"Other": 1},
    ):
        with pytest.raises(ValidationError):
            arguments.model_validate({"ticket": {**ticket, **wrong}})


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        ({"operation": "tree"}, "node.child contains itself, and a strict schema has no recursion: hide it"),
        ({"operation": "loose"}, "loose.anything may be anything, as it has no type: hide it"),
        (
            {"operation": "loose", "arguments": {"loose.anything": {"hidden": True}}},
            "loose.key is in a group that repeats as a whole: give it a value",
        ),
        ({"arguments": {"payment.payer": {"hidden": True}}}, "payment.payer is required: give it a value"),
        ({"arguments": {"payment.payr": {"hidden": True}}}, "it has no argument payment.payr"),
        ({"inside": "payment"}, "tries is required and not inside: give it a value"),
        (
            {"inside": "paymnt", "arguments": {"tries": {"value": 1}}},
            "no object paymnt; there is payment, tries",
        ),
        (
            {"inside": "payment.splits", "arguments": {"tries": {"value": 1}}},
            "inside: there is no object splits",
        ),
        ({"key_element": "payment.reference"}, "no argument payment.reference"),
        ({"key_element": "payment.splits"}, "payment.splits is no single text"),
        ({"key_element": "payment.amount"}, "payment.amount is no single text"),
        ({"key_element": "tries"}, "tries is no single text"),
    ],
)
def test_what_cannot_be_an_argument_is_refused_with_path_reason_and_way_out(
    operation: dict[str, Any], says: str
) -> None:
    with pytest.raises(SettingsError) as error:
        connector_of("payments.wsdl", act={**PAY, **operation})
    assert says in mistakes_of(error)


def test_recursion_that_is_hidden_is_no_obstacle() -> None:
    hidden = {"node.child": {"hidden": True}}
    tree = schema_of(
        "payments.wsdl",
        operation="tree",
        service="Payments",
        effect="read",
        description="Look.",
        arguments=hidden,
    )
    assert list(tree["node"]["properties"]) == ["name"]


def test_keys_and_fixed_values_are_not_the_models_to_set() -> None:
    said = {"payment.payer": {"value": "the house"}, "tries": {"value": 1}}
    shown = schema_of("payments.wsdl", **{**PAY, "arguments": said, "key_element": "payment.reason"})
    assert list(shown) == ["payment"]
    assert not {"payer", "reason", "schemaVersion"} & shown["payment"]["properties"].keys()


def test_a_key_is_cut_to_the_room_there_is_or_refused() -> None:
    with pytest.raises(SettingsError, match="TESTRUN takes 1 characters: a key has 16 at least"):
        connector_of("materials.wsdl", act={**RESERVE, "key_element": "TESTRUN"})
    assert "MATERIAL" not in schema_of("materials.wsdl", **RESERVE, key_element="MATERIAL")


def test_members_of_an_object_may_be_the_arguments() -> None:
    own = {
        "inside": "payment.amount",
        "arguments": {"tries": {"value": 1}, "payment.payer": {"value": "the house"}},
    }
    with pytest.raises(SettingsError, match="is required and not inside"):
        connector_of("payments.wsdl", act={**PAY, **own})
    shown = schema_of("payments.wsdl", **PAY, **own, key_element="payment.reason")
    assert list(shown) == ["value", "currency"]


def test_an_operation_without_arguments_takes_none() -> None:
    assert list(schema_of("tickets.wsdl", **NOTIFY)) == ["text"]
