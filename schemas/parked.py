"""What lies on the parked topic: records that wait for an operator, and what became of them.

Three kinds of record, told apart by a header. All of one record key lie in one partition, so in order:

- a letter: the original record, byte for byte, with a dead letter's headers;
- `release`: an operator wants the key's letters to be worked;
- `hold`: the release ended, because a letter failed again;
- `worked`: the letter at the named offset of this partition has its outcome.

The state of a key is what these say from the oldest to the newest. They are read by every worker, and none of them
carries authority over anything but the order of work.
"""

from dataclasses import dataclass
from typing import Final, Literal

from schemas.dead_letter import DeadLetter, dead_letter_of
from schemas.errors import UnreadableError
from schemas.record import Headers, Outgoing, Record

Mark = Literal["release", "hold", "worked"]

MARK: Final = "pointsman-mark"
_TOPIC: Final = "pointsman-topic"
_PARTITION: Final = "pointsman-partition"
_OFFSET: Final = "pointsman-parked-offset"
_MARKS: Final[dict[str, Mark]] = {"release": "release", "hold": "hold", "worked": "worked"}


@dataclass(frozen=True, slots=True)
class ParkedKey:
    """Whose order is kept: a record key in a partition of an input topic."""

    topic: str
    partition: int
    key: bytes


@dataclass(frozen=True, slots=True)
class Marked:
    """One record of the parked topic that is no letter."""

    about: ParkedKey
    mark: Mark
    offset: int
    """Of the letter that was worked; -1 for the other marks."""


def mark_of(topic: str, about: ParkedKey, mark: Mark, offset: int = -1) -> Outgoing:
    """Return the message that says what became of a key, or of one of its letters."""
    headers: Headers = (
        (MARK, mark.encode()),
        (_TOPIC, about.topic.encode()),
        (_PARTITION, str(about.partition).encode()),
        (_OFFSET, str(offset).encode()),
    )
    return Outgoing(topic, about.key, None, headers)


def read_parked(record: Record) -> Marked | DeadLetter:
    """Read a record of the parked topic.

    Raises:
        UnreadableError: it is neither a letter nor a mark; names the place and what is wrong.
    """
    found = dict(record.headers)
    if MARK not in found:
        return dead_letter_of(record)
    try:
        mark = _MARKS[found[MARK].decode()]
        about = ParkedKey(found[_TOPIC].decode(), int(found[_PARTITION]), record.key or b"")
        return Marked(about, mark, int(found[_OFFSET]))
    except (KeyError, ValueError) as error:
        raise UnreadableError(
            f"{record.place}: a mark with a missing or malformed header: {error!r}"
        ) from error


def about(letter: DeadLetter) -> ParkedKey:
    """Return whose letter it is."""
    return ParkedKey(letter.record.topic, letter.record.partition, letter.record.key or b"")
