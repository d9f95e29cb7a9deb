"""Named fields of an EDI message, found by paths such as `DTM[1.1=137]/1.2`. Pure.

A path names a segment - the first of this tag, or the first of which an element has a value - and an element of it, with a dot
the part of a composite. Elements and parts count from 1.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.files.segments import Segment, Tag

_PATH: Final = re.compile(
    r"([A-Z][A-Z0-9]{1,2})(?:\[(\d{1,2})(?:\.(\d{1,2}))?=([^\[\]]{0,35})\])?/(\d{1,2})(?:\.(\d{1,2}))?"
)


class _Where(NamedTuple):
    tag: str
    element: int
    part: int
    asked: tuple[int, int] | None
    value: str


def _checked(path: str) -> str:
    _ = _where(path)
    return path


Path = Annotated[str, AfterValidator(_checked)]


class FieldGroup(BaseModel):
    """A list of objects: one for each segment of a tag, with the segments that follow it.

    Attributes:
        each: the tag that begins an item, such as `LIN`.
        until: tags that end the last item, such as `UNS`.
        fields: of an item.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    each: Tag
    until: tuple[Tag, ...] = ()
    fields: Annotated["dict[str, Path | FieldGroup]", Field(min_length=1)]


Fields = dict[str, Path | FieldGroup]


def named(fields: Mapping[str, str | FieldGroup], segments: Sequence[Segment]) -> dict[str, Any]:
    """Return the fields of a message; None for what it does not say."""
    return {
        name: [named(where.fields, item) for item in _items(where, segments)]
        if isinstance(where, FieldGroup)
        else _value(_where(where), segments)
        for name, where in fields.items()
    }


def _items(group: FieldGroup, segments: Sequence[Segment]) -> list[list[Segment]]:
    items: list[list[Segment]] = []
    inside = False
    for segment in segments:
        if segment[0] == group.each:
            items.append([])
            inside = True
        elif segment[0] in group.until:
            inside = False
        if inside:
            items[-1].append(segment)
    return items


def _value(where: _Where, segments: Sequence[Segment]) -> str | None:
    for segment in segments:
        if segment[0] == where.tag and (where.asked is None or _part(segment, *where.asked) == where.value):
            return _part(segment, where.element, where.part) or None
    return None


def _part(segment: Segment, element: int, part: int) -> str:
    if element >= len(segment):
        return ""
    found = segment[element]
    parts = found if isinstance(found, list) else [found]
    return parts[part - 1] if part <= len(parts) else ""


def _where(path: str) -> _Where:
    found = _PATH.fullmatch(path)
    if found is None:
        raise ValueError(
            f"{path!r} is no path: write TAG/element, TAG/element.part or TAG[element.part=value]/…"
        )
    tag, asked, asked_part, value, element, part = found.groups()
    numbers = [int(element), int(part or 1), int(asked or 1), int(asked_part or 1)]
    if 0 in numbers:
        raise ValueError(f"{path!r}: elements and parts count from 1")
    return _Where(tag, numbers[0], numbers[1], (numbers[2], numbers[3]) if asked else None, value or "")
