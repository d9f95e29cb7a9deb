"""Records that are read as another version than they were written with: resolved by Avro's rules, or refused with the reason."""

import io
from typing import Any

import fastavro
import orjson
import pytest

from schemas.codec import avro
from schemas.codec.formats import TopicFormat
from schemas.codec.records import RecordCodec
from schemas.codec.resolution import guesses
from schemas.envelope import Envelope
from schemas.errors import SchemaError, UnreadableError
from schemas.record import Record
from schemas.registry.avro_schema import AvroSchema, avro_schema
from schemas.registry.misfits import Kind
from tests.schemas.bodies import bodies
from tests.schemas.evolution_pairs import PAIRS, Pair, enum, field, logical, record
from tests.schemas.known_schemas import KnownSchemas

FAULTS = {"a reference made optional where it is defined", "a definition made optional by a reference"}
"""Pairs that fit and that fastavro fails at."""


def schema(*fields: Any, **more: Any) -> AvroSchema:
    return avro_schema(orjson.dumps(record(*fields, name="shop.OrderPaid", **more)).decode())


FIRST = schema(field("id", "string"), field("amount", "int"))
SECOND = schema(
    field("id", "string"),
    field("total", "double", aliases=["amount"]),
    field("currency", "string", default="CHF"),
)
THIRD = schema(
    field("id", "string"),
    field("total", "double"),
    field("currency", "string", default="CHF"),
    field("channel", "string", default="web"),
)
VERSIONS = {1: FIRST, 2: SECOND, 3: THIRD}
WRITTEN = {
    1: {"id": "e-1", "amount": 5},
    2: {"id": "e-1", "total": 5.0, "currency": "EUR"},
    3: {"id": "e-1", "total": 5.0, "currency": "EUR", "channel": "app"},
}


async def decoded(
    number: int, reader: AvroSchema | None, *, versions: dict[int, AvroSchema] = VERSIONS, fields: Any = None
) -> Envelope:
    """Return what a record of one version is read as on a topic whose route says so."""
    readers = {} if reader is None else {"order.paid": reader}
    codec = RecordCodec(KnownSchemas(versions), topics={"orders": TopicFormat(readers=readers)})
    value = avro.write(avro.prefix(number), versions[number], fields or WRITTEN[number])
    return await codec.decode(Record("orders", 3, 9, 0, b"k", value), tenant="t", default_type="order.paid")


@pytest.mark.parametrize(
    ("number", "payload"),
    [
        (1, {"id": "e-1", "total": 5.0, "currency": "CHF"}),
        (2, {"id": "e-1", "total": 5.0, "currency": "EUR"}),
        (3, {"id": "e-1", "total": 5.0, "currency": "EUR"}),
    ],
)
async def test_older_and_newer_records_are_read_as_the_declared_version(number: int, payload: Any) -> None:
    envelope = await decoded(number, SECOND)
    assert (envelope.payload, envelope.schema, envelope.id) == (payload, "shop.OrderPaid", "e-1")


@pytest.mark.parametrize("number", VERSIONS)
async def test_without_a_declaration_the_writers_schema_stands(number: int) -> None:
    assert (await decoded(number, None)).payload == WRITTEN[number]


async def test_only_events_of_the_declared_type_are_resolved() -> None:
    codec = RecordCodec(
        KnownSchemas(VERSIONS), topics={"orders": TopicFormat(readers={"order.paid": SECOND})}
    )
    value = avro.write(avro.prefix(1), FIRST, WRITTEN[1])
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"e-1"),
        ("ce_source", b"/s"),
        ("ce_type", b"order.held"),
    )
    envelope = await codec.decode(
        Record("orders", 0, 0, 0, b"k", value, headers), tenant="t", default_type="order.paid"
    )
    assert envelope.payload == WRITTEN[1]


async def test_what_cannot_be_resolved_says_where_what_and_why() -> None:
    strict = schema(field("id", "string"), field("region", "string"))
    with pytest.raises(UnreadableError) as caught:
        await decoded(1, strict)
    assert str(caught.value) == (
        "orders[3]@9: this record of shop.OrderPaid cannot be read as the route says: "
        "region: is not written, and the reader has no default for it: give it one"
    )


async def test_a_record_that_fits_is_read_though_others_of_its_schema_would_not() -> None:
    writer = {1: schema(field("id", "string"), field("state", enum("OPEN", "HELD")))}
    reader = schema(field("id", "string"), field("state", enum("OPEN")))
    envelope = await decoded(1, reader, versions=writer, fields={"id": "e-1", "state": "OPEN"})
    assert envelope.payload == {"id": "e-1", "state": "OPEN"}
    with pytest.raises(UnreadableError, match=r"HELD of shop\.E may be written"):
        await decoded(1, reader, versions=writer, fields={"id": "e-1", "state": "HELD"})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (logical("long", "timestamp-millis"), logical("long", "timestamp-micros")),
        (logical("int", "date"), logical("int", "time-millis")),
        (
            logical("bytes", "decimal", precision=9, scale=2),
            logical("bytes", "decimal", precision=9, scale=4),
        ),
    ],
)
async def test_another_unit_is_not_guessed_though_the_library_would_read_it(written: Any, read: Any) -> None:
    writer = {1: schema(field("id", "string"), field("at", written))}
    body = bodies(writer[1].parsed)[0]
    codec = RecordCodec(
        KnownSchemas(writer),
        topics={
            "orders": TopicFormat(readers={"order.paid": schema(field("id", "string"), field("at", read))})
        },
    )
    with pytest.raises(UnreadableError, match="cannot be read as the route says: at: written as"):
        await codec.decode(
            Record("orders", 0, 0, 0, b"k", avro.prefix(1) + body), tenant="t", default_type="order.paid"
        )


@pytest.mark.parametrize("bad", ["cut", "longer"])
async def test_bytes_that_are_bad_are_told_as_such(bad: str) -> None:
    body = avro.write(avro.prefix(1), FIRST, WRITTEN[1])
    with pytest.raises(UnreadableError, match=r"does not fit its schema|bytes follow the Avro record"):
        avro.read(body[:-1] if bad == "cut" else body + b"x", FIRST, reader=SECOND)


async def test_what_the_publisher_tags_as_personal_stays_so() -> None:
    writer = {1: schema(field("id", "string"), field("name", "string", pii=True))}
    reader = schema(
        field("id", "string"), field("name", "string"), field("mail", "string", default="", pii=True)
    )
    envelope = await decoded(1, reader, versions=writer, fields={"id": "e-1", "name": "Ann"})
    assert envelope.personal == {"name": ("Ann",)}


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_each_body_of_each_pair_is_resolved_as_fastavro_does_or_refused(pair: Pair) -> None:
    try:
        reader, writer = (avro_schema(orjson.dumps(each).decode()) for each in (pair.reader, pair.writer))
    except SchemaError:
        return  # a record that holds itself
    for body in bodies(writer.parsed):
        value = avro.prefix(1) + body
        try:
            expected: Any = fastavro.schemaless_reader(
                io.BytesIO(body), dict(writer.parsed), dict(reader.parsed)
            )
        except Exception:  # noqa: BLE001 - whatever fastavro raises, it did not read
            expected = None
        if expected is None or guesses(reader, writer):
            assert pair.kinds or pair.name in FAULTS
            with pytest.raises(UnreadableError, match="as the route says"):
                avro.read(value, writer, reader=reader)
        else:
            assert avro.read(value, writer, reader=reader) == expected


def test_pairs_of_every_guess_are_among_them() -> None:
    kinds = {kind for pair in PAIRS for kind in pair.kinds}
    assert kinds >= {Kind.NAME, Kind.ALIAS, Kind.DECIMAL, Kind.LOGICAL_TYPE}
