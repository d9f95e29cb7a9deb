"""Events that the outbox event router took from a table: the id and the type are in headers, the payload may be text."""

from io import BytesIO
from typing import Any

import fastavro
import pytest

from schemas.codec import avro
from schemas.codec.formats import Format
from schemas.errors import UnreadableError
from schemas.registry.avro_schema import avro_schema
from tests.schemas.debezium.conftest import Decode
from tests.schemas.debezium.records import record
from tests.schemas.known_schemas import KnownSchemas

HEADERS = (("id", b"4d47e190-0402-4048-bc2c-89dd54343cdc"), ("type", b"OrderCreated"))
ORDER = {"id": 1, "customerId": 123, "orderDate": "2019-01-31T12:13:01"}
TEXT = '{"id": 1, "customerId": 123, "orderDate": "2019-01-31T12:13:01"}'
STRUCT = {
    "type": "struct",
    "fields": [
        {"type": "int32", "field": "id"},
        {"type": "int32", "field": "customerId"},
        {"type": "string", "field": "orderDate"},
    ],
}


@pytest.mark.parametrize(
    "value",
    [
        ORDER,
        TEXT,
        {"schema": {"type": "string", "optional": False}, "payload": TEXT},
        {"schema": STRUCT, "payload": ORDER},
    ],
    ids=["expanded", "as text", "text with its schema", "expanded with its schema"],
)
async def test_an_event_from_the_outbox_is_read_however_its_payload_is_sent(
    decode: Decode, value: Any
) -> None:
    event = await decode(record(value, key=b"1", headers=HEADERS), format=Format.DEBEZIUM_OUTBOX)
    assert event.payload == ORDER
    assert (event.id, event.type) == ("4d47e190-0402-4048-bc2c-89dd54343cdc", "OrderCreated")


async def test_an_event_from_the_outbox_may_be_avro(decode: Decode, registry: KnownSchemas) -> None:
    schema = avro_schema(
        '{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "int"}, {"name": "raw", "type": "bytes"}]}'
    )
    registry.by_id = {3: schema}
    stream = BytesIO()
    fastavro.schemaless_writer(stream, dict(schema.parsed), {"id": 1, "raw": b"\x00"})
    sent = record(avro.prefix(3) + stream.getvalue(), key=b"1", headers=HEADERS)
    assert (await decode(sent, format=Format.DEBEZIUM_OUTBOX)).payload == {"id": 1, "raw": "AA=="}


@pytest.mark.parametrize(
    ("key", "session"),
    [
        (b"order-7", "order-7"),
        (b'"order-7"', "order-7"),
        (b'{"schema":{"type":"string","optional":false},"payload":"order-7"}', "order-7"),
        (b'{"schema":{"type":"int64","optional":false},"payload":7}', "7"),
        (None, "4d47e190-0402-4048-bc2c-89dd54343cdc"),
    ],
)
async def test_the_aggregate_is_the_session(decode: Decode, key: bytes | None, session: str) -> None:
    event = await decode(record(ORDER, key=key, headers=HEADERS), format=Format.DEBEZIUM_OUTBOX)
    assert event.session_id == session


async def test_a_field_of_the_payload_may_name_the_session(decode: Decode) -> None:
    sent = record(ORDER, key=b"1", headers=HEADERS)
    event = await decode(sent, format=Format.DEBEZIUM_OUTBOX, session_field="customerId")
    assert event.session_id == "123"


async def test_the_type_is_in_the_header_that_the_topic_names_or_the_route_says_it(decode: Decode) -> None:
    headers = (HEADERS[0], ("eventType", b"OrderShipped"))
    sent = record(ORDER, key=b"1", headers=headers)
    assert (await decode(sent, format=Format.DEBEZIUM_OUTBOX, type_header="eventType")).type == "OrderShipped"
    assert (await decode(sent, format=Format.DEBEZIUM_OUTBOX)).type == "orders.updated"


async def test_the_source_that_the_topic_declares_makes_a_copy_the_same_event(decode: Decode) -> None:
    for topic in ("outbox.order", "mirror.outbox.order"):
        sent = record(ORDER, key=b"1", headers=HEADERS, topic=topic)
        assert (await decode(sent, format=Format.DEBEZIUM_OUTBOX, source="/shop")).source == "/shop"
        assert (await decode(sent, format=Format.DEBEZIUM_OUTBOX)).source == f"kafka:{topic}"


@pytest.mark.parametrize(
    ("value", "headers", "problem"),
    [
        (ORDER, HEADERS[1:], "has no header `id`"),
        (ORDER, (("id", b""), HEADERS[1]), "has no header `id`"),
        (ORDER, (*HEADERS, HEADERS[0]), "header id appears twice"),
        (ORDER, (*HEADERS, HEADERS[1]), "header type appears twice"),
        (ORDER, (HEADERS[0], ("type", b"\xff")), "header type is no UTF-8"),
        ("no object", HEADERS, "no JSON we accept"),
        ("[1]", HEADERS, "no object"),
        (b'"cut', HEADERS, "no JSON we accept"),
        ({"schema": {"type": "int32"}, "payload": 5}, HEADERS, "neither a JSON object nor text"),
        (ORDER, (*HEADERS, ("ce_id", b"1")), "is a CloudEvent, by its headers ce_"),
    ],
    ids=lambda given: str(given)[:40],
)
async def test_what_no_outbox_sends_is_refused(
    decode: Decode, value: Any, headers: Any, problem: str
) -> None:
    with pytest.raises(UnreadableError, match=problem):
        await decode(record(value, headers=headers), format=Format.DEBEZIUM_OUTBOX)
