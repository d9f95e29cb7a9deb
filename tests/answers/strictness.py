"""Whether a value fits a strict JSON Schema: a second opinion that shares no code with what validates arguments."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def misfits(value: Any, schema: Mapping[str, Any], at: str = "arguments") -> Iterator[str]:
    """Yield in what a value does not fit."""
    if "anyOf" in schema:
        if all(list(misfits(value, each, at)) for each in schema["anyOf"]):
            yield f"{at} fits none of several schemas"
        return
    if not _is_of(value, schema["type"]):
        yield f"{at} is a {type(value).__name__}, not {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is none of {schema['enum']}"
    if isinstance(value, str):
        yield from _text(value, schema, at)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(value, schema, at)
    elif isinstance(value, dict):
        yield from _members(cast("dict[str, Any]", value), schema, at)
    elif isinstance(value, list):
        for number, item in enumerate(cast("list[Any]", value)):
            yield from misfits(item, schema["items"], f"{at}[{number}]")


def _is_of(value: Any, types: str | Sequence[str]) -> bool:
    names = [types] if isinstance(types, str) else types
    if isinstance(value, bool):
        return "boolean" in names
    return any(isinstance(value, _TYPES[name]) for name in names)


def _text(value: str, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"{at} has {len(value)} characters"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at} does not match {schema['pattern']}"


def _number(value: float, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at} is {value}"
    if not (-(2**63) <= value < 2**64):
        yield f"{at} has more than 64 bits"


def _members(value: Mapping[str, Any], schema: Mapping[str, Any], at: str) -> Iterator[str]:
    known = schema["properties"]
    if value.keys() != known.keys():
        yield f"{at} has the members {sorted(value)}, not {sorted(known)}"
    for name in value.keys() & known.keys():
        yield from misfits(value[name], known[name], f"{at}.{name}")
