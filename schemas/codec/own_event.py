"""One of our messages as an event: what it is taken apart into, and how it is read back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schemas.canonical import canonical_json
from schemas.codec.fields import Fields
from schemas.envelope import Envelope
from schemas.errors import UnreadableError


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """One of our messages, taken apart: its CloudEvents attributes and the fields of its Avro record."""

    id: str
    type: str
    subject: str
    time: datetime
    session_id: str
    fields: Mapping[str, Any]


def json_text(value: Any) -> str:
    """Return canonical JSON; raises TypeError where JSON cannot say it."""
    return canonical_json(value).decode()


def fields_of(envelope: Envelope, *expected: str) -> Fields:
    """Return the content of an event of one of these types, or raise UnreadableError."""
    if envelope.type not in expected:
        raise UnreadableError(f"event {envelope.id} is {envelope.type}, not {' or '.join(expected)}")
    return Fields(envelope.payload, envelope.type)


def one_of(fields: Fields, name: str, values: Any) -> str:
    """Return a text that must be one of these, or raise UnreadableError."""
    value = fields.text(name)
    if value not in tuple(values):
        raise fields.wrong(name, f"is none of {', '.join(values)}")
    return value
