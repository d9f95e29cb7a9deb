"""X12 files as segments, through pyx12, which checks counts and control numbers. Pure.

No map is needed for that: it reads any transaction set. What a partner sends is not trusted: a file that is not whole is refused
with the number of the segment that says so, and messages of the library that repeat the file are not passed on, because ISA
can hold a password.
"""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from connectors.files.interchange import Cursor, Interchange, Message, broken, plausible, text_of
from connectors.files.segments import Segment

if TYPE_CHECKING:
    from pyx12.x12file import X12Reader

_FORM: Final = "X12"
_ALLOWED: Final = frozenset(("HL1", "HL2", "SEG1"))
"""What pyx12 complains of and plain X12 allows: hierarchies that do not count 1, 2, 3, and empty elements at the end."""
_COMPLAINT: Final = 200


def read_x12(content: bytes) -> Interchange:
    """Return what an X12 file says: one interchange of version 00401 or 00501, with any transaction sets.

    Raises:
        FailedError: code `unreadable`, with the number of the segment.
    """
    at = Cursor(list(_segments(content)), _FORM)
    header = at.take("ISA", 16)
    messages: list[Message] = []
    while at.sees("GS"):
        _ = at.take("GS", 8)
        while at.sees("ST"):
            messages.append(_transaction(at))
        _ = at.take("GE", 2)
    _ = at.take("IEA", 2)
    at.holds(at.sees(""), "something follows IEA")
    sender, receiver = text_of(header, 6).strip(), text_of(header, 8).strip()
    return Interchange(sender, receiver, text_of(header, 13), tuple(messages))


def _transaction(at: Cursor) -> Message:
    header = at.take("ST", 2)
    body: list[Segment] = []
    while not at.sees("SE", "ST", "GS", "GE", "ISA", "IEA", ""):
        body.append(at.take(None))
    _ = at.take("SE", 2)
    return Message(text_of(header, 1), text_of(header, 2), tuple(body))


def _segments(content: bytes) -> Iterator[Segment]:
    from pyx12.errors import EngineError, X12Error
    from pyx12.x12file import X12Reader

    number = 0
    try:
        # A stream: the reader would take a text for the name of a file.
        reader = X12Reader(io.StringIO(content.decode("latin-1").strip(" \r\n"), newline=""))
        for number, found in enumerate(reader, start=1):
            _refuse_complaints(reader, number)
            elements = [[part.get_value() for part in each.elements] for each in found.elements]
            segment: Segment = [found.get_seg_id() or ""]
            segment += [parts[0] if len(parts) == 1 else parts for parts in elements]
            yield plausible(_FORM, number, segment)
        # The reader stops without a word at an empty segment, and at one that is longer than its buffer.
        if reader.raw.buffer.strip():
            broken(_FORM, number + 1, "it is empty, has no end, or is too long")
        reader.cleanup()
        _refuse_complaints(reader, number)
    except (X12Error, EngineError, IndexError):
        broken(_FORM, number + 1, "the envelope is damaged, or of another version than 00401 and 00501")


def _refuse_complaints(reader: "X12Reader", number: int) -> None:
    for _, code, message, *_ in reader.pop_errors():
        if code not in _ALLOWED:
            broken(_FORM, number, message[:_COMPLAINT])
