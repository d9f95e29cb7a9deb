"""Logs: one JSON object a line, with named fields only, so that no payload and no secret gets in by accident.

    _log.info("event finished", extra={"event_id": event.id, "route": "orders", "seconds": 1.2})

Any other field is dropped. The loggers of our clients are held at a level at which they show no payloads.
"""

import logging
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO

import orjson

Format = Literal["json", "text"]

FIELDS: Final = (
    *("event_id", "run_id", "session_id", "tenant", "route", "action"),
    *("topic", "partition", "offset", "key_digest"),
    *("attempt", "reason", "seconds", "status", "error"),
)
"""What a line may carry beside time, level, logger, message and exception."""

CLAMPED: Final[Mapping[str, int]] = {
    "aiokafka": logging.INFO,
    "aiohttp": logging.INFO,
    "openai": logging.INFO,
    "redis": logging.INFO,
    "asyncssh": logging.WARNING,
    # Two more that write a line for each request at INFO; the one above does for each connection, with users and paths.
    "httpx2": logging.WARNING,
    "httpcore2": logging.WARNING,
    # The parser of SQL writes a query that it does not know as a warning.
    "sqlglot": logging.ERROR,
}
"""Loggers that write passwords and payloads below these levels, with the lowest level they may have."""
_WHOLE_REQUESTS: Final = ("aiokafka.conn", "aiokafka.producer.producer")
"""Those of Kafka's client that do: logins and records as they are sent, keys and values."""

_MESSAGE_LIMIT: Final = 4000
_FIELD_LIMIT: Final = 500
_TRACEBACK_LIMIT: Final = 16_000
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_BUT_LAYOUT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def configure(level: str = "INFO", format: Format = "json", *, stream: TextIO | None = None) -> None:  # noqa: A002 - the word of the configuration
    """Send all logs of this process to one stream; called again, the new settings replace the old.

    Args:
        level: of our own loggers, such as `INFO`.
        format: `json` for machines, `text` for people.
        stream: standard error by default.

    Raises:
        ValueError: for an unknown level.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    # On the handler too: the openai package sets its own level, from the environment, when it is imported.
    handler.addFilter(_is_fit)
    root = logging.getLogger()
    root.setLevel(level.upper())
    for name, lowest in CLAMPED.items():
        logging.getLogger(name).setLevel(max(lowest, root.level))
    # Only plain ones, ours and those of basicConfig: whoever installed something special wants to keep it.
    for old in [known for known in root.handlers if type(known) is logging.StreamHandler]:
        root.removeHandler(old)
    root.addHandler(handler)


def clamp_kafka() -> None:
    """Make Kafka's client drop at the source what `CLAMPED` says: whatever levels and handlers anybody sets.

    `configure` sees to our own handler; this also to those of others, and to programs that never call `configure`.
    """
    for name in _WHOLE_REQUESTS:
        logging.getLogger(name).addFilter(_is_fit)


_hiding: list[Callable[[str], str]] = []


@contextmanager
def hidden(hide: Callable[[str], str]) -> Generator[None]:
    """Have every text of every line of this process go through a function first, while the block lasts."""
    _hiding.append(hide)
    try:
        yield
    finally:
        _hiding.remove(hide)


class JsonFormatter(logging.Formatter):
    """One JSON object, on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line: dict[str, Any] = {
            "at": _at(record).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _hidden(record.getMessage())[:_MESSAGE_LIMIT],
            **dict(_fields(record)),
        }
        if traceback := _traceback(self, record):
            line["exception"] = traceback
        # Text from outside may hold lone surrogates, which UTF-8 cannot say.
        try:
            encoded = orjson.dumps(line)
        except TypeError:
            encoded = orjson.dumps({name: _encodable(value) for name, value in line.items()})
        # JSON leaves these as they are, but some terminals and readers of lines obey them.
        return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded.decode())


class TextFormatter(logging.Formatter):
    """One line for people; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        said = _visible(_hidden(record.getMessage())[:_MESSAGE_LIMIT])
        fields = "".join(f" {name}={_visible(str(value))}" for name, value in _fields(record))
        at = _at(record).astimezone().strftime("%H:%M:%S")
        line = f"{at} {record.levelname:<7} {record.name}: {said}{fields}"
        traceback = _CONTROL_BUT_LAYOUT.sub(_escape, _traceback(self, record))
        return _encodable(f"{line}\n{traceback}" if traceback else line)


def _is_fit(record: logging.LogRecord) -> bool:
    return record.levelno >= CLAMPED.get(record.name.partition(".")[0], logging.NOTSET)


def _at(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    given = record.__dict__
    for name in FIELDS:
        value = given.get(name)
        if value is None:
            continue
        if isinstance(value, float):
            yield name, round(value, 6)
        elif isinstance(value, int):
            yield name, value
        else:
            yield name, _hidden(str(value))[:_FIELD_LIMIT]


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    # The end of a traceback says what happened.
    return _hidden(formatter.formatException(record.exc_info))[-_TRACEBACK_LIMIT:]


def _hidden(text: str) -> str:
    for hide in _hiding:
        text = hide(text)
    return text


def _visible(text: str) -> str:
    """Return a text in which nothing can look like another line or steer a terminal."""
    return _CONTROL.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
