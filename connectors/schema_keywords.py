"""The forms that keywords of JSON Schema have; documents come from outside, and may hold anything. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from pydantic_core import to_json

JsonSchema = Mapping[str, Any]

_LARGEST: Final = 1.7e308
"""What a float still holds; NaN and infinities are beyond it."""
_LARGEST_COUNT: Final = 2**31


def misuse(said: JsonSchema) -> str | None:
    """Return what is wrong with the first keyword that does not have its form, or None."""
    for keyword, value in said.items():
        wanted = _FORMS.get(keyword)
        if wanted is not None and not wanted[0](value):
            return f"{keyword} must be {wanted[1]}"
    return None


def as_bytes(value: Any) -> bytes:
    """Return what no other JSON-like value has; nothing of what is nested too deeply or is no JSON, which is like no other."""
    try:
        return to_json(value)
    except ValueError:
        return b""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def _is_count(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= _LARGEST_COUNT and value == int(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in cast("list[Any]", value))


def _is_members(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) for name in cast("Mapping[Any, Any]", value)
    )


_Form = tuple[Callable[[Any], bool], str]
_NUMBER: Final[_Form] = _is_number, "a number"
_COUNT: Final[_Form] = _is_count, "a count"
_LIST: Final[_Form] = _is_list, "a list"
_EXCLUSIVE: Final[_Form] = (lambda value: isinstance(value, bool) or _is_number(value)), "a number"
_FORMS: Final[Mapping[str, _Form]] = {
    "type": ((lambda value: isinstance(value, str) or _is_words(value)), "a word or a list of words"),
    "properties": (_is_members, "an object"),
    "required": (_is_words, "a list of names"),
    "enum": _LIST,
    "allOf": _LIST,
    "anyOf": _LIST,
    "oneOf": _LIST,
    "pattern": ((lambda value: isinstance(value, str)), "a text"),
    "minimum": _NUMBER,
    "maximum": _NUMBER,
    "multipleOf": ((lambda value: _is_number(value) and value > 0), "a number above 0"),
    "exclusiveMinimum": _EXCLUSIVE,
    "exclusiveMaximum": _EXCLUSIVE,
    "minLength": _COUNT,
    "maxLength": _COUNT,
    "minItems": _COUNT,
    "maxItems": _COUNT,
    "minProperties": _COUNT,
    "maxProperties": _COUNT,
}
