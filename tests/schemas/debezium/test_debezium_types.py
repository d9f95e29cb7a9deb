"""Columns of every type mean the same in Connect's JSON and in Avro; without a schema they stay as they were sent."""

import base64
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import avro
from schemas.codec.debezium.connect import unwrapped
from schemas.codec.debezium.logical import DECIMAL, VARIABLE_DECIMAL, unpacked
from schemas.codec.formats import Format, TopicFormat
from schemas.codec.records import RecordCodec
from schemas.errors import UnknownSchemaError, UnreadableError
from schemas.registry.avro_schema import avro_schema
from tests.schemas.debezium.conftest import Decode
from tests.schemas.debezium.envelopes import (
    COLUMNS,
    CONNECT,
    DEBEZIUM,
    MEANING,
    avro_body,
    avro_envelope,
    connect_json,
)
from tests.schemas.debezium.records import record
from tests.schemas.known_schemas import KnownSchemas

KEY = avro_schema(
    '{"type": "record", "name": "Key", "namespace": "shop", "fields": [{"name": "id", "type": "int"}]}'
)


async def test_a_row_in_json_with_its_schema_means_what_its_columns_say(decode: Decode) -> None:
    event = await decode(record(connect_json()))
    assert event.payload["after"] == MEANING


async def test_a_row_in_avro_means_the_same(decode: Decode, registry: KnownSchemas) -> None:
    registry.by_id = {7: avro_envelope(), 8: KEY}
    key = avro.prefix(8) + b"\xd2\x0f"
    in_avro = await decode(record(avro_body(registry.by_id[7], 7), key=key))
    in_json = await decode(record(connect_json()))
    assert in_avro.payload["after"] == MEANING
    assert in_avro.schema == "shop.public.orders.Envelope"
    assert (in_avro.id, in_avro.session_id, in_avro.type) == (in_json.id, in_json.session_id, in_json.type)


DAY_MS = 86_400_000
SMALL = st.integers(-(10**11), 10**11).map(lambda number: number.to_bytes(6, signed=True))
SENT: dict[str, st.SearchStrategy[Any]] = {
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "string": st.text(max_size=5),
    "boolean": st.booleans(),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "bytes": st.binary(max_size=5),
    "struct": st.fixed_dictionaries({"scale": st.integers(0, 9), "value": SMALL}),
    f"{CONNECT}.Decimal": SMALL,
    f"{CONNECT}.Date": st.integers(-700_000, 2_900_000),
    f"{CONNECT}.Time": st.integers(0, DAY_MS - 1),
    f"{CONNECT}.Timestamp": st.integers(-60_000_000_000_000, 250_000_000_000_000),
    f"{DEBEZIUM}.Date": st.integers(-700_000, 2_900_000),
    f"{DEBEZIUM}.Time": st.integers(0, DAY_MS),
    f"{DEBEZIUM}.MicroTime": st.integers(0, DAY_MS * 1000),
    f"{DEBEZIUM}.NanoTime": st.integers(0, DAY_MS * 1_000_000),
    f"{DEBEZIUM}.Timestamp": st.integers(-60_000_000_000_000, 250_000_000_000_000),
    f"{DEBEZIUM}.MicroTimestamp": st.integers(-60_000_000_000_000_000, 250_000_000_000_000_000),
    f"{DEBEZIUM}.NanoTimestamp": st.integers(-(2**63), 2**63 - 1),
}
ROWS = st.tuples(*(st.none() | SENT.get(column.logical, SENT[column.kind]) for column in COLUMNS))


@given(row=ROWS)
async def test_any_row_means_the_same_in_json_and_in_avro(row: tuple[Any, ...]) -> None:
    columns = tuple(replace(column, sent=sent) for column, sent in zip(COLUMNS, row, strict=True))
    codec = RecordCodec(
        KnownSchemas({7: avro_envelope()}), topics={"shop.orders": TopicFormat(Format.DEBEZIUM)}
    )
    in_avro = await codec.decode(record(avro_body(avro_envelope(), 7, columns)), tenant="acme")
    in_json = await codec.decode(record(connect_json(columns)), tenant="acme")
    assert in_avro.payload["after"] == in_json.payload["after"]
    assert (in_avro.id, in_avro.session_id) == (in_json.id, in_json.session_id)


async def test_a_row_without_its_schema_stays_as_it_was_sent(decode: Decode) -> None:
    event = await decode(record(connect_json()["payload"]))
    assert event.payload["after"] == {column.name: column.in_json for column in COLUMNS}


async def test_a_key_in_avro_that_is_none_is_named_as_the_problem(
    decode: Decode, registry: KnownSchemas
) -> None:
    registry.by_id = {8: KEY}
    with pytest.raises(UnreadableError, match="the key: the Avro body does not fit its schema"):
        await decode(record(connect_json(), key=avro.prefix(8)))
    with pytest.raises(UnknownSchemaError, match="the key: schema id 9 is not known"):
        await decode(record(connect_json(), key=avro.prefix(9)))


@given(unscaled=st.integers(-(10**60), 10**60), scale=st.integers(0, 40))
def test_a_decimal_is_exact(unscaled: int, scale: int) -> None:
    digits = unscaled.to_bytes((unscaled.bit_length() + 8) // 8, signed=True)
    text = base64.b64encode(digits).decode()
    sign, places = "-" if unscaled < 0 else "", f"{abs(unscaled):0{scale + 1}}"
    said = f"{sign}{places[: len(places) - scale]}.{places[len(places) - scale :]}".rstrip(".")
    assert unpacked(DECIMAL, text, {"scale": str(scale)}) == said
    assert unpacked(VARIABLE_DECIMAL, {"scale": scale, "value": text}, {}) == said


@given(at=st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)))  # noqa: DTZ001 - a column without a zone
def test_a_time_comes_back_to_the_microsecond(at: datetime) -> None:
    micros = (at - datetime(1970, 1, 1)) // timedelta(microseconds=1)  # noqa: DTZ001 - the same
    assert datetime.fromisoformat(unpacked(f"{DEBEZIUM}.MicroTimestamp", micros, {})) == at
    assert datetime.fromisoformat(unpacked(f"{DEBEZIUM}.NanoTimestamp", micros * 1000 + 999, {})) == at
    zoned = datetime.fromisoformat(unpacked(f"{CONNECT}.Timestamp", micros // 1000, {}))
    assert zoned == (at - timedelta(microseconds=at.microsecond % 1000)).replace(tzinfo=UTC)


@given(day=st.dates(), at=st.times())
def test_days_and_times_of_day_come_back(day: date, at: time) -> None:
    days = (day - date(1970, 1, 1)).days
    assert date.fromisoformat(unpacked(f"{DEBEZIUM}.Date", days, {})) == day
    micros = timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
    assert (
        time.fromisoformat(unpacked(f"{DEBEZIUM}.MicroTime", micros // timedelta(microseconds=1), {})) == at
    )


@pytest.mark.parametrize(
    ("name", "value", "parameters"),
    [
        (DECIMAL, "no base64!", {"scale": "2"}),
        (DECIMAL, 5, {"scale": "2"}),
        (DECIMAL, "AQ==", {}),
        (DECIMAL, "AQ==", {"scale": "much"}),
        (DECIMAL, "AQ==", {"scale": str(10**9)}),
        (DECIMAL, base64.b64encode(b"\x7f" * 500).decode(), {"scale": "2"}),
        (VARIABLE_DECIMAL, "AQ==", {}),
        (VARIABLE_DECIMAL, {"scale": True, "value": "AQ=="}, {}),
        (VARIABLE_DECIMAL, {"scale": -(10**9), "value": "AQ=="}, {}),
        (f"{DEBEZIUM}.Date", 10**12, {}),
        (f"{DEBEZIUM}.Date", "2026-03-02", {}),
        (f"{DEBEZIUM}.Time", -1, {}),
        (f"{DEBEZIUM}.MicroTime", 86_400_000_001, {}),
        (f"{DEBEZIUM}.Timestamp", 2**62, {}),
        (f"{CONNECT}.Timestamp", True, {}),
    ],
    ids=str,
)
def test_a_value_that_is_none_of_its_type_is_refused(name: str, value: Any, parameters: Any) -> None:
    with pytest.raises(UnreadableError, match=f"a value is no {name}"):
        unpacked(name, value, parameters)


STRUCT = {"type": "struct", "fields": [{"type": "int32", "field": "a"}]}


@pytest.mark.parametrize(
    ("schema", "payload", "problem"),
    [
        (STRUCT, {"a": "x"}, "field a is no int32"),
        (STRUCT, {"a": True}, "field a is no int32"),
        (STRUCT, {"b": 1}, "field b: its Connect schema does not know it"),
        (STRUCT, [1], "field payload is no struct"),
        ({"type": "struct"}, {"a": 1}, "a struct without fields"),
        ({"type": "array", "items": {"type": "bytes"}}, ["AA==", "!"], r"field \[1\] is no base64"),
        ({"type": "array"}, [1], r"field \[0\]: its Connect schema is no object"),
        ({"type": "map", "values": {"type": "boolean"}}, {"x": 1}, "field x is no boolean"),
        ({"type": "decimal"}, 1, "a type that there is not"),
        (
            {"type": "int64", "name": f"{DEBEZIUM}.Date"},
            "x",
            "field payload: a value is no io.debezium.time.Date",
        ),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_its_connect_schema_names_the_field(
    schema: Any, payload: Any, problem: str
) -> None:
    with pytest.raises(UnreadableError, match=problem):
        unwrapped({"schema": schema, "payload": payload})


def test_lists_and_maps_are_read_item_by_item() -> None:
    days = {"type": "array", "items": {"type": "int32", "name": f"{DEBEZIUM}.Date"}}
    assert unwrapped({"schema": days, "payload": [0, None]}) == ["1970-01-01", None]
    named = {"type": "map", "values": {"type": "int32", "name": f"{DEBEZIUM}.Date"}}
    assert unwrapped({"schema": named, "payload": {"a": 1}}) == {"a": "1970-01-02"}


def test_what_has_a_schema_of_its_own_making_is_no_wrapper() -> None:
    for said in (
        {"schema": "x", "payload": 1},
        {"schema": {}, "payload": 1},
        {"schema": None, "payload": 1, "a": 1},
    ):
        assert unwrapped(said) is said
    assert unwrapped({"schema": None, "payload": {"a": 1}}) == {"a": 1}
    assert orjson.dumps(unwrapped(connect_json()))
