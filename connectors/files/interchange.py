"""A file of EDI as it was read, and the refusal of one that is broken. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from connectors.errors import FailedError
from connectors.files.segments import SEGMENTS_LIMIT, Segment

_SHORTEST_TAG: Final = 2
_LONGEST_TAG: Final = 3


@dataclass(frozen=True, slots=True)
class Message:
    """One message of EDIFACT, or one transaction set of X12.

    Attributes:
        type: such as `ORDERS` or `850`.
        reference: what the sender calls it.
        segments: between header and trailer.
    """

    type: str
    reference: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Interchange:
    """One file.

    Attributes:
        sender: id of who sends it.
        receiver: id of whom it is for.
        control: its reference or control number.
        messages: in the order of the file.
    """

    sender: str
    receiver: str
    control: str
    messages: tuple[Message, ...]


class Cursor:
    """Goes through the segments of a file, and refuses it where they are not what the form demands."""

    def __init__(self, segments: Sequence[Segment], form: str) -> None:
        self._segments = segments
        self._form = form
        self._next = 0

    def sees(self, *tags: str) -> bool:
        """Say whether the next segment has one of these tags; an empty one means the end."""
        tag = self._segments[self._next][0] if self._next < len(self._segments) else ""
        return tag in tags

    def take(self, tag: str | None, elements: int = 0) -> Segment:
        """Return the next segment, which must have this tag, if one is given, and at least so many elements."""
        self._next += 1
        if self._next > len(self._segments) or (tag is not None and self._segments[self._next - 1][0] != tag):
            self.broken(f"{tag} is expected here")
        segment = self._segments[self._next - 1]
        self.holds(len(segment) > elements, f"{tag} needs {elements} elements")
        return segment

    def holds(self, condition: object, problem: str) -> None:
        """Refuse the file unless this is so, naming the segment that was taken last."""
        if not condition:
            self.broken(problem)

    def broken(self, problem: str) -> NoReturn:
        """Refuse the file, naming the segment that was taken last."""
        broken(self._form, self._next, problem)


def plausible(form: str, number: int, segment: Segment) -> Segment:
    """Return a segment that has a tag and is not one too many."""
    if number > SEGMENTS_LIMIT:
        broken(form, number, f"more than {SEGMENTS_LIMIT} segments are not read")
    tag = str(segment[0]) if segment else ""
    if not (_SHORTEST_TAG <= len(tag) <= _LONGEST_TAG and tag.isascii() and tag.isalnum() and tag.isupper()):
        broken(form, number, "it has no tag")
    return segment


def text_of(segment: Segment, at: int) -> str:
    """Return an element, of a composite its first part."""
    element = segment[at]
    return element[0] if isinstance(element, list) else element


def broken(form: str, number: int, problem: str) -> NoReturn:
    """Refuse a file.

    Raises:
        FailedError: code `unreadable`.
    """
    raise FailedError(f"no {form} that can be read: segment {number}: {problem}", code="unreadable")
