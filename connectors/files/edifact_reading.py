"""EDIFACT files as segments, through pydifact, with every count and reference checked. Pure.

What a partner sends is not trusted: a file that is not whole is refused with the number of the segment that says so (UNA is
none), and no message of the library is passed on.
"""

from collections.abc import Iterator
from typing import Final

from connectors.files.interchange import Cursor, Interchange, Message, broken, plausible, text_of
from connectors.files.segments import Segment

_FORM: Final = "EDIFACT"
_SYNTAXES: Final = frozenset(("UNOA", "UNOB", "UNOC"))
_SERVICE: Final = "UNA:+.? '"
_SEPARATORS: Final = 4


def read_edifact(content: bytes) -> Interchange:
    """Return what an EDIFACT file says; syntax levels A to C, without groups (UNG).

    Raises:
        FailedError: code `unreadable`, with the number of the segment.
    """
    at = Cursor(list(_segments(content)), _FORM)
    header = at.take("UNB", 5)
    syntax = text_of(header, 1)
    at.holds(
        syntax in _SYNTAXES, f"characters at {syntax[:10]!r} are not read, those at UNOA, UNOB, UNOC are"
    )
    messages: list[Message] = []
    while at.sees("UNH"):
        messages.append(_message(at))
    end = at.take("UNZ", 2)
    counted = text_of(end, 1)
    at.holds(
        counted == str(len(messages)), f"UNZ counts {counted[:10]!r} messages, there are {len(messages)}"
    )
    at.holds(text_of(end, 2) == text_of(header, 5), "UNZ has another reference than UNB")
    at.holds(at.sees(""), "something follows UNZ")
    return Interchange(text_of(header, 2), text_of(header, 3), text_of(header, 5), tuple(messages))


def _message(at: Cursor) -> Message:
    header = at.take("UNH", 2)
    body: list[Segment] = []
    while not at.sees("UNT", "UNH", "UNZ", "UNG", ""):
        body.append(at.take(None))
    trailer = at.take("UNT", 2)
    counted, there = text_of(trailer, 1), len(body) + 2
    at.holds(counted == str(there), f"UNT counts {counted[:10]!r} segments, there are {there}")
    at.holds(text_of(trailer, 2) == text_of(header, 1), "UNT has another reference than UNH")
    return Message(text_of(header, 2), text_of(header, 1), tuple(body))


def _segments(content: bytes) -> Iterator[Segment]:
    from pydifact.control.characters import Characters
    from pydifact.exceptions import EDISyntaxError
    from pydifact.parser import Parser
    from pydifact.tokenizer import Tokenizer

    advice, text = _advised(content.decode("latin-1").lstrip(" \r\n"))
    number = 0
    try:
        # Not `Parser.parse`, which looks for UNA anywhere: also in what somebody wrote into a text.
        tokens = Tokenizer().get_tokens(text, Characters.from_str(advice))
        for number, raw in enumerate(Parser().convert_tokens_to_raw_segments(tokens), start=1):
            yield plausible(_FORM, number, list(raw))
    except EDISyntaxError:
        broken(_FORM, number + 1, "its end is missing, or an escape stands before a new line or nothing")


def _advised(text: str) -> tuple[str, str]:
    """Return the service string advice, which says the separators, and what follows it."""
    if not text.startswith("UNA"):
        if not text.startswith("UNB"):
            broken(_FORM, 1, "a file begins with UNA or UNB")
        return _SERVICE, text
    advice = text[:9]
    separators = advice[3:5] + advice[6:7] + advice[8:]
    if len(set(separators)) < _SEPARATORS or any(each.isalnum() or each.isspace() for each in separators):
        broken(_FORM, 1, "UNA names no four different separators")
    return advice, text[9:].lstrip("\r\n")
