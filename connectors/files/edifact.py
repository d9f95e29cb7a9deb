"""EDIFACT interchanges of one message each, written through pydifact, which sees to separators and their escapes. Pure."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from connectors.files.charset import Syntax, checked
from connectors.files.control import control_reference
from connectors.files.places import Check, fill, places
from connectors.files.segments import (
    Element,
    Party,
    Segment,
    SegmentTemplate,
    filled,
    template_places,
    trimmed,
)

_DECIMAL_POINT: Final = "."
_MESSAGE_REFERENCE: Final = "1"
"""Unique in its interchange, which has no other message."""


class EdifactContent(BaseModel):
    """What a written EDIFACT file says.

    Attributes:
        format: `edifact`.
        syntax: the level of its characters; others are refused.
        version: of the syntax; 4 has separators that pydifact does not know.
        sender: we.
        receiver: the partner.
        prepared_at: a place with a date and time that belongs to the event, such as `{ordered_at}`: with the time of writing,
            the same key would give two different files.
        control: the interchange's reference, such as `{order_number}`; made of the idempotency key by default.
        test: whether the partner is to take it as a test.
        message: type, version, release, agency and association code, such as `ORDERS:D:96A:UN:EAN008`.
        segments: between UNH and UNT, which are written by us, as are UNB and UNZ.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["edifact"]
    syntax: Syntax = "UNOC"
    version: Literal["1", "2", "3"] = "3"
    sender: Party
    receiver: Party
    prepared_at: Annotated[str, StringConstraints(pattern=r"^\{[A-Za-z0-9_.]+\}$")]
    control: str | None = None
    test: bool = False
    message: Annotated[str, StringConstraints(pattern=r"^[A-Z]{6}(:[A-Z0-9]{1,6}){3,4}$")]
    segments: Annotated[tuple[SegmentTemplate, ...], Field(min_length=1)]


def edifact_places(content: EdifactContent) -> Iterator[str]:
    """Yield the names of all places.

    Raises:
        ValueError: as `places` does.
    """
    yield from places(content.prepared_at)
    yield from places(content.control or "")
    yield from template_places(content.segments)


def edifact_written(content: EdifactContent, arguments: Mapping[str, Any], key: str) -> bytes:
    """Return the interchange; the same for the same key and arguments.

    Raises:
        FailedError: `not_representable`: a value has a character that the syntax level cannot carry, or is no text.
    """
    from pydifact.control.characters import Characters
    from pydifact.segments import Segment as Written
    from pydifact.serializer import Serializer

    check = checked(content.syntax)
    segments = _interchange(content, arguments, key, check)
    characters = Characters(decimal_point=_DECIMAL_POINT)
    text = Serializer(characters).serialize([Written(str(tag), *elements) for tag, *elements in segments])
    return text.encode("latin-1")


def _interchange(
    content: EdifactContent, arguments: Mapping[str, Any], key: str, check: Check
) -> list[Segment]:
    reference = control_reference(content.control, arguments, key, check)
    body = filled(content.segments, arguments, check)
    time = content.prepared_at.removesuffix("}")
    prepared: Element = [fill(time + "|yymmdd}", arguments), fill(time + "|hhmm}", arguments)]
    header: list[Element] = [
        [content.syntax, content.version],
        [content.sender.id, content.sender.qualifier],
        [content.receiver.id, content.receiver.qualifier],
        prepared,
        reference,
        *(["", "", "", "", "", "1"] if content.test else []),
    ]
    return [
        ["UNB", *trimmed(header)],
        ["UNH", _MESSAGE_REFERENCE, content.message.split(":")],
        *body,
        ["UNT", str(len(body) + 2), _MESSAGE_REFERENCE],
        ["UNZ", "1", reference],
    ]
