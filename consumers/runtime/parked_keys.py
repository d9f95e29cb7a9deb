"""Which keys are parked: the state that the records of the parked topic add up to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from schemas.dead_letter import DeadLetter
from schemas.parked import Marked, ParkedKey, about
from schemas.record import Record


@dataclass(slots=True)
class Parked:
    """One parked key.

    Attributes:
        partition: of the parked topic, in which all its letters lie.
        first: offset there from which on letters are not worked yet.
        last: offset there of its newest letter.
        newest: the newest letter's offset on the input topic; what is not newer was parked before.
        letters: how many wait.
        releasing: an operator wants them to be worked.
    """

    partition: int
    first: int
    last: int
    newest: int
    letters: int = 1
    releasing: bool = False


class ParkedKeys:
    """Follows the parked topic; the same records in the same order give the same state in every worker."""

    def __init__(self) -> None:
        self._keys: dict[ParkedKey, Parked] = {}

    @property
    def keys(self) -> Mapping[ParkedKey, Parked]:
        """All that is parked now."""
        return MappingProxyType(self._keys)

    def apply(self, record: Record, content: Marked | DeadLetter) -> ParkedKey:
        """Take in one record, and return whose state it may have changed."""
        if isinstance(content, DeadLetter):
            self._letter(record, content)
            return about(content)
        parked = self._keys.get(content.about)
        if parked is None:
            return content.about
        match content.mark:
            case "release":
                parked.releasing = True
            case "hold":
                parked.releasing = False
            case "worked":
                self._worked(content.about, parked, content.offset)
        return content.about

    def _letter(self, record: Record, letter: DeadLetter) -> None:
        key = about(letter)
        parked = self._keys.get(key)
        if parked is None:
            self._keys[key] = Parked(record.partition, record.offset, record.offset, letter.record.offset)
        elif letter.record.offset > parked.newest:
            parked.last, parked.newest = record.offset, letter.record.offset
            parked.letters += 1
        # Else a worker died between parking it and committing, and the next one parked it again.

    def _worked(self, key: ParkedKey, parked: Parked, offset: int) -> None:
        if offset < parked.first:
            return
        parked.first = offset + 1
        parked.letters -= 1
        if offset >= parked.last:
            del self._keys[key]
