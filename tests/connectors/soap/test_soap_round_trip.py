"""Whatever fits the JSON Schema of arguments is either refused before it is sent, or written so that it reads back the same."""

from functools import cache
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from connectors.errors import FailedError
from connectors.soap.arguments import ArgumentsReader, completed
from connectors.soap.envelope import build, written
from connectors.soap.ports import Wanted
from connectors.soap.results import members_of
from connectors.soap.wsdl import Operation, Wsdl, read_wsdl
from connectors.soap.xml import ENVELOPES, parse
from tests.connectors.soap.services import OPEN, PAY, RESERVE, WSDLS

_SIGNS = "aZ09<>&'\"é]-_\U0001f4e6"
_SPECIAL = {
    "Proof": st.sampled_from(["", "aGk=", "AAEC"]),
    "tags": st.lists(st.sampled_from(["new", "b2b", "é"]), min_size=1),
    "iban": st.sampled_from(["DE89370400440532013000", "TESTabc"]),
    "Due": st.datetimes().map(lambda at: f"{at.isoformat(timespec='seconds')}Z"),
    "value": st.decimals("0.01", "9999.99", places=2).map(str),
    "expires": st.sampled_from(["2027-05", "2027-05Z"]),
}
"""What a pattern or a built-in type holds narrower than the JSON Schema says."""


@cache
def read(
    file: str, operation: str, service: str | None
) -> tuple[Wsdl, Operation, dict[str, Any], dict[str, Any]]:
    wsdl = read_wsdl(WSDLS / file, {"act": Wanted(operation, service)})
    found = wsdl.operations["act"]
    assert isinstance(found, Operation)
    reader = ArgumentsReader(wsdl.types, {}, None)
    schema = reader.schema(found.request.fields)
    return wsdl, found, schema, reader.fixed


OPERATIONS = [
    ("tickets.wsdl", OPEN["operation"], None),
    ("materials.wsdl", RESERVE["operation"], None),
    ("payments.wsdl", PAY["operation"], PAY["service"]),
]


def values(schema: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    if name in _SPECIAL:
        return _SPECIAL[name]
    if "anyOf" in schema:
        return st.none() | values(schema["anyOf"][0])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "number":
            return st.floats(allow_nan=False, allow_infinity=False)
        case "array":
            most = min(3, schema.get("maxItems", 3))
            return st.lists(values(schema["items"]), min_size=schema.get("minItems", 0), max_size=most)
        case "object":
            fields = {each: values(inner, each) for each, inner in schema["properties"].items()}
            needed = {each: fields[each] for each in schema["required"]}
            return st.fixed_dictionaries(
                needed, optional={each: inner for each, inner in fields.items() if each not in needed}
            )
        case _:
            return texts(schema)


def texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        shortened = schema["pattern"].replace("{1,30}", "{1,4}")
        return st.from_regex(shortened.replace(r"\d", "[0-9]"), fullmatch=True)
    return st.text(_SIGNS, min_size=schema.get("minLength", 0), max_size=schema.get("maxLength", 12))


def chosen(arguments: dict[str, Any]) -> dict[str, Any]:
    """Mostly give one of a choice; how none and both are refused is told below."""
    payment = arguments.get("payment")
    if payment is not None and len(payment["payer"]) % 8:
        if "card" not in payment:
            payment.setdefault("iban", "DE89370400440532013000")
        for name in ("card", "expires") if "iban" in payment else ():
            payment.pop(name, None)
    return arguments


def shorn(value: Any) -> Any:
    """Leave out empty lists: a list that is not there reads back as an empty one."""
    if isinstance(value, dict):
        return {name: shorn(inner) for name, inner in value.items() if inner != []}
    return [shorn(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("file", "operation", "service"), OPERATIONS)
@given(data=st.data())
def test_arguments_read_back_as_they_were_written(
    file: str, operation: str, service: str | None, data: st.DataObject
) -> None:
    wsdl, found, schema, fixed = read(file, operation, service)
    arguments = completed(data.draw(values(schema).map(chosen)), None, {}, fixed)
    try:
        envelope = parse(written(build(wsdl, found, arguments)))
    except FailedError as error:
        event(f"refused: {error.code}")
        return
    event("written")
    (element,) = envelope.find(f"{{{ENVELOPES[found.version]}}}Body")
    assert element.tag == found.request.tag
    assert shorn(members_of(wsdl.types, element, found.request.fields)) == shorn(arguments)


@pytest.mark.parametrize("either", [{"iban": "DE89370400440532013000"}, {"card": "4111"}])
def test_one_of_a_choice_is_written(either: dict[str, str]) -> None:
    wsdl, found, _, fixed = read("payments.wsdl", "pay", "Payments")
    payment = {"payer": "ann", "amount": {"value": "12.50", "currency": "EUR"}, "reason": None, **either}
    arguments = completed({"payment": payment, "tries": 1}, None, {}, fixed)
    envelope = build(wsdl, found, arguments)
    (element,) = envelope.find(f"{{{ENVELOPES['1.1']}}}Body")
    assert shorn(members_of(wsdl.types, element, found.request.fields)) == arguments
    assert arguments["payment"]["schemaVersion"] == "2"


@pytest.mark.parametrize("either", [{}, {"iban": "DE89370400440532013000", "card": "4111"}])
def test_none_or_both_of_a_choice_are_refused(either: dict[str, str]) -> None:
    wsdl, found, _, fixed = read("payments.wsdl", "pay", "Payments")
    payment = {"payer": "ann", "amount": {"value": "12.50", "currency": "EUR"}, "reason": None, **either}
    with pytest.raises(FailedError, match="not what is expected in this place"):
        build(wsdl, found, completed({"payment": payment, "tries": 1}, None, {}, fixed))
