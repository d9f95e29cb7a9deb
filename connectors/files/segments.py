"""EDI messages as lists of segments: templates with places, filled with arguments. Pure.

A segment is a list: its tag, then its elements; an element is a text, or a list of texts where it is composite.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Self, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from connectors.errors import FailedError
from connectors.files.places import Check, fill, places, value_at

SEGMENTS_LIMIT: Final = 50_000
"""Segments of a file, whether it is written or read."""

Element = str | list[str]
Segment = list[Element]
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,2}$")]


class Group(BaseModel):
    """Segments that are there for each item of a list, or only where an argument is given.

    Attributes:
        each: a list among the arguments; inside, its name means the item: `{lines.sku}`, `{lines.position}` from 1 on, and
            `{lines.value}` where items are no objects.
        when: an argument; without it, or where it is empty, the segments are left out.
        segments: templates of segments, and groups.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    each: str | None = None
    when: str | None = None
    segments: "tuple[SegmentTemplate, ...]"

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if (self.each is None) == (self.when is None):
            raise PydanticCustomError("group", "a group has either `each` or `when`")
        return self


SegmentTemplate = Annotated[list[str | list[str]], Field(min_length=2)] | Group


class Party(BaseModel):
    """Who sends or receives an interchange.

    Attributes:
        id: what the partners call it, such as a GLN.
        qualifier: the kind of id, such as 14 for a GLN in EDIFACT, ZZ for one agreed upon in X12.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(min_length=1, max_length=35)]
    qualifier: Annotated[str, Field(max_length=4)] = ""


def filled(templates: Sequence[SegmentTemplate], values: Mapping[str, Any], check: Check) -> list[Segment]:
    """Return the segments that templates and arguments make; what is empty at the end of a segment is left out.

    Raises:
        FailedError: `not_representable`: a value cannot be said there; `too_large`: too many segments.
    """
    segments: list[Segment] = []
    for segment in _filled(templates, values, check):
        segments.append(segment)
        if len(segments) > SEGMENTS_LIMIT:
            raise FailedError(f"the message has more than {SEGMENTS_LIMIT} segments", code="too_large")
    return segments


def template_places(templates: Sequence[SegmentTemplate]) -> Iterator[str]:
    """Yield the names of all places, and of the arguments that groups follow.

    Raises:
        ValueError: a template has a brace that belongs to no place.
    """
    for each in templates:
        if isinstance(each, Group):
            yield from filter(None, (each.each, each.when))
            yield from template_places(each.segments)
        else:
            for text in _texts(each):
                yield from places(text)


def tags(templates: Sequence[SegmentTemplate]) -> Iterator[str]:
    """Yield the tags of all segments; an empty one for a composite in its place."""
    for each in templates:
        if isinstance(each, Group):
            yield from tags(each.segments)
        else:
            yield each[0] if isinstance(each[0], str) else ""


def literals(templates: Sequence[SegmentTemplate]) -> Iterator[str]:
    """Yield what templates say themselves, with their places left empty."""
    for each in templates:
        if isinstance(each, Group):
            yield from literals(each.segments)
        else:
            for text in _texts(each):
                yield fill(text, {})


def trimmed(elements: Sequence[Element]) -> list[Element]:
    """Return elements without the empty ones at the end, of composites as well."""
    kept = [_short(each) if isinstance(each, list) else each for each in elements]
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _filled(
    templates: Sequence[SegmentTemplate], values: Mapping[str, Any], check: Check
) -> Iterator[Segment]:
    for each in templates:
        if isinstance(each, Group):
            for inner in _scopes(each, values):
                yield from _filled(each.segments, inner, check)
            continue
        tag, *elements = each
        segment = trimmed(
            [
                [fill(part, values, check) for part in element]
                if isinstance(element, list)
                else fill(element, values, check)
                for element in elements
            ]
        )
        if segment:
            yield [tag, *segment]


def _scopes(group: Group, values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if group.when is not None:
        if value_at(group.when, values) not in (None, "", [], False):
            yield values
        return
    name = group.each or ""
    items: Any = value_at(name, values)
    if not isinstance(items, list | tuple):
        return  # it was left out
    for position, item in enumerate(cast("Sequence[Any]", items), start=1):
        said = cast("dict[str, Any]", item) if isinstance(item, Mapping) else {"value": item}
        yield _with(values, name.split("."), {**said, "position": position})


def _with(values: Mapping[str, Any], name: list[str], item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the item in place of the list it is in."""
    first, *rest = name
    return {**values, first: _with(values[first], rest, item) if rest else item}


def _short(parts: list[str]) -> Element:
    kept = list(parts)
    while kept and not kept[-1]:
        kept.pop()
    return kept[0] if len(kept) == 1 else (kept or "")


def _texts(segment: Segment) -> Iterator[str]:
    for element in segment:
        yield from element if isinstance(element, list) else (element,)
