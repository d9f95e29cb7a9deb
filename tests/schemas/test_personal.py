"""Tagged values are found in records, arrays, maps and unions, by Avro's tags and by pydantic's."""

import json
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from schemas.personal import tagged, tagged_fields, tagged_values
from schemas.registry.avro_schema import avro_schema
from schemas.registry.json_types import payload_types

PERSON = {
    "type": "record",
    "name": "Person",
    "fields": [{"name": "name", "type": "string", "pii": True}, {"name": "role", "type": "string"}],
}
ANN = {"name": "Ann", "role": "buyer"}


@pytest.mark.parametrize(
    ("kind", "tag", "value", "found"),
    [
        ("string", True, "Ann", ("Ann",)),
        ("string", False, "Ann", ()),
        ("long", True, 49, (49,)),
        (["null", "string"], True, None, ()),
        (["null", "string"], True, "Ann", ("Ann",)),
        (PERSON, False, ANN, ("Ann",)),
        (PERSON, True, ANN, ("Ann", "buyer")),
        (["null", PERSON], False, ANN, ("Ann",)),
        ({"type": "array", "items": PERSON}, False, [ANN, ANN | {"name": "Bob"}], ("Ann", "Bob")),
        ({"type": "array", "items": "string"}, True, ["a", "b"], ("a", "b")),
        ({"type": "map", "values": PERSON}, False, {"x": ANN}, ("Ann",)),
        ({"type": "map", "values": "int"}, True, {"ann@example.org": 1}, ("ann@example.org", 1)),
        (["null", {"type": "array", "items": ["null", PERSON]}], False, [None, ANN], ("Ann",)),
    ],
)
def test_what_avro_tags_is_found_wherever_it_is(
    kind: Any, tag: bool, value: Any, found: tuple[Any, ...]
) -> None:
    field = {"name": "it", "type": kind} | ({"pii": True} if tag else {})
    text = json.dumps(
        {"type": "record", "name": "Event", "fields": [field, {"name": "other", "type": "int"}]}
    )
    types = payload_types(avro_schema(text))
    assert tagged(types, {"it": value, "other": 1}) == ({"it": found} if found else {})
    assert tagged_fields(types) == ({"it"} if tag or "Person" in text else set())


class Address(BaseModel):
    street: Annotated[str, Field(json_schema_extra={"pii": True})]
    country: str


class Customer(BaseModel):
    id: str
    email: str | None = Field(default=None, json_schema_extra={"pii": True})
    addresses: list[Address] = []
    main: Address | None = None


def test_what_a_result_is_tagged_with_is_found_behind_references() -> None:
    types = Customer.model_json_schema(mode="serialization")
    home = {"street": "12 Mill Lane", "country": "GB"}
    value = {"id": "C-1", "email": "ann@example.org", "addresses": [home], "main": home}
    assert sorted(tagged_values(types, value)) == ["12 Mill Lane", "12 Mill Lane", "ann@example.org"]
    assert tagged_fields(types) == {"email", "addresses", "main"}


@pytest.mark.parametrize("value", [None, "text", 3, [], [1], {"email": {"deep": ["x"]}}])
def test_a_value_that_does_not_fit_its_type_does_no_harm(value: Any) -> None:
    assert list(tagged_values(Customer.model_json_schema(), value)) in ([], ["deep", "x"])
