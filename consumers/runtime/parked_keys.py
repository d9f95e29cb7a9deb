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
        places: offsets there of the letters that are not worked, ascending; each record counts once, however often a
            worker that died before it could commit made others park it again.
        newest: the newest letter's offset on the input topic; what is not newer was parked before.
        releasing: an operator wants them to be worked.
    """

    partition: int
    places: dict[int, None]
    newest: int
    releasing: bool = False

    @property
    def letters(self) -> int:
        """How many wait."""
        return len(self.places)


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
            self._keys[key] = Parked(record.partition, {record.offset: None}, letter.record.offset)
        elif letter.record.offset > parked.newest:
            parked.places[record.offset] = None
            parked.newest = letter.record.offset

    def _worked(self, key: ParkedKey, parked: Parked, offset: int) -> None:
        parked.places.pop(offset, None)
        if not parked.places:
            del self._keys[key]
