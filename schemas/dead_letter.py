"""A dead letter: the original record, byte for byte, plus the reason in headers of our own.

The headers are for operators. They carry no authority: anybody who may write to a topic can set them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from schemas.errors import UnreadableError
from schemas.record import Headers, Outgoing, Record

Convention = Literal["connect", "spring"]
"""Whose header names other people's tools look for, beside our own."""

PREFIX: Final = "pointsman-"
ERROR_BYTES: Final = 1024
"""The longest error text that is kept."""

OMITTED: Final = PREFIX + "omitted-bytes"
"""On a letter without its value: how long that was."""

ROUNDS: Final = PREFIX + "rounds"
"""On a letter that was redriven and died again: how often it was redriven."""

_CUT: Final = "…"
_NAMES: Final = ("reason", "error", "topic", "partition", "offset", "timestamp", "attempts", "at")
_REQUIRED: Final = frozenset(PREFIX + name for name in _NAMES)
_OURS: Final = _REQUIRED | {ROUNDS}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be worked, and why.

    Attributes:
        record: as it was fetched: its own topic, partition, offset, timestamp, key, value and headers.
        reason: one word for tables and metrics, such as `unreadable` or `unrouted`.
        error: what happened, for people; at most `ERROR_BYTES` bytes.
        attempts: how often it was tried.
        at: when it was given up, with a time zone.
        rounds: how often it was redriven before; 0 for one that died where it was published.
    """

    record: Record
    reason: str
    error: str
    attempts: int
    at: datetime
    rounds: int = 0


def dead_letter_headers(letter: DeadLetter, convention: Convention | None = None) -> Headers:
    """Return the headers to publish beside the record's untouched key and value.

    The record's own headers come first, as they were. Those that an earlier death left are replaced, so that each
    of ours is there once. Those of a convention come last.
    """
    record = letter.record
    values = (
        letter.reason,
        _capped(letter.error),
        record.topic,
        str(record.partition),
        str(record.offset),
        str(record.timestamp_ms),
        str(letter.attempts),
        letter.at.isoformat(),
    )
    ours = tuple((PREFIX + name, value.encode()) for name, value in zip(_NAMES, values, strict=True))
    if letter.rounds:
        ours = (*ours, (ROUNDS, str(letter.rounds).encode()))
    return (*without_reasons(record.headers), *ours, *_conventional(letter, convention))


def without_reasons(headers: Headers) -> Headers:
    """Return the headers without those of a dead letter: what a record had before it died."""
    return tuple(header for header in headers if header[0] not in _OURS)


def without_value(letter: Outgoing) -> Outgoing:
    """Return a dead letter that a broker takes although it refuses the whole one for its size.

    The original stays where its headers say, for as long as its topic keeps it.
    """
    ours = tuple(header for header in letter.headers if header[0] in _OURS)
    return Outgoing(letter.topic, None, b"", (*ours, (OMITTED, str(len(letter.value or b"")).encode())))


def dead_letter_of(record: Record) -> DeadLetter:
    """Read a record of the dead-letter topic.

    Raises:
        UnreadableError: one of our headers is missing or malformed; names the place and the header.
    """
    found = {name: value for name, value in record.headers if name in _OURS}
    if not found.keys() >= _REQUIRED:
        missing = ", ".join(sorted(_REQUIRED - found.keys()))
        raise UnreadableError(f"{record.place}: no dead letter, these headers are missing: {missing}")
    try:
        # A header may be without a value.
        texts = {name.removeprefix(PREFIX): (value or b"").decode() for name, value in found.items()}
        return _parsed(record, texts)
    except ValueError as error:
        raise UnreadableError(f"{record.place}: a {PREFIX}… header is malformed: {error}") from error


def original_place(partition: str, offset: str, timestamp: str) -> tuple[int, int, int]:
    """Return partition, offset and timestamp of an original, as our headers say them.

    Raises:
        ValueError: one is no number, or none that Kafka has.
    """
    found = int(partition), int(offset), int(timestamp)
    if not (0 <= found[0] < 2**31 and 0 <= found[1] < 2**63 and -(2**63) <= found[2] < 2**63):
        raise ValueError(f"no record lies at partition {found[0]}, offset {found[1]}, of time {found[2]}")
    return found


def _parsed(record: Record, texts: Mapping[str, str]) -> DeadLetter:
    at = datetime.fromisoformat(texts["at"])
    if at.tzinfo is None:
        raise ValueError(f"{PREFIX}at has no time zone")
    place = original_place(texts["partition"], texts["offset"], texts["timestamp"])
    original = replace(
        record,
        topic=texts["topic"],
        partition=place[0],
        offset=place[1],
        timestamp_ms=place[2],
        headers=_before_ours(record.headers),
    )
    rounds = int(texts.get("rounds", "0"))
    if rounds < 0:
        raise ValueError(f"{ROUNDS} is {rounds}")
    return DeadLetter(original, texts["reason"], texts["error"], int(texts["attempts"]), at, rounds)


def _before_ours(headers: Headers) -> Headers:
    """Return the record's own headers: ours, and those of a convention, were put behind them."""
    first = next(at for at, header in enumerate(headers) if header[0] in _OURS)
    return headers[:first]


def _conventional(letter: DeadLetter, convention: Convention | None) -> Headers:
    """Return the headers by which Kafka Connect's and Spring's tools know a dead letter.

    Connect (KIP-298, `DeadLetterQueueReporter`) writes all as text; Spring for Apache Kafka
    (`DeadLetterPublishingRecoverer`) writes numbers as big-endian integers.
    """
    record = letter.record
    if convention == "connect":
        texts = {
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
            "connector.name": "pointsman",
            "stage": "TASK_PUT",
            "exception.class.name": letter.reason,
            "exception.message": _capped(letter.error),
        }
        return tuple((f"__connect.errors.{name}", text.encode()) for name, text in texts.items())
    if convention == "spring":
        return (
            ("kafka_dlt-original-topic", record.topic.encode()),
            ("kafka_dlt-original-partition", record.partition.to_bytes(4)),
            ("kafka_dlt-original-offset", record.offset.to_bytes(8)),
            ("kafka_dlt-original-timestamp", record.timestamp_ms.to_bytes(8, signed=True)),
            ("kafka_dlt-exception-fqcn", letter.reason.encode()),
            ("kafka_dlt-exception-message", _capped(letter.error).encode()),
        )
    return ()


def _capped(text: str) -> str:
    """Cut at a character, not inside one."""
    # Text from elsewhere may hold lone surrogates, which UTF-8 cannot say.
    whole = text.encode(errors="replace")
    if len(whole) <= ERROR_BYTES:
        return whole.decode()
    room = ERROR_BYTES - len(_CUT.encode())
    return whole[:room].decode(errors="ignore") + _CUT
