"""Avro in Confluent's wire format."""

from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import avro
from schemas.codec.limits import Limits
from schemas.codec.values import plain
from schemas.errors import SchemaError, UnreadableError
from schemas.registry.avro_schema import AvroSchema, avro_schema
from schemas.registry.files import latest, packaged_schemas

ORDER = latest(packaged_schemas())["order.requested"]
PAYLOAD = {
    "order_ref": "SO-1",
    "customer_id": "C-1",
    "product_id": "P-1",
    "quantity": 2,
    "priority": "standard",
    "note": None,
}
TIMES = avro_schema(
    orjson.dumps(
        {
            "type": "record",
            "name": "Times",
            "fields": [
                {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
                {"name": "due", "type": ["null", {"type": "int", "logicalType": "date"}]},
                {
                    "name": "prices",
                    "type": {
                        "type": "array",
                        "items": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
                    },
                },
                {"name": "by", "type": {"type": "map", "values": {"type": "string", "logicalType": "uuid"}}},
                {"name": "start", "type": {"type": "int", "logicalType": "time-millis"}},
                {
                    "name": "line",
                    "type": {
                        "type": "record",
                        "name": "Line",
                        "fields": [{"name": "on", "type": {"type": "int", "logicalType": "date"}}],
                    },
                },
                {"name": "lines", "type": {"type": "array", "items": "Line"}},
            ],
        }
    ).decode()
)


def written(payload: Mapping[str, object], schema: AvroSchema = ORDER) -> bytes:
    return avro.write_payload(avro.prefix(258), schema, payload)


def read(body: bytes, schema: AvroSchema = ORDER) -> dict[str, object]:
    return plain(avro.read(body, schema), Limits())


def test_the_id_stands_in_front_as_confluent_writes_it() -> None:
    body = written(PAYLOAD)
    assert body[:5] == b"\x00\x00\x00\x01\x02"
    assert avro.schema_id_of(body) == 258


@given(
    st.fixed_dictionaries(
        {
            "order_ref": st.text(),
            "customer_id": st.text(),
            "product_id": st.text(),
            "quantity": st.integers(-(2**31), 2**31 - 1),
            "priority": st.sampled_from(["standard", "expedited"]),
            "note": st.none() | st.text(),
        }
    )
)
def test_a_payload_comes_back_as_it_was(payload: dict[str, object]) -> None:
    assert read(written(payload)) == payload


@given(
    st.fixed_dictionaries(
        {
            "at": st.datetimes().map(lambda at: at.isoformat() + "Z"),
            "due": st.none() | st.dates().map(str),
            "prices": st.lists(st.integers(-(10**9), 10**9).map(lambda cents: f"{cents / 100:.2f}")),
            "by": st.dictionaries(st.text(), st.uuids().map(str)),
            "start": st.times().map(lambda at: at.replace(microsecond=0).isoformat()),
            "line": st.fixed_dictionaries({"on": st.dates().map(str)}),
            "lines": st.lists(st.fixed_dictionaries({"on": st.dates().map(str)})),
        }
    )
)
def test_times_and_decimals_travel_as_text(payload: dict[str, object]) -> None:
    assert TIMES.logical
    assert read(written(payload, TIMES), TIMES) == payload


@pytest.mark.parametrize("at", ["yesterday", "2026-01-01T00:00:00"])
def test_a_text_that_is_no_time_is_refused(at: str) -> None:
    with pytest.raises(SchemaError, match="no timestamp-micros"):
        written({"at": at}, TIMES)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_but_never_crash(body: bytes) -> None:
    try:
        read(avro.prefix(1) + body)
    except UnreadableError as error:
        assert "pointsman.OrderRequested" in str(error)  # noqa: PT017 # both ends are fine, this one must name the schema


@given(st.data())
def test_a_body_that_was_cut_is_refused(data: st.DataObject) -> None:
    body = written(PAYLOAD)
    cut = data.draw(st.integers(5, len(body) - 1))
    with pytest.raises(UnreadableError, match="does not fit its schema"):
        read(body[:cut])


def test_bytes_after_the_record_are_refused() -> None:
    with pytest.raises(UnreadableError, match="2 bytes follow"):
        read(written(PAYLOAD) + b"\x00\x00")


@pytest.mark.parametrize("body", [b"", b"\x00\x00\x00", b'{"a": 1}'])
def test_a_body_without_an_id_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError, match="no schema id in front"):
        avro.schema_id_of(body)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": "two"}, "quantity"),
        ({"priority": "now"}, "priority"),
        ({"customer_id": None}, "customer_id"),
        ({"colour": "red"}, "colour"),
        ({"quantity": 2**31}, "quantity"),
    ],
)
def test_a_payload_that_does_not_fit_is_refused_by_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(SchemaError, match=field):
        written(PAYLOAD | change)


def test_a_refusal_names_the_field_but_not_what_was_in_it() -> None:
    with pytest.raises(SchemaError, match="note") as caught:
        written(PAYLOAD | {"note": ["my secret"]})
    assert "my secret" not in str(caught.value)


def test_a_missing_field_is_refused_unless_it_has_a_default() -> None:
    with pytest.raises(SchemaError, match="order_ref"):
        written({name: value for name, value in PAYLOAD.items() if name != "order_ref"})
    assert read(written({name: value for name, value in PAYLOAD.items() if name != "note"})) == PAYLOAD


def zigzag(number: int) -> bytes:
    coded, left = b"", (number << 1) ^ (number >> 63)
    while left > 127:
        coded += bytes([left & 127 | 128])
        left >>= 7
    return coded + bytes([left])


def one_field(kind: object) -> AvroSchema:
    schema = {"type": "record", "name": "One", "fields": [{"name": "a", "type": kind}]}
    return avro_schema(orjson.dumps(schema).decode())


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("string", zigzag(2**60)),
        ("string", zigzag(-5) + b"text"),
        ("bytes", zigzag(2**40) + b"abc"),
        ({"type": "array", "items": "int"}, zigzag(100_000_000)),
        ({"type": "map", "values": "int"}, zigzag(-100_000_000) + zigzag(4)),
    ],
)
def test_a_length_or_a_count_beyond_the_body_is_refused_at_once(kind: object, body: bytes) -> None:
    with pytest.raises(UnreadableError, match="does not fit its schema One"):
        read(avro.prefix(1) + body, one_field(kind))


@pytest.mark.timeout(20)  # without a bound it takes a minute and a half, and nothing else runs meanwhile
@pytest.mark.parametrize("size", [418, 1_000_000])
def test_a_decimal_of_a_million_bytes_is_refused_at_once(size: int) -> None:
    decimal = one_field({"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2})
    with pytest.raises(UnreadableError, match=f"a decimal of {size} bytes, the limit is 417"):
        read(avro.prefix(1) + zigzag(size) + b"\x7f" * size, decimal)
