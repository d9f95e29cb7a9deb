"""The one entry of the consumer and the producer: records to envelopes, messages to records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import orjson

from schemas.codec import avro
from schemas.codec.assemble import assemble
from schemas.codec.cloudevents import binary_headers
from schemas.codec.debezium.change import field_in
from schemas.codec.formats import UNDECLARED, TopicFormat
from schemas.codec.limits import Limits
from schemas.codec.outgoing import SOURCE, OwnMessage, own_event
from schemas.codec.reading import RecordReader
from schemas.codec.stored_outcome import StoredOutcomes
from schemas.codec.values import iso
from schemas.codec.wire import AVRO_TYPE, JSON_TYPE
from schemas.envelope import Envelope
from schemas.errors import SchemaError, UnknownSchemaError
from schemas.outcome import OUTCOME_TYPE
from schemas.personal import TAG, only_tagged, tagged
from schemas.record import Encoded, Record
from schemas.registry.avro_schema import AvroSchema, avro_schema
from schemas.registry.files import latest, packaged_schemas
from schemas.registry.json_types import payload_types
from schemas.registry.port import Registry

Message = OwnMessage | Envelope
"""What can be published."""

_NONE_DECLARED: Final[Mapping[str, TopicFormat]] = {}


@dataclass(frozen=True, slots=True)
class _Writer:
    """A schema, ready to write with: its id is known."""

    prefix: bytes
    schema: AvroSchema


class RecordCodec:
    """Reads any record we understand, writes Avro in Confluent's wire format with binary CloudEvents headers.

    Subjects are named after records (RecordNameStrategy), since one topic carries several types of message.
    Share one instance; it keeps no state between records.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        limits: Limits | None = None,
        schemas: Mapping[str, AvroSchema] | None = None,
        topics: Mapping[str, TopicFormat] = _NONE_DECLARED,
    ) -> None:
        """Build it; nothing is asked of the registry yet.

        Args:
            registry: where schemas are found by id.
            limits: caps on a record; the defaults where None.
            schemas: schemas of further event types that `encode` writes, beside those of this package.
            topics: what is declared of topics, by name; of all others, each record says itself what it is.
        """
        self._registry = registry
        self._limits = limits or Limits()
        self._topics = topics
        self._reader = RecordReader(registry, self._limits)
        self._schemas = latest(packaged_schemas()) | dict(schemas or {})
        self._writers: dict[str, _Writer] = {}
        self._stored_outcomes: StoredOutcomes | None = None
        self._outcomes_are_ours = OUTCOME_TYPE not in (schemas or {})

    async def ready(self) -> None:
        """Find or register the schemas that `encode` writes. Call it once, at start.

        Raises:
            RegistryError: the registry did not answer; trying again may help.
            SchemaError: it refused a schema.
        """
        for event_type, schema in self._schemas.items():
            schema_id = await self._registry.id_of(schema.name, schema)
            self._writers[event_type] = _Writer(avro.prefix(schema_id), schema)
        if self._outcomes_are_ours:
            writer = self._writers[OUTCOME_TYPE]
            self._stored_outcomes = StoredOutcomes(writer.prefix, writer.schema)

    async def decode(
        self,
        record: Record,
        *,
        tenant: str,
        default_type: str | None = None,
        session_field: str | None = None,
    ) -> Envelope:
        """Decode and validate one record. Waits only for schemas that were not seen before.

        Args:
            record: as fetched.
            tenant: whose topic it is; nothing in the record can say otherwise.
            default_type: the event's type where the record does not say it.
            session_field: field of the payload that holds the session id, `a.b` for one inside an object.

        Raises:
            NoEventError: the record carries no event, as is declared of its topic; there is nothing to do.
            UnreadableError: the record is bad, and will be bad when read again.
            UnknownSchemaError: nobody knows the schema it was written with.
            RegistryError: the registry did not answer; trying again may help.
        """
        how = self._topics.get(record.topic, UNDECLARED)
        try:
            parts = await self._reader.parts(record, how, default_type=default_type)
            if parts.change and session_field is not None:
                session_field = field_in(parts.payload, session_field)
            attributes = parts.attributes
            if attributes.source is None and how.source is not None:
                attributes = replace(attributes, source=how.source)
            envelope = assemble(
                # The row's name stands for its key, which may be encoded, and is the same in other tables.
                replace(record, key=None) if parts.captured else record,
                attributes,
                parts.payload,
                schema=parts.schema and parts.schema.name,
                tenant=tenant,
                default_type=default_type,
                session_field=session_field,
                limits=self._limits,
            )
        except SchemaError as error:
            raise type(error)(f"{record.place}: {error}") from error
        known = parts.schema or self._schemas.get(envelope.type)  # JSON says of itself what it means: nothing
        types = [parts.personal] if parts.personal else []
        # What the publisher tags stays tagged, also where the route reads it as a schema that forgot to.
        types += [found for each in (known, parts.written) if each and (found := _personal_types(each.text))]
        return replace(envelope, personal=_tagged(types, envelope.payload)) if types else envelope

    def encode(self, message: Message) -> Encoded:
        """Encode one message, without waiting; the same message always gives the same bytes.

        Raises:
            UnknownSchemaError: an event of a type that has no schema, or `ready` was not called.
            SchemaError: the message does not fit its schema.
        """
        if isinstance(message, Envelope):
            writer = self._writer(message.type)
            value = avro.write_payload(writer.prefix, writer.schema, message.payload)
            return _encoded(message, value, AVRO_TYPE)
        try:
            event = own_event(message)
        except TypeError as error:
            raise SchemaError(f"{type(message).__name__} holds what JSON cannot say: {error}") from error
        writer = self._writer(event.type)
        headers = binary_headers(
            event_id=event.id,
            event_type=event.type,
            source=SOURCE,
            time=_utc(event.time, timespec="milliseconds"),
            subject=event.subject,
            session_id=event.session_id,
            content_type=AVRO_TYPE,
        )
        value = avro.write(writer.prefix, writer.schema, event.fields)
        return Encoded(event.session_id.encode(), value, headers)

    def encode_stored(self, outcome: Mapping[str, Any]) -> Encoded | None:
        """Encode an outcome as a journal has it, fast: the same bytes as `encode` gives.

        Args:
            outcome: what the journal has, sound.

        Returns None for one that is unusual, or wrong: `encode` says which.
        """
        return self._stored_outcomes and self._stored_outcomes.encode(outcome)

    def _writer(self, event_type: str) -> _Writer:
        writer = self._writers.get(event_type)
        if writer is None:
            known = event_type in self._schemas
            hint = "`ready` was not called" if known else "there is no schema file for it; publish it as JSON"
            raise UnknownSchemaError(f"{event_type}: {hint}")
        return writer


def json_record(envelope: Envelope) -> Encoded:
    """Encode an event as JSON with binary CloudEvents headers, for types without an Avro schema.

    Raises:
        SchemaError: the payload holds what JSON cannot say, or the time has no zone.
    """
    try:
        value = orjson.dumps(dict(envelope.payload))
    except TypeError as error:
        raise SchemaError(f"event {envelope.id} holds what JSON cannot say: {error}") from error
    return _encoded(envelope, value, JSON_TYPE)


def _encoded(envelope: Envelope, value: bytes, content_type: str) -> Encoded:
    headers = binary_headers(
        event_id=envelope.id,
        event_type=envelope.type,
        source=envelope.source,
        time=_utc(envelope.time),
        subject=envelope.subject,
        session_id=envelope.session_id,
        content_type=content_type,
        traceparent=envelope.traceparent,
    )
    return Encoded(envelope.session_id.encode(), value, headers)


def _tagged(types: Sequence[Mapping[str, Any]], payload: Mapping[str, Any]) -> Mapping[str, tuple[Any, ...]]:
    """Return what at least one schema tags, by the field it is in."""
    found: dict[str, tuple[Any, ...]] = {}
    for each in types:
        for name, values in tagged(each, payload).items():
            found[name] = (*found.get(name, ()), *values)
    return found


@lru_cache(maxsize=256)
def _personal_types(schema: str) -> Mapping[str, Any] | None:
    """Return the types of a schema's payload where it tags some of it as personal, and None for all others."""
    return only_tagged(payload_types(avro_schema(schema))) if f'"{TAG}"' in schema else None


def _utc(at: datetime, *, timespec: str = "auto") -> str:
    if at.tzinfo is None:
        raise SchemaError("a time without a zone cannot be published")
    return iso(at.astimezone(UTC), timespec=timespec)
