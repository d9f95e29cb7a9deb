"""Records in every form that people publish, to envelopes and back."""

import struct
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec.limits import Limits
from schemas.codec.records import RecordCodec, json_record
from schemas.envelope import Envelope
from schemas.errors import SchemaError, UnknownSchemaError, UnreadableError
from schemas.record import Encoded, Record
from schemas.registry.folder import FolderRegistry

AT = datetime(2026, 3, 2, 9, 15, 0, 123456, tzinfo=UTC)
PAYLOAD = {
    "order_ref": "SO-1",
    "customer_id": "C-1",
    "product_id": "P-1",
    "quantity": 2,
    "priority": "standard",
    "note": None,
}
EVENT = Envelope(
    id="order-1",
    type="order.requested",
    source="/shop",
    time=AT,
    tenant="acme",
    session_id="C-1",
    payload=PAYLOAD,
    subject="SO-1",
    schema="pointsman.OrderRequested",
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)
PLAIN = Record(
    "orders", 3, 42, 1_772_442_900_123, b"C-9", b'{"id": "o-1", "customer": {"id": "C-7"}, "n": 5}'
)
CE = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e-1"),
    ("ce_source", b"/shop"),
    ("ce_type", b"order.requested"),
)
STRUCTURED = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/shop",
    "type": "order.requested",
    "time": "2026-03-02T09:15:00.123456Z",
    "sessionid": "C-1",
    "data": {"a": 1},
}
STRUCTURED_HEADERS = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)


def record_of(encoded: Encoded) -> Record:
    return Record("orders", 0, 0, 0, encoded.key, encoded.value, encoded.headers)


def structured(**changes: Any) -> Record:
    event = {name: value for name, value in (STRUCTURED | changes).items() if value is not ...}
    return replace(PLAIN, value=orjson.dumps(event), headers=STRUCTURED_HEADERS)


async def refused(codec: RecordCodec, record: Record, **options: Any) -> str:
    with pytest.raises(UnreadableError) as caught:
        await codec.decode(record, **{"tenant": "acme", "default_type": "order.requested", **options})
    message = str(caught.value)
    assert message.startswith("orders[3]@42: ")
    return message


async def test_an_event_comes_back_from_avro_as_it_was(codec: RecordCodec) -> None:
    assert await codec.decode(record_of(codec.encode(EVENT)), tenant="acme") == EVENT


async def test_an_event_comes_back_from_json_as_it_was(codec: RecordCodec) -> None:
    event = replace(EVENT, type="made.up", schema=None, subject=None, traceparent=None)
    assert await codec.decode(record_of(json_record(event)), tenant="acme") == event


@given(text=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=50))
async def test_attributes_come_back_whatever_letters_they_hold(codec: RecordCodec, text: str) -> None:
    event = replace(EVENT, id=text, source=text, subject=text, session_id=text)
    assert await codec.decode(record_of(codec.encode(event)), tenant="acme") == event


def test_the_same_event_gives_the_same_bytes(codec: RecordCodec) -> None:
    again = replace(EVENT, payload=dict(reversed(PAYLOAD.items())))
    assert codec.encode(EVENT) == codec.encode(again)


def test_the_key_is_the_session(codec: RecordCodec) -> None:
    assert codec.encode(EVENT).key == b"C-1"
    assert ("ce_sessionid", b"C-1") in codec.encode(EVENT).headers


async def test_avro_is_read_by_its_first_byte_without_a_content_type(codec: RecordCodec) -> None:
    headers = tuple(header for header in codec.encode(EVENT).headers if header[0] != "content-type")
    envelope = await codec.decode(replace(record_of(codec.encode(EVENT)), headers=headers), tenant="acme")
    assert envelope.payload == PAYLOAD


async def test_structured_mode_is_read(codec: RecordCodec) -> None:
    envelope = await codec.decode(structured(), tenant="acme")
    assert (envelope.id, envelope.source, envelope.time, envelope.session_id) == ("e-1", "/shop", AT, "C-1")
    assert envelope.payload == {"a": 1}


async def test_plain_json_takes_type_session_source_and_time_from_what_surrounds_it(
    codec: RecordCodec,
) -> None:
    envelope = await codec.decode(
        PLAIN, tenant="acme", default_type="order.requested", session_field="customer.id"
    )
    assert envelope == Envelope(
        id="o-1",
        type="order.requested",
        source="kafka:orders",
        time=datetime(2026, 3, 2, 9, 15, 0, 123000, tzinfo=UTC),
        tenant="acme",
        session_id="C-7",
        payload={"id": "o-1", "customer": {"id": "C-7"}, "n": 5},
    )


async def test_the_same_event_is_the_same_run_wherever_it_is_read_from(codec: RecordCodec) -> None:
    first = await codec.decode(record_of(codec.encode(EVENT)), tenant="acme")
    copy = replace(record_of(codec.encode(EVENT)), topic="copy", partition=9, offset=77, timestamp_ms=5)
    assert (await codec.decode(copy, tenant="acme")).run_id == first.run_id


@pytest.mark.parametrize(
    ("headers", "session_field", "key", "session_id"),
    [
        ((*CE, ("ce_sessionid", b"S-1")), "n", b"K", "S-1"),
        ((*CE, ("ce_session", b"S-2")), "n", b"K", "S-2"),
        ((("ce_sessionid", b"S-3"),), "n", b"K", "S-3"),
        ((), "n", b"K", "5"),
        ((), "customer.id", b"K", "C-7"),
        ((), "customer.name", b"K", "K"),
        ((), "customer", b"K", "K"),
        ((*CE, ("ce_subject", b"SO-1")), None, None, "SO-1"),
        ((*CE, ("ce_subject", b"SO-1")), None, b"\x00\x00\x00\x01\x02K", "SO-1"),
        ((*CE, ("ce_subject", b"SO-1")), None, b"\xff", "SO-1"),
        (CE, None, b"", "e-1"),
        ((), None, None, "o-1"),
    ],
)
async def test_the_session_is_the_first_thing_that_names_one(
    codec: RecordCodec, headers: Any, session_field: str | None, key: bytes | None, session_id: str
) -> None:
    record = replace(PLAIN, headers=headers, key=key)
    envelope = await codec.decode(record, tenant="acme", default_type="t", session_field=session_field)
    assert envelope.session_id == session_id


async def test_debeziums_id_header_names_the_event_and_not_the_rows_id(codec: RecordCodec) -> None:
    record = replace(PLAIN, headers=(("id", b"outbox-9"),))
    assert (await codec.decode(record, tenant="acme", default_type="t")).id == "outbox-9"


async def test_a_header_cannot_say_whose_event_it_is(codec: RecordCodec) -> None:
    record = replace(PLAIN, headers=(*CE, ("ce_tenant", b"other"), ("tenant", b"other")))
    assert (await codec.decode(record, tenant="acme")).tenant == "acme"


@pytest.mark.parametrize(
    "claim",
    [
        ("tenant", b"other"),
        ("ce_tenant", b"other"),
        ("pointsman-tenant", b"other"),
        ("replay", b"true"),
        ("pointsman-replay", b"1"),
        ("approved", b"true"),
        ("pointsman-approval", b"alice"),
        ("approver", b"alice"),
        ("signature", b"eyJhbGciOiJub25lIn0.."),
        ("pointsman-reason", b"unreadable"),
        ("ce_dataschema", b"http://127.0.0.1:1/schema"),
        ("schema-url", b"http://127.0.0.1:1/schema"),
    ],
    ids=lambda claim: claim[0],
)
async def test_a_header_that_claims_authority_changes_nothing(
    codec: RecordCodec, claim: tuple[str, bytes]
) -> None:
    honest = await codec.decode(replace(PLAIN, headers=CE), tenant="acme")
    assert await codec.decode(replace(PLAIN, headers=(*CE, claim)), tenant="acme") == honest


async def test_a_broken_trace_is_dropped_and_the_last_one_counts(codec: RecordCodec) -> None:
    trace = EVENT.traceparent or ""
    record = replace(PLAIN, headers=(*CE, ("traceparent", b"nonsense"), ("traceparent", trace.encode())))
    assert (await codec.decode(record, tenant="acme")).traceparent == trace
    record = replace(PLAIN, headers=(*CE, ("traceparent", b"nonsense")))
    assert (await codec.decode(record, tenant="acme")).traceparent is None


async def test_headers_that_are_none_of_our_business_are_left_alone(codec: RecordCodec) -> None:
    record = replace(PLAIN, headers=(("x", b"\xff"), ("x", b"\xfe"), *CE))
    assert (await codec.decode(record, tenant="acme")).id == "e-1"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"value": None}, "tombstone"),
        ({"value": b'{"a": 1}'}, "no id"),
        ({"value": b'{"id": true}'}, "no id"),
        ({"value": b'{"id": ""}'}, "no id"),
        ({"value": b'{"id": "a\\nb"}'}, "control characters"),
        ({"value": b'{"id": "' + b"x" * 600 + b'"}'}, "`attribute_chars` is 512"),
        ({"value": b'{"id": 1, "id": 2}'}, "appears twice"),
        ({"value": b'{"id": "x", "a": ' + b"[" * 80 + b"]" * 80 + b"}"}, "`depth`"),
        ({"value": b"x" * 1_048_577}, "`record_bytes` is 1048576"),
        ({"value": b"\x00\x01"}, "no schema id in front"),
        ({"value": b"{}", "headers": (("content-type", b"application/avro"),)}, "no schema id in front"),
        ({"headers": CE[1:]}, "ce_specversion must be 1.0"),
        ({"headers": (("ce_specversion", b"0.3"), *CE[1:])}, "ce_specversion must be 1.0"),
        ({"headers": (CE[0], *CE[2:])}, "ce_id is missing"),
        ({"headers": (*CE[:2], CE[3])}, "ce_source is missing"),
        ({"headers": (*CE, CE[1])}, "ce_id appears twice"),
        ({"headers": (*CE, ("CE_ID", b"e-2"))}, "ce_id appears twice"),
        ({"headers": (*CE, ("ce_time", b"noon"))}, "ce_time is no RFC 3339"),
        ({"headers": (*CE, ("ce_time", b"2026-03-02T09:15:00"))}, "ce_time has no time zone"),
        ({"headers": (*CE, ("ce_subject", b"\xff"))}, "ce_subject is no UTF-8"),
        ({"headers": (*CE, ("ce_sessionid", b"a\x00"))}, "session id holds control"),
        ({"headers": (("x", b""),) * 101}, "`headers` is 100"),
        ({"headers": (("x", b"y" * 70_000),)}, "`header_bytes` is 65536"),
        ({"headers": (("__value_schema_id", b"\x01" + b"\xff" * 15),)}, "nor a byte 1 and sixteen"),
        (
            {"headers": (("content-type", b"application/cloudevents-batch+json"),)},
            "application/cloudevents-batch+json is not read",
        ),
        ({"timestamp_ms": -1}, "no time"),
        ({"timestamp_ms": 2**62}, "year 9999"),
    ],
)
async def test_a_bad_record_is_refused_by_place_and_reason(
    codec: RecordCodec, changes: dict[str, Any], problem: str
) -> None:
    assert problem in await refused(codec, replace(PLAIN, **changes))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"specversion": "2.0"}, "attribute specversion must be 1.0"),
        ({"id": 5}, "attribute id is no text"),
        ({"source": ...}, "attribute source is missing"),
        ({"data": ...}, "no data"),
        ({"data": [1]}, "no data"),
        ({"data_base64": "AA=="}, "data_base64"),
        ({"time": "noon"}, "no RFC 3339"),
    ],
)
async def test_a_bad_structured_event_is_refused(
    codec: RecordCodec, changes: dict[str, Any], problem: str
) -> None:
    assert problem in await refused(codec, structured(**changes))


async def test_an_event_without_a_type_is_refused(codec: RecordCodec) -> None:
    assert "no type" in await refused(codec, PLAIN, default_type=None)


async def test_a_schema_nobody_knows_is_no_fault_of_the_record(codec: RecordCodec) -> None:
    with pytest.raises(UnknownSchemaError, match=r"orders\[3\]@42: schema id 5 "):
        await codec.decode(replace(PLAIN, value=b"\x00" + struct.pack(">I", 5)), tenant="acme")


async def test_limits_are_parameters() -> None:
    codec = RecordCodec(FolderRegistry(), limits=Limits(record_bytes=10))
    assert "`record_bytes` is 10" in await refused(codec, PLAIN)


def test_a_type_without_a_schema_is_not_encoded(codec: RecordCodec) -> None:
    with pytest.raises(UnknownSchemaError, match=r"made\.up: there is no schema file"):
        codec.encode(replace(EVENT, type="made.up"))


def test_encoding_before_ready_says_so() -> None:
    with pytest.raises(UnknownSchemaError, match="`ready` was not called"):
        RecordCodec(FolderRegistry()).encode(EVENT)


def test_a_time_without_a_zone_is_not_published(codec: RecordCodec) -> None:
    with pytest.raises(SchemaError, match="without a zone"):
        codec.encode(replace(EVENT, time=AT.replace(tzinfo=None)))


@given(
    value=st.none() | st.binary(max_size=60),
    headers=st.lists(
        st.tuples(st.sampled_from(["ce_id", "ce_type", "content-type", "id", "x"]), st.binary(max_size=9))
    ),
)
async def test_any_record_gives_an_event_or_an_error_of_ours(
    codec: RecordCodec, value: Any, headers: Any
) -> None:
    try:
        await codec.decode(
            replace(PLAIN, value=value, headers=tuple(headers)), tenant="acme", default_type="t"
        )
    except SchemaError as error:
        assert str(error).startswith("orders[3]@42: ")  # noqa: PT017 # both ends are fine, this one must name the place
