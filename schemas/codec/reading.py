"""A record taken apart: attributes, payload, schema. By what it is, and by what is declared of its topic."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

import orjson

from schemas.codec import avro
from schemas.codec.cloudevents import Attributes, binary_attributes, loose_attributes, structured_event
from schemas.codec.cloudevents_avro import structured_avro_event
from schemas.codec.debezium import change
from schemas.codec.debezium.connect import is_wrapped, unwrapped
from schemas.codec.debezium.connect_avro import connect_values
from schemas.codec.debezium.keys import Key, json_key, key_text
from schemas.codec.debezium.outbox import outbox_payload
from schemas.codec.formats import Format, TopicFormat
from schemas.codec.headers import ID, TRACEPARENT, read_headers
from schemas.codec.json import read_object
from schemas.codec.limits import Limits
from schemas.codec.values import plain
from schemas.codec.wire import Form, Wire, wire_of
from schemas.errors import NoEventError, SchemaError, UnreadableError
from schemas.record import Record, UnreadBatch
from schemas.registry.avro_schema import AvroSchema
from schemas.registry.port import Registry

_NO_HEADERS: Final[Mapping[str, str]] = {}
_CAPTURED: Final = frozenset({Format.DEBEZIUM, Format.DEBEZIUM_OUTBOX})
_STRUCTURED: Final = frozenset({Form.STRUCTURED_JSON, Form.STRUCTURED_AVRO})
_TOMBSTONE: Final = "a tombstone (no value), as Debezium sends one after a deletion"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a record was taken apart into.

    Attributes:
        attributes: what it says about its event.
        payload: plain values only.
        schema: the Avro schema it was read as, or None: the one that it was written with, if no other is declared.
        personal: what is tagged as personal in the schema that is declared for it, as JSON Schema.
        captured: whether it comes from a database by Debezium: `attributes.subject` stands for its key then.
        change: whether it is a change of a row, with `before` and `after`.
        written: the Avro schema it was written with, where that is not `schema`.
    """

    attributes: Attributes
    payload: Mapping[str, Any]
    schema: AvroSchema | None = None
    personal: Mapping[str, Any] | None = None
    captured: bool = False
    change: bool = False
    written: AvroSchema | None = None


class RecordReader:
    """Takes records apart. Share one instance; it keeps no state between records."""

    def __init__(self, registry: Registry, limits: Limits) -> None:
        """Build it; nothing is asked of the registry yet."""
        self._registry = registry
        self._limits = limits

    async def parts(self, record: Record, how: TopicFormat, *, default_type: str | None = None) -> Parts:
        """Take a record apart. Waits only for schemas that were not seen before.

        Args:
            record: as fetched.
            how: what is declared of its topic.
            default_type: the event's type where the record does not say it.

        Raises:
            NoEventError: it carries no event, as is declared of its topic.
            SchemaError: as `RecordCodec.decode` raises it.
        """
        value = self._value(record, how)
        also = how.type_header.lower() if how.format is Format.DEBEZIUM_OUTBOX else None
        headers = read_headers(record.headers, self._limits, also=also) if record.headers else _NO_HEADERS
        wire = wire_of(value, headers, how.format)
        if wire.form in _STRUCTURED:
            return self._structured(value, wire.form, headers.get(TRACEPARENT), how)
        if how.format is Format.DEBEZIUM_OUTBOX:
            return await self._outbox(record, value, wire, headers, how)
        attributes = binary_attributes(headers)
        if wire.form is Form.AVRO:
            schema = await self._schema(wire.schema)
            about = attributes or loose_attributes(headers)
            reader = how.readers.get(about.type or default_type or "")
            said = avro.read(value, schema, start=wire.start, reader=reader)
            if reader is not None:
                return Parts(about, plain(said, self._limits), reader, written=schema)
            if _is_captured(said, attributes, how):
                return await self._change(record, connect_values(said, schema), schema, headers, how)
            return Parts(about, plain(said, self._limits), schema)
        if how.schema is not None:
            return self._json(attributes or loose_attributes(headers), how.schema.read(value), how)
        said = read_object(value)
        inside = said["payload"] if is_wrapped(said) else said
        if _is_captured(inside, attributes, how):
            return await self._change(record, unwrapped(said), None, headers, how)
        return self._json(attributes or loose_attributes(headers), said, how)

    def _structured(self, value: bytes, form: Form, traceparent: str | None, how: TopicFormat) -> Parts:
        if form is Form.STRUCTURED_JSON:
            attributes, said = structured_event(value, traceparent=traceparent)
            if how.schema is not None:  # from the text, which has numbers that no double holds
                return self._json(attributes, how.schema.read(value, member="data"), how)
        else:
            attributes, said = structured_avro_event(value, traceparent=traceparent)
            if how.schema is not None:
                said = how.schema.read(orjson.dumps(plain(said, self._limits)))
        return self._json(attributes, said, how)

    def _json(self, attributes: Attributes, payload: Mapping[str, Any], how: TopicFormat) -> Parts:
        personal = None if how.schema is None else how.schema.personal
        return Parts(attributes, plain(payload, self._limits), personal=personal)

    async def _change(
        self,
        record: Record,
        said: Any,
        schema: AvroSchema | None,
        headers: Mapping[str, str],
        how: TopicFormat,
    ) -> Parts:
        if said is None:  # older converters wrap even that
            raise NoEventError(_TOMBSTONE)
        if not isinstance(said, Mapping):
            raise UnreadableError(
                "it is no change event of Debezium: the payload beside its schema is no object"
            )
        payload = plain(change.with_documents(cast("Mapping[str, Any]", said)), self._limits)
        attributes = change.attributes_of(
            payload,
            await self._key(record),
            how,
            header_id=headers.get(ID) or None,
            traceparent=loose_attributes(headers).traceparent,
        )
        return Parts(attributes, payload, schema, captured=True, change=True)

    async def _outbox(
        self, record: Record, value: bytes, wire: Wire, headers: Mapping[str, str], how: TopicFormat
    ) -> Parts:
        schema = None
        if wire.form is Form.AVRO:
            schema = await self._schema(wire.schema)
            payload = connect_values(avro.read(value, schema, start=wire.start), schema)
        else:
            payload = outbox_payload(value)
        key = await self._key(record)
        attributes = Attributes(
            id=headers[ID],
            type=headers.get(how.type_header.lower()) or None,
            subject=None if key is None else key_text(key),
            traceparent=loose_attributes(headers).traceparent,
        )
        return Parts(attributes, plain(payload, self._limits), schema, captured=True)

    async def _key(self, record: Record) -> Key:
        """Return what a key says; those of Debezium are JSON, or Avro with the id of its schema."""
        if not record.key:
            return None
        if record.key[:1] != avro.MAGIC:
            return json_key(record.key, self._limits)
        try:
            schema = await self._schema(avro.schema_id_of(record.key))
            said = avro.read(record.key, schema)
        except SchemaError as error:
            raise type(error)(f"the key: {error}") from error
        return plain(connect_values(said, schema), self._limits)

    async def _schema(self, named: int | UUID | None) -> AvroSchema:
        if isinstance(named, UUID):
            return await self._registry.schema_of_guid(named)
        assert named is not None
        return (await self._registry.schema_of(named)).schema

    def _value(self, record: Record, how: TopicFormat) -> bytes:
        if record.value is None:
            if how.format in _CAPTURED:
                raise NoEventError(_TOMBSTONE)
            raise UnreadableError(
                "a tombstone (no value) is no event; where Debezium leaves them, declare the topic `format: debezium`"
            )
        if isinstance(record.value, UnreadBatch):
            raise UnreadableError(record.value.why)
        if len(record.value) > self._limits.record_bytes:
            raise UnreadableError(
                f"the value has {len(record.value)} bytes, the limit `record_bytes` is {self._limits.record_bytes}"
            )
        return record.value


def _is_captured(said: Any, attributes: Attributes | None, how: TopicFormat) -> bool:
    """Return whether a value is read as a change of a row: where that is declared, or where it can be nothing else."""
    if how.format is None:
        return attributes is None and isinstance(said, Mapping) and change.is_change(said)
    return how.format is Format.DEBEZIUM
