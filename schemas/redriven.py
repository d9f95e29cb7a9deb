"""A redriven record: a dead letter's original, byte for byte, on a topic that only one consumer group reads.

Our headers come last and in one order, so whatever a publisher wrote before them, whole names of ours included, stays
what it was. They carry no authority: anybody who may write to the topic can set them. What may be redriven is decided
by whoever works it.
"""

from dataclasses import dataclass, replace
from typing import Final

from schemas.dead_letter import PREFIX, DeadLetter, original_place
from schemas.errors import UnreadableError
from schemas.record import Outgoing, Record, UnreadBatch

_NAMES: Final = tuple(
    f"{PREFIX}redriven-{name}"
    for name in ("topic", "partition", "offset", "timestamp", "letter", "round", "by")
)
_ROUNDS: Final = 1_000_000
"""More than anybody redrives a record: a number that somebody made up must not grow without end."""

Place = tuple[int, int]
"""Partition and offset on the dead-letter topic."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """A dead letter on its way back.

    Attributes:
        record: the original: its own topic, partition, offset, timestamp, key, value and headers.
        letter: where the dead letter lies that was redriven.
        round: how often the record was redriven, this time included; 1 the first time.
        by: who asked for it.
    """

    record: Record
    letter: Place
    round: int
    by: str

    @property
    def of(self) -> tuple[Place, str, int]:
        """What says which letter it is: its place and its original's, since a topic that is made anew counts from zero."""
        return self.letter, self.record.place, self.record.timestamp_ms


def redriven_letter(place: Place, letter: DeadLetter, by: str) -> Redriven:
    """Return what a letter is published as, one round later."""
    return Redriven(letter.record, place, letter.rounds + 1, by)


def message_of(topic: str, redriven: Redriven) -> Outgoing:
    """Return the message for the topic of redriven records; the record's key, so that those of one key stay in order."""
    record = redriven.record
    partition, offset = redriven.letter
    values = (
        record.topic,
        str(record.partition),
        str(record.offset),
        str(record.timestamp_ms),
        f"{partition}:{offset}",
        str(redriven.round),
        redriven.by,
    )
    ours = tuple((name, value.encode(errors="replace")) for name, value in zip(_NAMES, values, strict=True))
    value = record.value
    if isinstance(value, UnreadBatch):
        value = bytes(value)  # producers take no kind of bytes but the plain one
    return Outgoing(topic, record.key, value, (*record.headers, *ours))


def redriven_of(record: Record) -> Redriven:
    """Read a record of the topic of redriven records.

    Raises:
        UnreadableError: our headers are not its last ones, or malformed; names the place and what is wrong.
    """
    ours = record.headers[-len(_NAMES) :]
    if tuple(name for name, _ in ours) != _NAMES:
        raise UnreadableError(f"{record.place}: not redriven: the last headers must be {', '.join(_NAMES)}")
    try:
        # A header may be without a value.
        topic, partition, offset, timestamp, letter, number, by = (
            (value or b"").decode() for _, value in ours
        )
        at, _, place = letter.partition(":")
        original = original_place(partition, offset, timestamp)
        redriven = Redriven(
            replace(
                record,
                topic=topic,
                partition=original[0],
                offset=original[1],
                timestamp_ms=original[2],
                headers=record.headers[: -len(_NAMES)],
            ),
            (int(at), int(place)),
            int(number),
            by,
        )
    except ValueError as error:
        raise UnreadableError(f"{record.place}: a {PREFIX}redriven-… header is malformed: {error}") from error
    if not 0 < redriven.round <= _ROUNDS:
        raise UnreadableError(f"{record.place}: {redriven.round} is no number of a round")
    return redriven
