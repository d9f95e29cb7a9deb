"""From attributes and payload to an envelope: who the event is, when it happened, which session it belongs to."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.codec.cloudevents import Attributes
from schemas.codec.limits import Limits
from schemas.envelope import Envelope
from schemas.errors import UnreadableError
from schemas.record import Record

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def assemble(
    record: Record,
    attributes: Attributes,
    payload: Mapping[str, Any],
    *,
    schema: str | None,
    tenant: str,
    default_type: str | None,
    session_field: str | None,
    limits: Limits,
) -> Envelope:
    """Build the envelope; identity comes from what the publisher said, never from the record's offset.

    Raises:
        UnreadableError: no id, type or time can be found, or one of them is malformed.
    """
    event_id = attributes.id or _member_text(payload, "id")
    if event_id is None:
        raise UnreadableError(
            "the event has no id: publish CloudEvents headers, an `id` header or a field `id`; ids are never invented"
        )
    event_type = attributes.type or default_type
    if event_type is None:
        raise UnreadableError("the event has no type: publish ce_type, or name the event in the route")
    session_id = _session_id(record, attributes, payload, session_field, limits) or event_id
    _check("id", event_id, limits)
    _check("type", event_type, limits)
    # Without CloudEvents the topic is the source: the same id on two topics may be two events.
    source = attributes.source or f"kafka:{record.topic}"
    _check("source", source, limits)
    _check("session id", session_id, limits)
    if attributes.subject is not None:
        _check("subject", attributes.subject, limits)
    return Envelope(
        id=event_id,
        type=event_type,
        source=source,
        time=attributes.time or _record_time(record),
        tenant=tenant,
        session_id=session_id,
        payload=payload,
        subject=attributes.subject,
        schema=schema,
        traceparent=attributes.traceparent,
    )


def _session_id(
    record: Record,
    attributes: Attributes,
    payload: Mapping[str, Any],
    session_field: str | None,
    limits: Limits,
) -> str | None:
    """Return the first that is there: attribute, the route's field, record key, subject."""
    if attributes.session_id:
        return attributes.session_id
    if session_field is not None and (text := _member_text(payload, session_field)):
        return text
    return _key_text(record.key, limits) or attributes.subject


def _member_text(payload: Mapping[str, Any], path: str) -> str | None:
    """Return a member as text, `a.b` being the member b of the object a; None where it is no text or integer."""
    value: Any = payload
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)  # pyright: ignore[reportUnknownVariableType] # JSON has no static type
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def _key_text(key: bytes | None, limits: Limits) -> str | None:
    """Return the key where it is readable text; encoded keys (Avro, Protobuf) name no session."""
    if not key or len(key) > 4 * limits.attribute_chars:
        return None
    try:
        text = key.decode()
    except UnicodeDecodeError:
        return None
    return None if len(text) > limits.attribute_chars or _CONTROL.search(text) else text


def _check(name: str, text: str, limits: Limits) -> None:
    if len(text) > limits.attribute_chars:
        raise UnreadableError(
            f"the {name} has {len(text)} characters, the limit `attribute_chars` is {limits.attribute_chars}"
        )
    if _CONTROL.search(text):
        raise UnreadableError(f"the {name} holds control characters")


def _record_time(record: Record) -> datetime:
    if record.timestamp_ms < 0:
        raise UnreadableError("the event has no time, and the record has no timestamp")
    try:
        return _EPOCH + timedelta(milliseconds=record.timestamp_ms)
    except OverflowError as error:
        raise UnreadableError("the record's timestamp is beyond the year 9999") from error
