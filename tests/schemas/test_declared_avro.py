"""JSON values held to an Avro schema: they mean what the same event means in Avro."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import avro
from schemas.codec.declared_avro import AvroForJson
from schemas.codec.limits import Limits
from schemas.codec.values import plain
from schemas.errors import UnreadableError
from schemas.registry.avro_schema import AvroSchema, avro_schema

DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}
ORDER: dict[str, Any] = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "quantity", "type": "int"},
        {"name": "seq", "type": "long"},
        {"name": "weight", "type": "double"},
        {"name": "share", "type": "float"},
        {"name": "paid", "type": "boolean"},
        {"name": "total", "type": DECIMAL},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "micro_clock", "type": {"type": "long", "logicalType": "time-micros"}},
        {"name": "made", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "micro_made", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "local_made", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
        {"name": "uuid", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["open", "paid"]}},
        {"name": "tags", "type": {"type": "map", "values": "string"}},
        {
            "name": "line",
            "type": [
                "null",
                {"type": "record", "name": "Line", "fields": [{"name": "sku", "type": "string"}]},
            ],
            "default": None,
        },
        {"name": "lines", "type": {"type": "array", "items": "Line"}, "default": []},
        {"name": "channel", "type": "string", "default": "web"},
        {"name": "note", "type": ["null", "string", "long"], "default": None},
        {"name": "email", "type": ["null", "string"], "default": None, "pii": True},
    ],
}
SCHEMA = avro_schema(orjson.dumps(ORDER).decode())
HELD = AvroForJson("order.avsc", SCHEMA)
GOOD: dict[str, Any] = {
    "id": "o-1",
    "quantity": 2,
    "seq": 2**40,
    "weight": 1.5,
    "share": 0.5,
    "paid": True,
    "total": "12.50",
    "day": "2026-03-02",
    "clock": "09:15:00",
    "micro_clock": "09:15:00.123456",
    "made": "2026-03-02T10:15:00+01:00",
    "micro_made": "2026-03-02T09:15:00.123456Z",
    "local_made": "2026-03-02T09:15:00",
    "uuid": "4D47E190-0402-4048-BC2C-89DD54343CDC",
    "state": "open",
    "tags": {"a": "b"},
}


def held(**changes: Any) -> Mapping[str, Any]:
    said = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    return HELD.read(orjson.dumps(said))


def test_what_may_be_missing_is_filled_in_and_what_may_be_written_in_several_ways_is_written_in_one() -> None:
    assert held() == GOOD | {
        "made": "2026-03-02T09:15:00Z",
        "uuid": "4d47e190-0402-4048-bc2c-89dd54343cdc",
        "line": None,
        "lines": [],
        "channel": "web",
        "note": None,
        "email": None,
    }


@pytest.mark.parametrize("logical", [["uuid"], {"uuid": 1}, None, "unknown"])
def test_a_logical_type_that_there_is_not_is_ignored(logical: object) -> None:
    fields = [{"name": "id", "type": {"type": "string", "logicalType": logical}}]
    schema = avro_schema(orjson.dumps({"type": "record", "name": "R", "fields": fields}).decode())
    assert AvroForJson("r.avsc", schema).read(b'{"id": "no uuid"}') == {"id": "no uuid"}


def in_json(value: Any) -> str:
    """Write a value as a publisher would."""
    return json.dumps(
        value,
        default=lambda each: each.isoformat() if isinstance(each, date | time | datetime) else str(each),
    )


LINES = st.fixed_dictionaries({"sku": st.text(max_size=5)})
EVENTS = st.fixed_dictionaries(
    {
        "id": st.text(max_size=8),
        "quantity": st.integers(-(2**31), 2**31 - 1),
        "seq": st.integers(-(2**63), 2**63 - 1),
        "weight": st.floats(allow_nan=False, allow_infinity=False),
        "share": st.floats(allow_nan=False, allow_infinity=False, width=32),
        "paid": st.booleans(),
        "total": st.decimals(-(10**9), 10**9, places=2),
        "day": st.dates(),
        "clock": st.times().map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)),
        "micro_clock": st.times(),
        "made": st.datetimes(timezones=st.just(UTC)).map(
            lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
        ),
        "micro_made": st.datetimes(timezones=st.just(UTC)),
        "local_made": st.datetimes(),
        "uuid": st.uuids(),
        "state": st.sampled_from(["open", "paid"]),
        "tags": st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3),
        "line": st.none() | LINES,
        "lines": st.lists(LINES, max_size=3),
        "channel": st.text(max_size=4),
        "note": st.none() | st.text(max_size=4) | st.integers(-(2**63), 2**63 - 1),
        "email": st.none() | st.text(max_size=4),
    }
)


@given(EVENTS)
def test_an_event_means_the_same_in_json_and_in_avro(event: dict[str, Any]) -> None:
    body = avro.write(avro.prefix(1), SCHEMA, event)
    in_avro = plain(avro.read(body, SCHEMA), Limits())
    assert plain(HELD.read(in_json(event).encode()), Limits()) == in_avro


@pytest.mark.parametrize(
    ("changes", "means"),
    [
        ({"total": 12.5}, {"total": "12.50"}),
        ({"total": 12}, {"total": "12.00"}),
        ({"total": "-0.01"}, {"total": "-0.01"}),
        ({"total": "1.2e3"}, {"total": "1200.00"}),
        ({"day": 0}, {"day": "1970-01-01"}),
        ({"clock": 1000}, {"clock": "00:00:01"}),
        ({"micro_clock": 1}, {"micro_clock": "00:00:00.000001"}),
        ({"made": 1}, {"made": "1970-01-01T00:00:00.001000Z"}),
        ({"micro_made": 1}, {"micro_made": "1970-01-01T00:00:00.000001Z"}),
        ({"local_made": 0}, {"local_made": "1970-01-01T00:00:00"}),
        ({"weight": 1}, {"weight": 1.0}),
        ({"share": 0.1}, {"share": 0.10000000149011612}),
        ({"line": {"sku": "P"}}, {"line": {"sku": "P"}}),
    ],
    ids=str,
)
def test_numbers_mean_what_the_schemas_own_type_says(changes: dict[str, Any], means: dict[str, Any]) -> None:
    found = held(**changes)
    assert {name: found[name] for name in means} == means


def test_a_decimal_of_many_digits_is_exact() -> None:
    text = in_json(GOOD).replace('"12.50"', "9999999999.99").encode()
    assert HELD.read(text)["total"] == "9999999999.99"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": ...}, "field id: is missing"),
        ({"id": 5}, "field id: is no string"),
        ({"quantity": True}, "field quantity: is no integer"),
        ({"quantity": 1.0}, "field quantity: is no integer"),
        ({"quantity": 2**31}, "field quantity: is an integer of more than 32 bits"),
        ({"weight": "1"}, "field weight: is no number"),
        ({"share": 1e300}, "field share: is too large for a float"),
        ({"paid": 1}, "field paid: is no boolean"),
        ({"total": "canary"}, "field total: is no decimal"),
        ({"total": "NaN"}, "field total: is no decimal"),
        ({"total": "Infinity"}, "field total: is no decimal"),
        ({"total": True}, "field total: is no decimal"),
        ({"total": "1.005"}, "field total: has more than 2 digits after the point"),
        ({"total": "12345678901.00"}, "field total: has more than 12 digits"),
        ({"total": "1e999999999"}, "field total: is no decimal"),
        ({"day": "2026-02-30"}, "field day: is no date"),
        ({"day": 10**9}, "field day: is no date"),
        ({"day": 1.5}, "field day: is no integer"),
        ({"clock": "09:15:00Z"}, "field clock: is a time of day, and has a time zone"),
        ({"clock": -1}, "field clock: is no time of day"),
        ({"made": "2026-03-02T09:15:00"}, "field made: has no time zone"),
        ({"made": "noon"}, "field made: is no timestamp-millis"),
        ({"made": 2**62}, "field made: is no timestamp-millis"),
        ({"local_made": "2026-03-02T09:15:00Z"}, "field local_made: has a time zone"),
        ({"uuid": "x"}, "field uuid: is no uuid"),
        ({"state": "gone"}, "field state: is none of open, paid"),
        ({"state": ["open"]}, "field state: is none of open, paid"),
        ({"tags": {"a": 1}}, "field tags.a: is no string"),
        ({"tags": []}, "field tags: is no object"),
        ({"line": 5}, "field line: is no object"),
        ({"lines": {}}, "field lines: is no list"),
        ({"lines": [{"sku": "P"}, {"sku": 1}]}, "field lines[1].sku: is no string"),
        ({"lines": [{"sku": "P", "x": 1}]}, "field lines[0]: has members that the schema does not know: x"),
        ({"note": 1.5}, "field note: fits no branch of its union"),
        ({"other": 1}, "field payload: has members that the schema does not know: other"),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_is_refused_by_field(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        held(**changes)
    assert f"the value does not fit order.avsc: {problem}" in str(caught.value)
    assert "canary" not in str(caught.value)


def only(type_: Any) -> AvroSchema:
    said = {"type": "record", "name": "One", "fields": [{"name": "a", "type": type_}]}
    return avro_schema(orjson.dumps(said).decode())


def test_a_value_that_two_branches_read_differently_is_refused() -> None:
    text_or_day = AvroForJson("one.avsc", only(["string", {"type": "int", "logicalType": "date"}]))
    assert text_or_day.read(b'{"a": "noon"}') == {"a": "noon"}
    assert text_or_day.read(b'{"a": "2026-03-02"}') == {"a": "2026-03-02"}  # both say the same
    text_or_total = AvroForJson("one.avsc", only(["string", DECIMAL]))
    with pytest.raises(
        UnreadableError, match="fits several branches of its union, which mean different things"
    ):
        text_or_total.read(b'{"a": "1.5"}')
    assert AvroForJson("one.avsc", only(["int", "long"])).read(b'{"a": 5}') == {"a": 5}


def test_bytes_have_no_place_in_json() -> None:
    with pytest.raises(UnreadableError, match="field a: is declared as bytes"):
        AvroForJson("one.avsc", only("bytes")).read(b'{"a": "AA=="}')


def test_what_is_tagged_as_personal_is_known_to_be() -> None:
    assert HELD.personal is not None
    assert set(HELD.personal["properties"]) == {"email"}
    assert HELD.types["properties"]["day"] == {"type": "string", "format": "date"}


def test_uuids_of_the_tests_are_some() -> None:
    assert str(UUID(GOOD["uuid"])) == held()["uuid"]
    assert Decimal(held()["total"]) == Decimal("12.5")
