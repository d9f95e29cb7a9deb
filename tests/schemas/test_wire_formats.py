"""What a record is, by headers, bytes and declaration: where they agree it is read, where they do not it is an error."""

import struct
from dataclasses import replace
from io import BytesIO
from itertools import product
from typing import Any
from uuid import UUID

import fastavro
import orjson
import pytest

from schemas.codec import avro
from schemas.codec.formats import Format, TopicFormat
from schemas.codec.records import RecordCodec
from schemas.errors import SchemaError, UnknownSchemaError, UnreadableError
from schemas.record import Headers, Record
from schemas.registry.avro_schema import avro_schema
from schemas.registry.folder import FolderRegistry
from tests.schemas.debezium.records import POSTGRESQL, change
from tests.schemas.known_schemas import KnownSchemas

ORDER = avro_schema(
    '{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}, {"name": "n", "type": "int"}]}'
)
GUID = UUID("89791762-2336-4186-9674-299b90a802e2")
PAYLOAD = {"id": "o-1", "n": 5}
CE: Headers = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"e-1"),
    ("ce_source", b"/shop"),
    ("ce_type", b"order.requested"),
)
JSON_TYPE = ("content-type", b"application/json; charset=utf-8")
AVRO_TYPE = ("content-type", b"application/vnd.confluent.avro")
SCHEMA_ID = ("__value_schema_id", b"\x00" + struct.pack(">i", 7))
SCHEMA_GUID = ("__value_schema_id", b"\x01" + GUID.bytes)
STRUCTURED = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/shop",
    "type": "order.requested",
    "data": PAYLOAD,
}
# What https://github.com/cloudevents/spec/blob/main/cloudevents/formats/avro-format.md writes, recursion and all.
CLOUD_EVENT: dict[str, Any] = {
    "namespace": "io.cloudevents",
    "type": "record",
    "name": "CloudEvent",
    "fields": [
        {
            "name": "attribute",
            "type": {"type": "map", "values": ["null", "boolean", "int", "string", "bytes"]},
        },
        {
            "name": "data",
            "type": [
                "bytes",
                "null",
                "boolean",
                {
                    "type": "map",
                    "values": [
                        "null",
                        "boolean",
                        {
                            "type": "record",
                            "name": "CloudEventData",
                            "fields": [
                                {
                                    "name": "value",
                                    "type": {
                                        "type": "map",
                                        "values": [
                                            "null",
                                            "boolean",
                                            {"type": "map", "values": "CloudEventData"},
                                            {"type": "array", "items": "CloudEventData"},
                                            "double",
                                            "string",
                                        ],
                                    },
                                }
                            ],
                        },
                        "double",
                        "string",
                    ],
                },
                {"type": "array", "items": "CloudEventData"},
                "double",
                "string",
            ],
        },
    ],
}


def body(schema: Any, value: Any) -> bytes:
    stream = BytesIO()
    fastavro.schemaless_writer(stream, schema, value)
    return stream.getvalue()


BARE = body(dict(ORDER.parsed), PAYLOAD)
PREFIXED = avro.prefix(7) + BARE
JSON = orjson.dumps(PAYLOAD)


def in_avro(data: Any, **changes: Any) -> bytes:
    attributes = {name: value for name, value in STRUCTURED.items() if name != "data"} | changes
    return body(fastavro.parse_schema(CLOUD_EVENT), {"attribute": attributes, "data": data})


RECORDS: dict[str, tuple[bytes, Headers]] = {
    "avro": (PREFIXED, ()),
    "avro, typed": (PREFIXED, (AVRO_TYPE,)),
    "avro, id in a header": (BARE, (SCHEMA_ID,)),
    "avro, GUID in a header": (BARE, (SCHEMA_GUID,)),
    "avro, ce": (PREFIXED, CE),
    "json": (JSON, ()),
    "json, typed": (JSON, (JSON_TYPE,)),
    "json, ce": (JSON, (*CE, JSON_TYPE)),
    "structured json": (orjson.dumps(STRUCTURED), (("content-type", b"application/cloudevents+json"),)),
    "structured avro": (in_avro(JSON), (("content-type", b"application/cloudevents+avro"),)),
    "change": (orjson.dumps(change("u", POSTGRESQL)), ()),
}
READ: dict[Format | None, set[str]] = {
    None: set(RECORDS),
    Format.CONFLUENT_AVRO: {name for name in RECORDS if name.startswith("avro")},
    Format.JSON: {"json", "json, typed", "json, ce"},
    Format.CLOUDEVENTS: {"avro, ce", "json, ce", "structured json", "structured avro"},
    Format.DEBEZIUM: {"change"},
    Format.DEBEZIUM_OUTBOX: set(),
}


async def decode(value: bytes, headers: Headers, declared: Format | None = None) -> Any:
    registry = KnownSchemas({7: ORDER}, {GUID: ORDER})
    codec = RecordCodec(registry, topics={"orders": TopicFormat(format=declared)})
    return await codec.decode(
        Record("orders", 3, 42, 1000, b"K", value, headers), tenant="acme", default_type="order.requested"
    )


@pytest.mark.parametrize(("declared", "sent"), list(product(READ, RECORDS)))
async def test_a_record_is_read_as_declared_or_refused(declared: Format | None, sent: str) -> None:
    value, headers = RECORDS[sent]
    if sent in READ[declared]:
        event = await decode(value, headers, declared)
        assert event.payload["op" if sent == "change" else "n"] in {5, "u"}
        return
    with pytest.raises(UnreadableError) as caught:
        await decode(value, headers, declared)
    message = str(caught.value)
    assert message.startswith("orders[3]@42: ")
    if (
        "change" not in {declared, sent}
        and "Debezium" not in message
        and "the event has no id" not in message
    ):
        assert f"the topic is declared `format: {declared}`, and this record " in message


@pytest.mark.parametrize(
    ("value", "headers", "problem"),
    [
        (
            PREFIXED,
            (JSON_TYPE,),
            "the content type is application/json, and the value begins with a zero byte",
        ),
        (
            PREFIXED,
            (("content-type", b"application/vnd.acme+json"),),
            "and the value begins with a zero byte",
        ),
        (JSON, (AVRO_TYPE,), "no schema id in front"),
        (JSON, (JSON_TYPE, SCHEMA_GUID), "of values with a schema's id, only Avro is read"),
        (*RECORDS["structured json"][:1], (*CE, *RECORDS["structured json"][1]), "in one mode, not in both"),
        (BARE, (("__value_schema_id", b"\x02" + GUID.bytes),), "neither a zero byte and four bytes"),
        (BARE, (("__value_schema_id", b""),), "neither a zero byte and four bytes"),
        (BARE, (SCHEMA_ID, SCHEMA_ID), "appears twice"),
        (PREFIXED, (SCHEMA_ID,), "does not fit its schema Order|bytes follow the Avro record"),
    ],
    ids=str,
)
async def test_headers_and_bytes_that_disagree_are_an_error_and_no_guess(
    value: bytes, headers: Headers, problem: str
) -> None:
    with pytest.raises(UnreadableError, match=problem):
        await decode(value, headers)


async def test_a_content_type_that_says_nothing_leaves_it_to_the_bytes() -> None:
    unsaid = ("content-type", b"application/octet-stream")
    assert (await decode(PREFIXED, (unsaid,))).schema == "Order"
    assert (await decode(JSON, (unsaid,))).schema is None


async def test_a_guid_that_nobody_knows_is_no_fault_of_the_record() -> None:
    unknown = ("__value_schema_id", b"\x01" + bytes(16))
    with pytest.raises(UnknownSchemaError, match="00000000-0000-0000-0000-000000000000 is not known"):
        await decode(BARE, (unknown,))
    codec = RecordCodec(FolderRegistry())
    with pytest.raises(UnknownSchemaError, match="configure it in"):
        await codec.decode(Record("orders", 0, 0, 0, None, BARE, (SCHEMA_GUID,)), tenant="acme")


AVRO_EVENT = ("content-type", b"application/cloudevents+avro")


@pytest.mark.parametrize(
    "data", [JSON, {"id": "o-1", "n": 5.0, "gone": None, "yes": True}], ids=["bytes", "map"]
)
async def test_a_cloud_event_in_avros_own_format_is_read(data: Any) -> None:
    event = await decode(in_avro(data, sessionid="C-1", time="2026-03-02T09:15:00Z"), (AVRO_EVENT,))
    assert event.payload == (PAYLOAD if isinstance(data, bytes) else data)
    assert (event.id, event.source, event.type, event.session_id) == (
        "e-1",
        "/shop",
        "order.requested",
        "C-1",
    )


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (in_avro({"lines": {"value": {"a": "b"}}}), "may hold no objects or lists|does not fit|bytes follow"),
        (in_avro([{"value": {}}]), "no data, or it is no JSON object|does not fit|bytes follow"),
        (in_avro(None), "no data, or it is no JSON object"),
        (in_avro("text"), "no data, or it is no JSON object"),
        (in_avro(b"\x00\xff"), "no JSON we accept"),
        (in_avro(JSON, specversion="0.3"), "attribute specversion must be 1.0"),
        (in_avro(JSON, id=5), "attribute id is no text"),
        (in_avro(JSON)[:-3], "does not fit its schema io.cloudevents.CloudEvent"),
        (in_avro(JSON) + b"\x00", "1 bytes follow"),
        (b"", "does not fit"),
        # Lists in lists in lists: with the format's own schema these bytes end the process.
        (b"\x00\x08" + b"\x02\x02\x02a\x06" * 20_000, "no data|does not fit|bytes follow"),
    ],
    ids=lambda given: str(given)[:40],
)
async def test_a_bad_cloud_event_in_avros_own_format_is_refused(value: bytes, problem: str) -> None:
    with pytest.raises(UnreadableError, match=problem):
        await decode(value, (AVRO_EVENT,))


@pytest.mark.parametrize("declared", list(Format))
async def test_any_bytes_give_an_event_or_an_error_of_ours(declared: Format) -> None:
    for (value, headers), cut in product(RECORDS.values(), (0, 1, 4, 9)):
        for changed in (value[:cut], value[cut:], value + value):
            try:
                await decode(changed, headers, declared)
            except SchemaError as error:
                assert str(error).startswith("orders[3]@42: ")  # noqa: PT017 # both ends are fine


def test_every_format_is_declared_in_these_tests() -> None:
    assert set(READ) == {None, *Format}
    assert replace(TopicFormat(), format=Format.JSON).source is None
