"""JSON bodies: strict, because two parsers that disagree about one text are a way in."""

import json
from collections.abc import Iterable
from typing import Any, Final, cast

import orjson

from schemas.errors import UnreadableError

_INTEGERS: Final = range(-(2**63), 2**64)
"""Integers beyond these lose digits in most programs, orjson included."""

_LEVELS: Final = 100
"""Of objects and arrays; deeper ones are beyond any business event, and beyond some parsers."""


def read_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object; the caller has capped the body's size.

    Refuses names that appear twice in one object, `NaN`, infinities, integers beyond 64 bits, lone surrogates,
    more than 100 levels and anything that is no object.

    Raises:
        UnreadableError: saying which of these it is.
    """
    try:
        value: object = orjson.loads(body)
        if body.count(b"{") + body.count(b"[") > _LEVELS and _is_deeper(value, _LEVELS):
            raise UnreadableError("the JSON body is nested too deeply")
        # orjson is strict about values but keeps the last of two equal names and rounds long integers.
        json.loads(body, object_pairs_hook=_unique, parse_int=_integer)
    except ValueError as error:
        raise UnreadableError(f"the body is no JSON we accept: {error}") from error
    if not isinstance(value, dict):
        raise UnreadableError("the JSON body is no object")
    return cast("dict[str, Any]", value)


def _is_deeper(value: object, levels: int) -> bool:
    """Whether it has more levels: counted, since how deep a parser recurses differs by version."""
    inside: list[object] = [value]
    for _ in range(levels):
        inside = [child for each in inside for child in _children(each)]
        if not inside:
            return False
    return any(isinstance(each, dict | list) for each in inside)


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def _unique(pairs: list[tuple[str, object]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) == len(pairs):
        return
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise ValueError(f"the name {name[:100]!r} appears twice in one object")
        seen.add(name)


def _integer(digits: str) -> None:
    if len(digits) > 20 or int(digits) not in _INTEGERS:  # noqa: PLR2004 # a sign and 19 digits, or 20 digits
        raise ValueError("an integer has more than 64 bits; publish it as text")
