"""Calls that are wrong in one place: a right call, changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_WRONG: Final[Mapping[str, tuple[Any, ...]]] = {
    "string": (12345, True, ["x"], {"x": "y"}),
    "integer": ("12", 1.5, True, [1]),
    "number": ("1.5", True, [1.5]),
    "boolean": ("true", 1, 0),
    "array": ("x", 7),
    "object": ("no JSON", 7, ["x"]),
}
_ANYTHING: Final = ({"x": "y"}, ["x"])
"""What a value of any type is not, since it is narrowed to scalars."""
_STRANGER: Final = "surely_not_declared"
_LONG: Final = "x" * 20_000

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong call.

    Attributes:
        kind: what is wrong, for counting.
        path: names and positions of the field that is wrong.
        call: the arguments.
    """

    kind: str
    path: Path
    call: dict[str, Any]


def mutants(schema: Mapping[str, Any], call: dict[str, Any]) -> Iterator[Mutant]:
    """Yield every change of a call that its schema must not let through, at every depth."""
    for kind, path, wrong in _changes(schema, call, (), required=True):
        yield Mutant(kind, path, wrong)


def _changes(
    schema: Mapping[str, Any], value: Any, path: Path, *, required: bool
) -> Iterator[tuple[str, Path, Any]]:
    kind = schema.get("type")
    nested = "nested " if len(path) > 1 else ""
    if path:
        for wrong in _ANYTHING if kind is None else _WRONG[kind]:
            yield f"{nested}wrong type", path, wrong
        if required:
            yield f"{nested}null", path, None
        if "enum" in schema:
            yield f"{nested}outside the enum", path, _outside(schema["enum"], kind)
        elif kind in {"string", None}:
            yield f"{nested}too long", path, _LONG
        elif kind == "integer":
            yield f"{nested}too large", path, 2**60
    if isinstance(value, dict) and schema.get("properties"):
        yield from _changes_of_object(schema, value, path)
    elif isinstance(value, list) and value and isinstance(schema.get("items"), dict):
        for change, at, wrong in _changes(schema["items"], value[0], (*path, 0), required=True):
            yield change, at, [wrong, *value[1:]]


def _changes_of_object(
    schema: Mapping[str, Any], value: dict[str, Any], path: Path
) -> Iterator[tuple[str, Path, Any]]:
    nested = "nested " if path else ""
    yield f"{nested}extra field", (*path, _STRANGER), {**value, _STRANGER: "x"}
    required = schema.get("required", ())
    for name, inner in value.items():
        if name in required:
            without = {other: each for other, each in value.items() if other != name}
            yield f"{nested}missing", (*path, name), without
        for change, at, wrong in _changes(
            schema["properties"][name], inner, (*path, name), required=name in required
        ):
            yield change, at, {**value, name: wrong}


def _outside(enum: list[Any], kind: Any) -> Any:
    numbers = [value for value in enum if isinstance(value, int | float) and not isinstance(value, bool)]
    if kind in {"integer", "number"} and numbers:
        return max(numbers) + 1
    return "surely not one of them"
