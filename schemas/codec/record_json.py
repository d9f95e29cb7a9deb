"""A record as one line of JSON, for a process that is handed records by another."""

import base64

import orjson

from schemas.record import Record


def record_line(record: Record) -> bytes:
    """Return a record as one line, without its end."""
    return orjson.dumps(
        {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp_ms": record.timestamp_ms,
            "key": _text(record.key),
            "value": _text(record.value),
            "headers": [[name, _text(value)] for name, value in record.headers],
        }
    )


def record_of_line(line: bytes) -> Record:
    """Return the record of a line that `record_line` made."""
    said = orjson.loads(line)
    headers = tuple((name, _bytes(value)) for name, value in said.pop("headers"))
    key, value = _bytes(said.pop("key")), _bytes(said.pop("value"))
    return Record(key=key, value=value, headers=headers, **said)  # pyright: ignore[reportArgumentType] - headers may be without a value


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
