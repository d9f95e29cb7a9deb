"""A flame graph of a worker's samples, as an SVG: each box is a function, as wide as the time in it, upon its caller.

Invented by Brendan Gregg (https://www.brendangregg.com/flamegraphs.html). Colours say whose time it is, as the profile does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

import orjson
from profile_report import LOOP, SHARED, SUBSYSTEMS, Frame, relative, subsystem

WIDTH: Final = 1600
ROW: Final = 16
LEAST: Final = 0.6
"""Narrower boxes are left out."""
CHARACTER: Final = 6.2
COLOURS: Final = dict(
    zip(
        (*(name for name, _ in SUBSYSTEMS), SHARED, LOOP),
        ("#b5cf6b", "#d6616b", "#6baed6", "#fd8d3c", "#9e9ac8", "#fdd049", "#8ca252", "#c7c7c7", "#d9d9d9"),
        strict=True,
    )
)


@dataclass(slots=True)
class Box:
    """A function where it was called: its samples, whose time they were, and what it called."""

    name: str = "all"
    samples: int = 0
    owners: dict[str, int] = field(default_factory=dict[str, int])
    calls: dict[str, "Box"] = field(default_factory=dict[str, "Box"])

    def add(self, samples: int, owner: str) -> None:
        self.samples += samples
        self.owners[owner] = self.owners.get(owner, 0) + samples

    def called(self, name: str) -> "Box":
        return self.calls.setdefault(name, Box(name))


def flame(samples: Path, cpu_ms: float) -> str:
    """Return the drawing of what `profiled_worker.py` wrote; `cpu_ms` is what one event took."""
    root = Box()
    for count, _, functions in orjson.loads(samples.read_bytes()):
        stack = [Frame(function, relative(file)) for function, file in functions]
        owner = subsystem(stack)
        box = root
        box.add(count, owner)
        for frame in reversed(stack):
            box = box.called(str(frame))
            box.add(count, owner)
    rows = _depth(root)
    scale = WIDTH / max(root.samples, 1)
    boxes = "\n".join(_drawn(root, 0.0, rows, scale, cpu_ms / max(root.samples, 1)))
    height = rows * ROW + 2 * ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="10">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{_legend(height)}\n{boxes}\n</svg>\n'
    )


def _depth(box: Box) -> int:
    return 1 + max(map(_depth, box.calls.values()), default=0)


def _drawn(box: Box, x: float, row: int, scale: float, ms: float) -> Iterator[str]:
    width = box.samples * scale
    if width < LEAST:
        return
    y = row * ROW
    fill = COLOURS[max(box.owners, key=lambda owner: box.owners[owner])]
    title = escape(f"{box.name}: {box.samples * ms * 1000:.0f} us an event, {width / WIDTH:.1%}")
    text = box.name.rpartition(" ")[2][: max(0, int(width / CHARACTER) - 1)]
    yield (
        f'<g><title>{title}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" fill="{fill}"/>'
        f'<text x="{x + 2:.1f}" y="{y + 11}">{escape(text)}</text></g>'
    )
    for inner in sorted(box.calls.values(), key=lambda called: called.name):
        yield from _drawn(inner, x, row - 1, scale, ms)
        x += inner.samples * scale


def _legend(height: int) -> str:
    parts: list[str] = []
    x = 4.0
    for name, colour in COLOURS.items():
        parts.append(f'<rect x="{x:.0f}" y="{height - 13}" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{x + 13:.0f}" y="{height - 4}">{escape(name)}</text>')
        x += 26 + len(name) * CHARACTER
    return "".join(parts)
