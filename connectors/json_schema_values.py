"""The types of single values in a JSON Schema: texts, numbers, choices, and objects whose members nobody declared. Pure."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, LiteralString, cast

from pydantic_core import CoreSchema, PydanticCustomError, core_schema, to_json

from connectors.bounds import TEXT_LIMIT
from connectors.ecma_pattern import PatternError, rust_pattern
from connectors.formats import CHECKS
from connectors.json_type import BOOLEAN, JsonType, union
from connectors.plain_schema import JsonSchemaError, Plain
from connectors.schema_keywords import JsonSchema
from connectors.strict_schema import JSON_TEXT
from schemas.canonical import canonical_json
from schemas.codec.json import read_object
from schemas.errors import UnreadableError

ANY_VALUE: Final = union(
    (
        JsonType(core_schema.str_schema(), {"type": "string"}),
        JsonType(core_schema.int_schema(), {"type": "integer"}),
        JsonType(core_schema.float_schema(), {"type": "number"}),
        BOOLEAN,
    )
)
"""What a value of any type is narrowed to; objects and lists need a schema."""

_JSON_DEPTH: Final = 8
_NAMES: Final[Mapping[type, str]] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_INTEGERS: Final[Mapping[str, tuple[int, int]]] = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}


def text(plain: Plain) -> JsonType:
    """Return the type of a text: its length, its pattern, and its format where `connectors.formats` checks it."""
    said = plain.said
    least, most, pattern = _count(plain, "minLength"), _count(plain, "maxLength"), None
    if "pattern" in said:
        try:
            pattern = rust_pattern(said["pattern"])
        except PatternError as error:
            raise JsonSchemaError(
                plain.at, "pattern", f"{error}; write it without, or leave it out"
            ) from error
    core: CoreSchema = core_schema.str_schema(min_length=least, max_length=most, pattern=pattern)
    kind = said.get("format")
    if not isinstance(kind, str):
        kind = None
    elif kind in CHECKS:
        core = core_schema.no_info_after_validator_function(_of_format(*CHECKS[kind]), core)
    return JsonType(
        core, _known(type="string", minLength=least, maxLength=most, pattern=pattern, format=kind)
    )


def integer(plain: Plain) -> JsonType:
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
    low, high = max(lows) if lows else low, min(highs) if highs else high
    step = None if step is None else int(step)
    return JsonType(
        core_schema.int_schema(ge=low, le=high, multiple_of=step),
        _known(type="integer", multipleOf=step, maximum=high, minimum=low),
    )


def number(plain: Plain) -> JsonType:
    """Return the type of a number; it is a float from here on, so that rules see one type."""
    least, most = plain.said.get("minimum"), plain.said.get("maximum")
    above, below = plain.said.get("exclusiveMinimum"), plain.said.get("exclusiveMaximum")
    step = plain.said.get("multipleOf")
    return JsonType(
        core_schema.float_schema(ge=least, le=most, gt=above, lt=below, multiple_of=step),
        _known(
            type="number",
            multipleOf=step,
            maximum=most,
            minimum=least,
            exclusiveMaximum=below,
            exclusiveMinimum=above,
        ),
    )


def choice(plain: Plain) -> JsonType:
    """Return the type of an enum, without null."""
    # For Python, 1 and True are one, and for JSON they are two.
    found = {(type(value), value): value for value in plain.said["enum"] if _is_of(value, plain.kinds)}
    values = list(found.values())
    if not values:
        raise JsonSchemaError(plain.at, "contradiction", "no value of its enum has its type")
    said: JsonSchema = {"enum": values} if len(values) > 1 else {"const": values[0]}
    kinds = {kind for kind, _ in found}
    if len(kinds) == 1:
        said |= {"type": _NAMES[kinds.pop()]}
    return JsonType(core_schema.literal_schema(values), said)


def listed(plain: Plain, item: JsonType) -> JsonType:
    """Return the type of a list of items."""
    least, most = _count(plain, "minItems"), _count(plain, "maxItems")
    core: CoreSchema = core_schema.list_schema(item.core, min_length=least, max_length=most)
    if plain.said.get("uniqueItems") is True:
        core = core_schema.no_info_after_validator_function(_unique, core)
    return JsonType(core, _known(type="array", items=item.said, minItems=least, maxItems=most))


def free_form(plain: Plain, value: JsonType | None) -> JsonType:
    """Return the type of an object with members nobody declared: JSON as text for the model, an object for all others.

    A strict schema cannot say such an object. What arrives, as text or as an object, is one from then on: rules, people
    and the journal see its members.

    Args:
        plain: its schema.
        value: the type of a member, or None for any JSON value.
    """
    core = core_schema.dict_schema(
        core_schema.str_schema(),
        # Arguments are read from JSON, so that a value of any type is a JSON value.
        core_schema.any_schema() if value is None else value.core,
        min_length=_count(plain, "minProperties"),
        max_length=_count(plain, "maxProperties"),
    )
    return JsonType(
        core_schema.no_info_before_validator_function(_object, core),
        {"type": "object", "additionalProperties": True, JSON_TEXT: True},
    )


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


def _known(**said: Any) -> JsonSchema:
    """Return the keywords that say something."""
    return {keyword: value for keyword, value in said.items() if value is not None}


def _count(plain: Plain, keyword: str) -> int | None:
    """JSON knows no difference between 3 and 3.0."""
    value = plain.said.get(keyword)
    return None if value is None else int(value)
