"""Schemas that would let a few bytes become very much are refused before anything is read with them."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from schemas.errors import SchemaError
from schemas.registry.avro_schema import SCHEMA_BYTES, avro_schema
from schemas.registry.files import SchemaFile, packaged_schemas


def refused(schema: object) -> str:
    with pytest.raises(SchemaError) as caught:
        avro_schema(orjson.dumps(schema).decode())
    return str(caught.value)


def record(*types: object, name: str = "R") -> dict[str, object]:
    fields = [{"name": f"f{place}", "type": each} for place, each in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


def nested(levels: int) -> object:
    schema: object = "string"
    for level in range(levels):
        schema = record(schema, name=f"R{level}")
    return schema


def test_recursion_is_refused() -> None:
    assert "recursive: R holds itself" in refused(record(["null", "R"]))


def test_recursion_by_way_of_another_record_is_refused() -> None:
    assert "recursive" in refused(record(record({"type": "array", "items": "R"}, name="Other")))


@pytest.mark.parametrize(
    "items", ["null", record(name="E"), record("null", name="E"), {"type": "fixed", "name": "F", "size": 0}]
)
def test_items_without_bytes_are_refused(items: object) -> None:
    assert "items take no bytes" in refused(record({"type": "array", "items": items}))


def test_doubling_without_bytes_is_refused() -> None:
    levels: list[object] = [record("null", "null", name="L0")]
    levels += [record(f"L{level}", f"L{level}", name=f"L{level + 1}") for level in range(20)]
    assert "take no bytes in one record" in refused(record(*levels, "string"))


def test_free_values_inside_a_map_count() -> None:
    free = record(*["null"] * 65, name="Free")
    assert "take no bytes in one record" in refused(record({"type": "map", "values": free}))


def test_deep_nesting_is_refused() -> None:
    assert "nested deeper" in refused(nested(80))


def test_deep_nesting_by_way_of_names_is_refused() -> None:
    levels: list[object] = [record("string", name="L0")]
    levels += [record(f"L{level}", name=f"L{level + 1}") for level in range(70)]
    assert "nested deeper than 64 levels" in refused(record(*levels))


@pytest.mark.parametrize(("precision", "scale"), [(1001, 2), (2**31 - 1, 2**31 - 2)])
def test_a_decimal_of_very_many_digits_is_refused(precision: int, scale: int) -> None:
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
    assert f"decimal of precision {precision}" in refused(record(decimal))


def test_marks_for_the_parser_are_refused() -> None:
    assert "__fastavro_parsed" in refused(record("string") | {"__fastavro_parsed": True})
    assert "__named_schemas" in refused(record({"type": "string", "__named_schemas": {}}))


@pytest.mark.parametrize("schema", [[], "string", {"type": "enum", "name": "E", "symbols": ["A"]}, None])
def test_only_records_are_events(schema: object) -> None:
    assert "no Avro record" in refused(schema)


@pytest.mark.parametrize(
    "kind", ["nowhere", {"type": {"type": "string"}}, 5, None, {"type": "fixed", "name": "F"}]
)
def test_what_is_no_avro_is_refused(kind: object) -> None:
    assert "no valid Avro" in refused(record(kind))


@pytest.mark.parametrize("size", [-1, "4", True, 1.5, None])
def test_a_fixed_whose_size_is_no_number_of_bytes_is_refused(size: object) -> None:
    assert "no number of bytes" in refused(record({"type": "fixed", "name": "F", "size": size}))


@pytest.mark.parametrize("name", [[], {}, 5, None])
def test_a_field_whose_name_is_no_text_is_refused(name: object) -> None:
    said = record("string") | {"fields": [{"name": name, "type": "string"}]}
    assert "name is no text" in refused(said)


def test_an_error_is_no_part_of_an_event() -> None:
    error = record("string", name="Broken") | {"type": "error"}
    assert "a type error" in refused(record(error))


def test_two_fields_of_one_name_are_refused() -> None:
    same = {"name": "f0", "type": "string"}
    assert "two fields of one name" in refused({"type": "record", "name": "R", "fields": [same, same]})


def test_a_schema_text_is_capped() -> None:
    assert "limit" in refused(record("string") | {"doc": "x" * SCHEMA_BYTES})


def test_optional_fields_lists_maps_and_shared_types_pass() -> None:
    schema = record(
        ["null", "string"],
        {"type": "array", "items": record("null", "string", name="Item")},
        {"type": "map", "values": "Item"},
        "Item",
        {"type": "fixed", "name": "F", "size": 4},
        "F",
        {"type": "enum", "name": "E", "symbols": ["A"]},
    )
    assert avro_schema(orjson.dumps(schema).decode()).name == "R"


@pytest.mark.parametrize("file", packaged_schemas(), ids=lambda file: file.type)
def test_our_own_schemas_say_what_everything_means(file: SchemaFile) -> None:
    assert [name for name, doc in named(orjson.loads(file.schema.text)) if not doc] == []


def named(node: Any) -> Iterator[tuple[str, str | None]]:
    """Yield each type and field that has a name, and its doc."""
    if isinstance(node, dict):
        if "name" in node:
            yield node["name"], node.get("doc")
        for value in node.values():
            yield from named(value)
    elif isinstance(node, list):
        for item in node:
            yield from named(item)
