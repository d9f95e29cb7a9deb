"""The types of a payload, as JSON Schema: what decoding gives, for every kind of Avro type."""

from typing import Any

import orjson
import pytest

from schemas.registry.avro_schema import avro_schema
from schemas.registry.files import latest, packaged_schemas
from schemas.registry.json_types import payload_types


def typed(kind: Any) -> Any:
    schema = {"type": "record", "name": "R", "fields": [{"name": "f", "type": kind}]}
    return payload_types(avro_schema(orjson.dumps(schema).decode()))["properties"]["f"]


INNER = {"type": "record", "name": "Inner", "fields": [{"name": "n", "type": "int"}]}
INNER_TYPES = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}

NUMBER = {"type": "string", "format": "number"}


@pytest.mark.parametrize(
    ("kind", "types"),
    [
        ("string", {"type": "string"}),
        ("long", {"type": "integer"}),
        ("double", {"type": "number"}),
        ("boolean", {"type": "boolean"}),
        (["null", "int"], {"anyOf": [{"type": "null"}, {"type": "integer"}]}),
        ({"type": "long", "logicalType": "timestamp-millis"}, {"type": "string", "format": "date-time"}),
        ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, NUMBER),
        ({"type": "string", "logicalType": ["uuid"]}, {"type": "string"}),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, {"type": "string", "enum": ["A", "B"]}),
        ({"type": "array", "items": "string"}, {"type": "array", "items": {"type": "string"}}),
        ({"type": "map", "values": "int"}, {"type": "object", "additionalProperties": {"type": "integer"}}),
        (INNER, INNER_TYPES),
        ("bytes", {}),
        ({"type": "fixed", "name": "F", "size": 4}, {}),
    ],
)
def test_each_type(kind: Any, types: Any) -> None:
    assert typed(kind) == types


def test_a_name_stands_for_the_type_that_was_defined_before() -> None:
    fields = [{"name": "a", "type": INNER}, {"name": "b", "type": ["null", "Inner"]}]
    schema = avro_schema(orjson.dumps({"type": "record", "name": "R", "fields": fields}).decode())
    assert payload_types(schema)["properties"] == {
        "a": INNER_TYPES,
        "b": {"anyOf": [{"type": "null"}, INNER_TYPES]},
    }


@pytest.mark.parametrize("event", sorted(latest(packaged_schemas())))
def test_every_packaged_schema_has_types(event: str) -> None:
    schema = latest(packaged_schemas())[event]
    assert list(payload_types(schema)["properties"]) == [field["name"] for field in schema.parsed["fields"]]


def test_what_a_field_says_of_its_text_is_kept() -> None:
    fields = [
        {"name": "a", "type": "string", "pattern": "C-[0-9]+"},
        {"name": "b", "type": "string", "trust": "outside"},
    ]
    schema = avro_schema(orjson.dumps({"type": "record", "name": "R", "fields": fields}).decode())
    assert payload_types(schema)["properties"] == {
        "a": {"type": "string", "pattern": "C-[0-9]+"},
        "b": {"type": "string", "trust": "outside"},
    }
