"""Whether a call keeps to a description, found out without the code that is measured: a walk over types and enums."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_PYTHON: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def disagreements(schema: Mapping[str, Any], value: Any, at: str = "") -> Iterator[str]:
    """Yield in words where a value leaves its schema."""
    kind = schema.get("type")
    if kind is None:
        return
    if not _is_of(value, str(kind)):
        yield f"{at or 'the call'} is {value!r}, and its description says {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is {value!r}, which its enum does not have"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{at} is {value!r}, below {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"{at} is {value!r}, above {schema['maximum']}"
    if schema.get("format") == "date" and value.count("-") != 2:
        yield f"{at} is {value!r}, and its format is date"
    if kind == "object":
        yield from _of_object(schema, value, at)
    elif kind == "array" and isinstance(schema.get("items"), dict):
        for number, each in enumerate(value):
            yield from disagreements(schema["items"], each, f"{at}[{number}]")


def _is_of(value: object, kind: str) -> bool:
    return isinstance(value, _PYTHON[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _of_object(schema: Mapping[str, Any], value: Mapping[str, Any], at: str) -> Iterator[str]:
    properties = schema.get("properties")
    if not properties:
        return
    required = schema.get("required", ())
    for name, inner in value.items():
        place = f"{at}.{name}".removeprefix(".")
        if name not in properties:
            yield f"{place} is not described"
        elif inner is not None or name in required:
            yield from disagreements(properties[name], inner, place)
    for name in required:
        if name not in value:
            yield f"{at}.{name}".removeprefix(".") + " is required, and not there"
