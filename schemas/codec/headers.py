"""Kafka headers, as far as the codec reads them: counted, capped, and no attribute said twice."""

from collections.abc import Mapping
from typing import Final

from schemas.codec.limits import Limits
from schemas.errors import UnreadableError
from schemas.record import Headers

CONTENT_TYPE: Final = "content-type"
TRACEPARENT: Final = "traceparent"
ID: Final = "id"
"""Debezium's outbox event router puts the event's id here."""
CE: Final = "ce_"
"""Prefix of CloudEvents attributes in binary mode."""
VALUE_SCHEMA_ID: Final = "__value_schema_id"
"""Confluent's newer place for a schema's id."""

_READ: Final = frozenset({CONTENT_TYPE, TRACEPARENT, ID, VALUE_SCHEMA_ID})
_MAY_REPEAT: Final = frozenset({TRACEPARENT})
"""Tracing agents append theirs, so the last one counts."""


def read_headers(headers: Headers, limits: Limits, *, also: str | None = None) -> Mapping[str, str]:
    """Return the headers that matter here as text, names in lower case; all others are left alone.

    Args:
        headers: of the record.
        limits: on their number and size.
        also: the name of one more that matters, in lower case.

    Raises:
        UnreadableError: too many, too long, one attribute twice, or an attribute that is no UTF-8.
    """
    if not headers:
        return {}
    _check_size(headers, limits)
    found: dict[str, str] = {}
    for given, value in headers:
        name = given.lower()
        if name not in _READ and name != also and not name.startswith(CE):
            continue
        if name in found and name not in _MAY_REPEAT:
            raise UnreadableError(f"header {name} appears twice")
        found[name] = value.hex() if name == VALUE_SCHEMA_ID else _text(name, value)
    return found


def _check_size(headers: Headers, limits: Limits) -> None:
    if len(headers) > limits.headers:
        raise UnreadableError(f"{len(headers)} headers, the limit `headers` is {limits.headers}")
    size = sum(len(name) + len(value or b"") for name, value in headers)
    if size > limits.header_bytes:
        raise UnreadableError(f"{size} bytes of headers, the limit `header_bytes` is {limits.header_bytes}")


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(f"header {name} is no UTF-8") from error
