"""Schemas that refer to others become one text that reads the same bytes."""

import io
from typing import Any

import fastavro
import orjson
import pytest

from schemas.errors import SchemaError
from schemas.registry.avro_schema import avro_schema
from schemas.registry.references import REFERENCES, Reference, inlined, references_of


def record(name: str, *fields: tuple[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": each, "type": kind} for each, kind in fields],
        **more,
    }


def whole(main: Any, *others: Any) -> dict[str, Any]:
    """Return what the text says, after it was parsed and linted."""
    text = inlined(orjson.dumps(main).decode(), [orjson.dumps(each).decode() for each in others])
    avro_schema(text)
    return orjson.loads(text)


MONEY = record("Money", ("units", "long"), namespace="shop.money")


def test_a_type_is_put_where_it_is_used_first_and_named_after_that() -> None:
    order = record("Order", ("net", "shop.money.Money"), ("gross", "shop.money.Money"), namespace="shop")
    net, gross = whole(order, MONEY)["fields"]
    assert net["type"]["name"] == "Money"
    assert net["type"]["namespace"] == "shop.money"
    assert gross["type"] == "shop.money.Money"


def test_a_name_without_a_dot_is_in_the_namespace_around_it() -> None:
    line = record("Line", ("price", "Money"), namespace="shop.money")
    made = whole(
        record("Order", ("line", "money.Line"), ("sum", "shop.money.Money")),
        {**line, "namespace": "money"},
        MONEY,
        {**MONEY, "namespace": "money"},
    )
    assert made["fields"][0]["type"]["fields"][0]["type"]["namespace"] == "money"
    assert made["fields"][1]["type"]["namespace"] == "shop.money"


def test_a_type_without_a_namespace_stays_without_one_inside_of_one_that_has_it() -> None:
    inner = record("shop.Inner", ("bare", ["null", "Bare"]))
    with pytest.raises(SchemaError, match="no valid Avro"):
        whole(inner, record("Bare", ("x", "int")))
    outer = record("Outer", ("bare", "Bare"), ("inner", record("shop.Inner", ("x", "int"))))
    assert whole(outer, record("Bare", ("x", "int")))["fields"][0]["type"]["namespace"] == ""


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "array", "items": "shop.money.Money"},
        {"type": "map", "values": "shop.money.Money"},
        ["null", "shop.money.Money"],
        {"type": "shop.money.Money"},
        {"type": {"type": "array", "items": ["null", {"type": "map", "values": "shop.money.Money"}]}},
    ],
)
def test_types_are_found_inside_of_others(kind: Any) -> None:
    assert orjson.dumps(whole(record("Order", ("f", kind)), MONEY)).count(b'"Money"') == 1


def test_enums_fixed_and_types_inside_of_what_is_referred_to_are_found() -> None:
    colour = {"type": "enum", "name": "shop.Colour", "symbols": ["RED"]}
    digest = {"type": "fixed", "name": "shop.Digest", "size": 4}
    part = record("shop.Part", ("colour", colour), ("digest", digest))
    made = whole(record("Order", ("c", "shop.Colour"), ("p", "shop.Part"), ("d", "shop.Digest")), part)
    c, p, d = (each["type"] for each in made["fields"])
    assert (c["symbols"], p["fields"][0]["type"], d) == (["RED"], "shop.Colour", "shop.Digest")


def test_what_was_written_with_references_is_read_with_the_whole() -> None:
    line = record(
        "Line",
        ("price", "shop.money.Money"),
        ("tags", {"type": "array", "items": "string"}),
        namespace="shop",
    )
    order = record("Order", ("first", "Line"), ("rest", {"type": "array", "items": "Line"}), namespace="shop")
    named: dict[str, Any] = {}
    parsed = [fastavro.parse_schema(each, named_schemas=named) for each in (MONEY, line, order)][-1]
    one = {"price": {"units": 5}, "tags": ["a", "b"]}
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, parsed, {"first": one, "rest": [one, one]})
    stream.seek(0)
    text = inlined(orjson.dumps(order).decode(), [orjson.dumps(each).decode() for each in (line, MONEY)])
    read = fastavro.schemaless_reader(stream, dict(avro_schema(text).parsed), None)
    assert read == {"first": one, "rest": [one, one]}


def test_defaults_docs_and_tags_stay() -> None:
    tagged = {
        **record("shop.Part"),
        "fields": [{"name": "x", "type": "int", "default": 3, "personal": "name"}],
        "doc": "a part",
    }
    part = whole(record("Order", ("p", "shop.Part")), tagged)["fields"][0]["type"]
    assert (part["doc"], part["fields"]) == ("a part", tagged["fields"])


def test_one_name_for_two_types_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"two schemas define shop\.money\.Money differently"):
        whole(record("Order", ("m", "shop.money.Money")), MONEY, {**MONEY, "doc": "another"})


def test_a_type_that_comes_back_to_itself_through_another_schema_is_refused() -> None:
    with pytest.raises(SchemaError, match="recursive"):
        whole(record("shop.A", ("b", "shop.B")), record("shop.B", ("a", ["null", "shop.A"])))


def test_a_name_that_nobody_defines_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"shop\.Nobody"):
        whole(record("Order", ("m", "shop.Nobody")), MONEY)


def test_types_nested_through_very_many_schemas_are_refused() -> None:
    chain = [record(f"T{n}", ("next", f"T{n + 1}")) for n in range(100)]
    with pytest.raises(SchemaError, match="nested deeper"):
        whole(record("Order", ("first", "T0")), *chain, record("T100", ("end", "int")))


@pytest.mark.parametrize("text", ["{", '{"__named_schemas": {}}'])
def test_a_text_that_is_no_schema_is_refused(text: str) -> None:
    with pytest.raises(SchemaError):
        inlined('{"type":"record","name":"R","fields":[]}', [text])


@pytest.mark.parametrize(
    "source",
    [
        7,
        None,
        {"type": "record"},
        {"type": "record", "name": "R", "fields": 1},
        {"type": "record", "name": "R", "fields": [7, {}]},
    ],
)
def test_what_is_no_type_is_left_for_the_parser_to_refuse(source: Any) -> None:
    with pytest.raises(SchemaError):
        whole(record("Order", ("f", source)), MONEY)


def test_references_are_read_as_registries_write_them() -> None:
    said = {"references": [{"name": "shop.money.Money", "subject": "money", "version": 3}]}
    assert references_of(said) == (Reference("money", 3),)
    assert references_of({}) == references_of({"references": None}) == ()


@pytest.mark.parametrize(
    "references",
    [
        "x",
        [7],
        [{"subject": "s"}],
        [{"subject": "s", "version": "latest"}],
        [{"subject": "s", "version": 0}],
        [{"subject": "s", "version": True}],
    ],
)
def test_references_that_name_no_version_are_refused(references: Any) -> None:
    with pytest.raises(SchemaError):
        references_of({"references": references})


def test_very_many_references_are_refused() -> None:
    each = {"name": "n", "subject": "s", "version": 1}
    with pytest.raises(SchemaError, match=f"refers to {REFERENCES + 1} schemas, the limit is {REFERENCES}"):
        references_of({"references": [each] * (REFERENCES + 1)})
