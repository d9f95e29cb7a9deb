"""JSON-like values taken apart: what stands at which path, and where two of them differ. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

MISSING: Final = object()
"""Stands where only the other value has something."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place at which two values differ; `MISSING` where one of them has nothing there.

    Attributes:
        path: such as `lines[0].quantity`; empty for the values themselves.
        one: what the first has there.
        other: what the second has there.
    """

    path: str
    one: Any
    other: Any


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every path with what stands there: scalars, and objects and lists that are empty."""
    if isinstance(value, Mapping) and value:
        for name, member in cast("Mapping[str, Any]", value).items():
            yield from leaves(member, f"{path}.{name}" if path else str(name))
    elif isinstance(value, Sequence) and value and not isinstance(value, str):
        for index, member in enumerate(cast("Sequence[Any]", value)):
            yield from leaves(member, f"{path}[{index}]")
    else:
        yield path, value


def gaps(one: Any, other: Any) -> list[Gap]:
    """Return where two values differ, in the order of the first; numbers are equal by value, and true is no number."""
    first, second = dict(leaves(one)), dict(leaves(other))
    paths = [*first, *(path for path in second if path not in first)]
    pairs = ((path, first.get(path, MISSING), second.get(path, MISSING)) for path in paths)
    return [Gap(path, a, b) for path, a, b in pairs if not _equal(a, b)]


def _equal(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
