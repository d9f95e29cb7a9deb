"""Dead letters: choosing some, and what may be sent back to where it came from. Pure."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from consumers.cli.seen import Seen
from schemas.dead_letter import DeadLetter
from schemas.record import Record

Place = tuple[int, int]
"""Partition and offset on the dead-letter topic."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dead letters are meant; a letter must fit everything that is given.

    Attributes:
        reason: why it died, such as `unreadable`; None is any.
        topic: the topic it came from; None is any.
        places: where it lies on the dead-letter topic; empty is anywhere.
    """

    reason: str | None = None
    topic: str | None = None
    places: frozenset[Place] = frozenset()

    @property
    def is_everything(self) -> bool:
        """Whether nothing was chosen at all."""
        return self == Choice()

    def fits(self, seen: Seen) -> bool:
        """Return whether a record is a dead letter that is meant."""
        letter = seen.letter
        if letter is None or self.reason not in {None, letter.reason}:
            return False
        if self.topic not in {None, letter.record.topic}:
            return False
        return not self.places or (seen.record.partition, seen.record.offset) in self.places


def parse_place(text: str) -> Place:
    """Read `PARTITION:OFFSET`, as `list` shows it.

    Raises:
        ValueError: it is something else.
    """
    partition, _, offset = text.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise ValueError(f"{text!r}: write PARTITION:OFFSET, such as 0:42, as `dead-letters list` shows it")
    return int(partition), int(offset)


def place_of(record: Record) -> str:
    """Return what `parse_place` reads."""
    return f"{record.partition}:{record.offset}"


def redrivable(
    letters: Iterable[Seen], topics: AbstractSet[str]
) -> tuple[list[DeadLetter], list[DeadLetter]]:
    """Split letters into those that may go back, and those whose origin no worker of ours reads.

    The origin stands in a header, which anybody may set who can write to the dead-letter topic: it must not let
    them write anywhere else.
    """
    back: list[DeadLetter] = []
    refused: list[DeadLetter] = []
    for letter in (seen.letter for seen in letters if seen.letter):
        (back if letter.record.topic in topics else refused).append(letter)
    return back, refused


def shown_value(value: bytes | None) -> str:
    """Return a record's value or key as text, or as hex where it is none."""
    if value is None:
        return ""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"hex {value.hex()}"
    return text if text.isprintable() or text.strip() else f"hex {value.hex()}"
