"""How the records of a topic are to be read: what the configuration declares, beside what a record says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from schemas.codec.debezium.naming import DEFAULT_NAME
from schemas.registry.avro_schema import AvroSchema


class Format(StrEnum):
    """What the records of a topic are."""

    CONFLUENT_AVRO = "confluent-avro"
    """Avro with the id of its schema: in front of the value, or in a header. CloudEvents headers are read where there are."""
    CLOUDEVENTS = "cloudevents"
    """CloudEvents, in binary or structured mode."""
    JSON = "json"
    """A JSON object. CloudEvents headers are read where there are."""
    DEBEZIUM = "debezium"
    """Change events of Debezium, in JSON or Avro."""
    DEBEZIUM_OUTBOX = "debezium-outbox"
    """Events that Debezium's outbox event router took from a table, in JSON or Avro."""


class Declared(Protocol):
    """A schema that the configuration declares for JSON values."""

    @property
    def name(self) -> str:
        """Return what messages call it."""
        ...

    @property
    def types(self) -> Mapping[str, Any]:
        """Return the types of what it lets through, as JSON Schema."""
        ...

    @property
    def personal(self) -> Mapping[str, Any] | None:
        """Return of these types what is tagged as personal, as `only_tagged` does."""
        ...

    def read(self, body: bytes, *, member: str | None = None) -> Mapping[str, Any]:
        """Return the value of a JSON body that fits it, or of a member of that, which has to be an object.

        Raises:
            UnreadableError: it is no JSON object, or does not fit; names the field, and not what is in it.
        """
        ...


@dataclass(frozen=True, slots=True)
class TopicFormat:
    """What is declared of one topic.

    Attributes:
        format: what its records are; None tells it from each record.
        schema: what its JSON values must fit, or None.
        event: with Debezium, the event's type, a text with the names of `naming.NAMES` in braces.
        ignore: with Debezium, the kinds of record that are no events, of `naming.KINDS`; tombstones never are.
        position: with Debezium, fields of `source` that tell a change's place in its database; None takes those known of
            the connector.
        type_header: with the outbox, the header that holds the event's type.
        source: of events that name none; None is the topic, so that a copy under another name holds other events.
        readers: with Avro by a schema's id, the schemas that records are resolved to, by the event's type; others stay as written.
    """

    format: Format | None = None
    schema: Declared | None = None
    event: str = DEFAULT_NAME
    ignore: frozenset[str] = frozenset()
    position: tuple[str, ...] | None = None
    type_header: str = "type"
    source: str | None = None
    readers: Mapping[str, AvroSchema] = field(default_factory=dict[str, AvroSchema])


UNDECLARED: Final = TopicFormat()
"""Of a topic that the configuration says nothing about."""
