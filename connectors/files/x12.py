"""X12 interchanges of one transaction set each, written through pyx12, which sees to trailers and their counts. Pure."""

import io
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from connectors.files.charset import X12Charset, checked
from connectors.files.control import control_number
from connectors.files.places import fill, places
from connectors.files.segments import Party, Segment, SegmentTemplate, filled, template_places

_ID: Final = 15
"""Characters of a party in ISA, which is of fixed width."""
_QUALIFIER: Final = 2
"""Characters of its qualifier."""


class Separators(BaseModel):
    """What separates; nothing escapes these in X12, so no value may have one.

    Attributes:
        element: between elements.
        component: between the parts of a composite.
        repetition: between repeated elements, from version 005010 on.
        segment: at the end of a segment.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    element: Annotated[str, Field(min_length=1, max_length=1)] = "*"
    component: Annotated[str, Field(min_length=1, max_length=1)] = ">"
    repetition: Annotated[str, Field(min_length=1, max_length=1)] = "^"
    segment: Annotated[str, Field(min_length=1, max_length=1)] = "~"

    @property
    def all(self) -> str:
        """All four."""
        return self.element + self.component + self.repetition + self.segment

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if len(set(self.all)) < len(self.all) or any(each.isalnum() or each == " " for each in self.all):
            raise PydanticCustomError("separators", "four different characters, no letters, digits or spaces")
        return self


class X12Content(BaseModel):
    """What a written X12 file says.

    Attributes:
        format: `x12`.
        version: of GS, such as `004010`; ISA's follows from it. pyx12 knows 00401 and 00501.
        charset: which characters; others are refused.
        separators: what separates.
        sender: we; the qualifier has two characters.
        receiver: the partner.
        prepared_at: a place with a date and time that belongs to the event, such as `{ordered_at}`: with the time of writing,
            the same key would give two different files.
        control: the number of the interchange and its group, such as `{order_number}`, of at most nine digits; made of the
            idempotency key by default.
        test: whether the partner is to take it as a test.
        group: the functional group, such as `PO`.
        transaction: the transaction set, such as `850`.
        segments: between ST and SE, which are written by us, as are ISA, GS, GE and IEA.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["x12"]
    version: Annotated[str, StringConstraints(pattern=r"^00[45]01[A-Z0-9]{1,7}$")] = "004010"
    charset: X12Charset = "extended"
    separators: Separators = Separators()
    sender: Party
    receiver: Party
    prepared_at: Annotated[str, StringConstraints(pattern=r"^\{[A-Za-z0-9_.]+\}$")]
    control: str | None = None
    test: bool = False
    group: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2}$")]
    transaction: Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")]
    segments: Annotated[tuple[SegmentTemplate, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for party in (self.sender, self.receiver):
            if len(party.id) > _ID or len(party.qualifier) != _QUALIFIER:
                raise PydanticCustomError("party", "in X12 an id has 15 characters at most, a qualifier two")
        return self


def x12_places(content: X12Content) -> Iterator[str]:
    """Yield the names of all places.

    Raises:
        ValueError: as `places` does.
    """
    yield from places(content.prepared_at)
    yield from places(content.control or "")
    yield from template_places(content.segments)


def x12_written(content: X12Content, arguments: Mapping[str, Any], key: str) -> bytes:
    """Return the interchange; the same for the same key and arguments.

    Raises:
        FailedError: `not_representable`: a value has a separator or a character outside the set, or is no text.
    """
    from pyx12.segment import Segment as Written
    from pyx12.x12file import X12Writer

    separators = content.separators
    body = filled(content.segments, arguments, checked(content.charset, separators.all))
    stream = io.StringIO()
    writer = X12Writer(
        stream, separators.segment, separators.element, separators.component, "", separators.repetition
    )
    for tag, *elements in (*_headers(content, arguments, key), *body):
        segment = Written(str(tag), separators.segment, separators.element, separators.component)
        for number, element in enumerate(elements, start=1):
            if isinstance(element, list):
                for part, text in enumerate(element, start=1):
                    segment.set(f"{number:02}-{part}", text)
            else:
                segment.set(f"{number:02}", element)
        writer.Write(segment)
    writer.close()  # writes SE, GE and IEA
    return stream.getvalue().encode("ascii")


def _headers(content: X12Content, arguments: Mapping[str, Any], key: str) -> list[Segment]:
    number = control_number(content.control, arguments, key)
    time = content.prepared_at.removesuffix("}")
    date, clock = (fill(f"{time}|{way}}}", arguments) for way in ("yyyymmdd", "hhmm"))
    sender, receiver = content.sender, content.receiver
    nothing = " " * 10
    repetition = "U" if content.version.startswith("00401") else content.separators.repetition
    return [
        [
            *("ISA", "00", nothing, "00", nothing),
            *(sender.qualifier, sender.id.ljust(_ID), receiver.qualifier, receiver.id.ljust(_ID)),
            *(date[2:], clock, repetition, content.version[:5], number, "0", "T" if content.test else "P"),
            content.separators.component,
        ],
        ["GS", content.group, sender.id, receiver.id, date, clock, str(int(number)), "X", content.version],
        ["ST", content.transaction, "0001"],
    ]
