"""CloudEvents 1.0 on Kafka: binary mode (attributes in headers) and structured mode (all in one JSON object).

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from schemas.codec.headers import CE, ID, TRACEPARENT
from schemas.codec.json import read_object
from schemas.errors import UnreadableError
from schemas.record import Headers

SPEC_VERSION: Final = "1.0"
STRUCTURED: Final = "application/cloudevents"
"""Content types of structured mode begin with this."""
STRUCTURED_JSON: Final = "application/cloudevents+json"
STRUCTURED_AVRO: Final = "application/cloudevents+avro"
"""The structured formats that are read."""

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a record says about its event; everything may be missing where the publisher speaks no CloudEvents."""

    id: str | None = None
    source: str | None = None
    type: str | None = None
    time: datetime | None = None
    subject: str | None = None
    session_id: str | None = None
    traceparent: str | None = None


def is_binary(headers: Mapping[str, str]) -> bool:
    """Return whether headers say that a record is a CloudEvent."""
    return CE + "specversion" in headers or CE + "id" in headers


def binary_attributes(headers: Mapping[str, str]) -> Attributes | None:
    """Return the attributes in headers, or None where the record is no CloudEvent.

    A record is one as soon as it has `ce_specversion` or `ce_id`; then it must be a whole one.

    Raises:
        UnreadableError: a required attribute is missing or one of them is malformed.
    """
    if not is_binary(headers):
        return None
    values = {name.removeprefix(CE): value for name, value in headers.items() if name.startswith(CE)}
    return _attributes(values, traceparent=headers.get(TRACEPARENT), where="header ce_")


def loose_attributes(headers: Mapping[str, str]) -> Attributes:
    """Return what the headers of a record say that is no CloudEvent: Debezium's id, session and trace at most."""
    return Attributes(
        id=headers.get(ID) or None,
        session_id=headers.get(CE + "sessionid") or headers.get(CE + "session"),
        traceparent=_trace(headers.get(TRACEPARENT)),
    )


def structured_event(body: bytes, *, traceparent: str | None = None) -> tuple[Attributes, dict[str, Any]]:
    """Take a structured-mode event apart into attributes and data.

    Args:
        body: the record's value, already capped.
        traceparent: the record's header, used where the event itself has none.

    Raises:
        UnreadableError: it is no JSON object, no CloudEvent, or its data is no JSON object.
    """
    event = read_object(body)
    if "data_base64" in event:
        raise UnreadableError("the structured CloudEvent has data_base64; only data as a JSON object is read")
    data = event.pop("data", None)
    if not isinstance(data, dict):
        raise UnreadableError("the structured CloudEvent has no data, or it is no JSON object")
    return structured_attributes(event, traceparent=traceparent), cast("dict[str, Any]", data)


def structured_attributes(event: Mapping[str, object], *, traceparent: str | None) -> Attributes:
    """Return the attributes of an event in structured mode.

    Raises:
        UnreadableError: a required attribute is missing or one of them is malformed.
    """
    return _attributes(event, traceparent=traceparent, where="attribute ")


def binary_headers(
    *,
    event_id: str,
    event_type: str,
    source: str,
    time: str,
    subject: str | None,
    session_id: str,
    content_type: str,
    traceparent: str | None = None,
) -> Headers:
    """Return the headers of a binary-mode event, always in the same order."""
    headers = [
        ("ce_specversion", SPEC_VERSION.encode()),
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", event_type.encode()),
        ("ce_time", time.encode()),
        ("ce_sessionid", session_id.encode()),
        ("content-type", content_type.encode()),
    ]
    if subject is not None:
        headers.append(("ce_subject", subject.encode()))
    if traceparent is not None:
        headers.append((TRACEPARENT, traceparent.encode()))
    return tuple(headers)


def _attributes(values: Mapping[str, object], *, traceparent: str | None, where: str) -> Attributes:
    if values.get("specversion") != SPEC_VERSION:
        raise UnreadableError(f"{where}specversion must be {SPEC_VERSION}")
    session_id = _text(values, "sessionid", where) or _text(values, "session", where)
    return Attributes(
        id=_required(values, "id", where),
        source=_required(values, "source", where),
        # The type may be left to the route, for publishers who have one type a topic and do not say it.
        type=_text(values, "type", where),
        time=_time(_text(values, "time", where), where),
        subject=_text(values, "subject", where),
        session_id=session_id,
        traceparent=_trace(_text(values, TRACEPARENT, where) or traceparent),
    )


def _required(values: Mapping[str, object], name: str, where: str) -> str:
    value = _text(values, name, where)
    if value is None:
        raise UnreadableError(f"{where}{name} is missing; CloudEvents requires it")
    return value


def _text(values: Mapping[str, object], name: str, where: str) -> str | None:
    value = values.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise UnreadableError(f"{where}{name} is no text")
    return value


def _time(text: str | None, where: str) -> datetime | None:
    if text is None:
        return None
    try:
        # RFC 3339 allows small t and z, fromisoformat does not.
        time = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise UnreadableError(f"{where}time is no RFC 3339 time") from error
    if time.tzinfo is None:
        raise UnreadableError(f"{where}time has no time zone")
    return time


def _trace(text: str | None) -> str | None:
    """Drop what is no W3C trace context: a broken trace is no reason to refuse an event."""
    return text if text is not None and _TRACEPARENT.fullmatch(text) else None
