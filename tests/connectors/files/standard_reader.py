"""EDI read by the letter of the standards (ISO 9735, X12.6), by no library: what was written is read by somebody else."""

from collections.abc import Iterator

Segment = list[list[str]]
"""Elements, each a list of its parts; the first is the tag."""


def read_edifact(content: bytes) -> list[Segment]:
    """Return the segments behind UNA, with releases undone."""
    text = content.decode("latin-1")
    assert text.startswith("UNA")
    component, element, _, release, _, terminator = text[3:9]
    segments: list[Segment] = []
    current: Segment = [[""]]
    released = False
    for character in text[9:]:
        if released:
            current[-1][-1] += character
            released = False
        elif character == release:
            released = True
        elif character == component:
            current[-1].append("")
        elif character == element:
            current.append([""])
        elif character == terminator:
            segments.append(current)
            current = [[""]]
        else:
            current[-1][-1] += character
    assert current == [[""]], "the last segment has no end"
    return segments


def read_x12(content: bytes) -> list[Segment]:
    """Return the segments; the separators stand at fixed places of ISA."""
    text = content.decode("ascii")
    element, component, terminator = text[3], text[104], text[105]
    *segments, rest = text.split(terminator)
    assert not rest
    return [
        [[part] if segment.startswith("ISA") else part.split(component) for part in segment.split(element)]
        for segment in segments
    ]


def plain(segments: list[Segment]) -> Iterator[list[str | list[str]]]:
    """Yield segments as Pointsman has them: an element of one part is a text."""
    for segment in segments:
        yield [element[0] if len(element) == 1 else element for element in segment]
