"""The types of single values in a JSON Schema: texts, numbers, choices, and objects whose members nobody declared. Pure."""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, LiteralString, cast

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError, to_json

from connectors.bounds import TEXT_LIMIT
from connectors.ecma_pattern import PatternError, rust_pattern
from connectors.formats import CHECKS
from connectors.plain_schema import JsonSchemaError, Plain
from connectors.strict_schema import JSON_TEXT
from schemas.canonical import canonical_json
from schemas.codec.json import read_object
from schemas.errors import UnreadableError

ANY_VALUE: Final[Any] = str | int | float | bool
"""What a value of any type is narrowed to; objects and lists need a schema."""

_JSON_DEPTH: Final = 8
_INTEGERS: Final[Mapping[str, tuple[int, int]]] = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}


def text(plain: Plain) -> Any:
    """Return the type of a text: its length, its pattern, and its format where `connectors.formats` checks it."""
    said = plain.said
    bounds: dict[str, Any] = {
        "min_length": _count(plain, "minLength"),
        "max_length": _count(plain, "maxLength"),
    }
    if "pattern" in said:
        try:
            bounds["pattern"] = rust_pattern(said["pattern"])
        except PatternError as error:
            raise JsonSchemaError(
                plain.at, "pattern", f"{error}; write it without, or leave it out"
            ) from error
    hint: Any = Annotated[str, Field(**bounds)]
    kind = said.get("format")
    if isinstance(kind, str):
        hint = Annotated[hint, Field(json_schema_extra={"format": kind})]
        if kind in CHECKS:
            hint = Annotated[hint, AfterValidator(_of_format(*CHECKS[kind]))]
    return hint


def integer(plain: Plain) -> Any:
    """Return the type of an integer; `int32` and `int64` bound it, where nothing else does."""
    least, most = plain.said.get("minimum"), plain.said.get("maximum")
    above, below = plain.said.get("exclusiveMinimum"), plain.said.get("exclusiveMaximum")
    # A bound of 0.5 is written by somebody who thought of a number; the nearest integer inside is meant.
    lows = [
        *([] if least is None else [math.ceil(least)]),
        *([] if above is None else [math.floor(above) + 1]),
    ]
    highs = [
        *([] if most is None else [math.floor(most)]),
        *([] if below is None else [math.ceil(below) - 1]),
    ]
    low, high = _INTEGERS.get(str(plain.said.get("format")), (None, None))
    step = plain.said.get("multipleOf")
    if step is not None and step != int(step):
        raise JsonSchemaError(plain.at, "invalid", f"an integer cannot be held to multiples of {step}")
    return Annotated[
        int,
        Field(
            ge=max(lows) if lows else low,
            le=min(highs) if highs else high,
            multiple_of=None if step is None else int(step),
        ),
    ]


def number(plain: Plain) -> Any:
    """Return the type of a number; it is a float from here on, so that rules see one type."""
    step = plain.said.get("multipleOf")
    return Annotated[
        float,
        Field(
            ge=plain.said.get("minimum"),
            le=plain.said.get("maximum"),
            gt=plain.said.get("exclusiveMinimum"),
            lt=plain.said.get("exclusiveMaximum"),
            multiple_of=step,
        ),
    ]


def choice(plain: Plain) -> Any:
    """Return the type of an enum, without null."""
    values = tuple(value for value in plain.said["enum"] if _is_of(value, plain.kinds))
    if not values:
        raise JsonSchemaError(plain.at, "contradiction", "no value of its enum has its type")
    return Literal[values]  # pyright: ignore[reportInvalidTypeForm] - the values are known only now


def listed(plain: Plain, item: Any) -> Any:
    """Return the type of a list of items."""
    bounds: dict[str, Any] = {
        "min_length": _count(plain, "minItems"),
        "max_length": _count(plain, "maxItems"),
    }
    hint: Any = Annotated[list[item], Field(**bounds)]
    return Annotated[hint, AfterValidator(_unique)] if plain.said.get("uniqueItems") is True else hint


def free_form(plain: Plain, value: Any) -> Any:
    """Return the type of an object with members nobody declared: JSON as text for the model, an object for all others.

    A strict schema cannot say such an object. What arrives, as text or as an object, is one from then on: rules, people
    and the journal see its members.
    """
    bounds: dict[str, Any] = {
        "min_length": _count(plain, "minProperties"),
        "max_length": _count(plain, "maxProperties"),
    }
    return Annotated[
        dict[str, value],
        Field(**bounds),
        BeforeValidator(_object),
        WithJsonSchema({"type": "object", "additionalProperties": True, JSON_TEXT: True}),
    ]


def _object(value: Any) -> Any:
    if isinstance(value, str):
        if len(value) > TEXT_LIMIT:
            raise _wanted("json_too_long", f"at most {TEXT_LIMIT} characters of JSON")
        try:
            value = read_object(value.encode())
        except (UnreadableError, UnicodeEncodeError) as error:
            raise PydanticCustomError(
                "json_text", "Input should be a JSON object, written as text"
            ) from error
    elif len(to_json(value, inf_nan_mode="strings")) > TEXT_LIMIT:
        raise _wanted("json_too_long", f"at most {TEXT_LIMIT} bytes of JSON")
    if _is_deeper(value, _JSON_DEPTH):
        raise _wanted("json_too_deep", f"at most {_JSON_DEPTH} levels deep")
    return value


def _is_deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        children = list(cast("dict[str, Any]", value).values())
    elif isinstance(value, list):
        children = cast("list[Any]", value)
    else:
        return False
    return levels == 0 or any(_is_deeper(child, levels - 1) for child in children)


def _of_format(check: Callable[[str], object], wanted: str) -> Callable[[str], str]:
    def checked(value: str) -> str:
        try:
            check(value)
        except ValueError as error:
            raise _wanted("format", wanted) from error
        return value

    return checked


def _unique(values: list[Any]) -> list[Any]:
    if len({canonical_json(value) for value in values}) < len(values):
        raise _wanted("not_unique", "without an item twice")
    return values


def _wanted(kind: LiteralString, wanted: str) -> PydanticCustomError:
    return PydanticCustomError(kind, "Input should be {wanted}", {"wanted": wanted})


def _is_of(value: Any, kinds: tuple[str, ...]) -> bool:
    if not kinds:
        return True
    if isinstance(value, bool):
        return "boolean" in kinds
    if isinstance(value, str):
        return "string" in kinds
    return "number" in kinds or ("integer" in kinds and isinstance(value, int))


def _count(plain: Plain, keyword: str) -> int | None:
    """JSON knows no difference between 3 and 3.0."""
    value = plain.said.get(keyword)
    return None if value is None else int(value)
