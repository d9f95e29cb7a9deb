"""Simple types of XML Schema: what JSON Schema says of them, and their values as JSON. Pure.

| XML Schema | JSON |
|---|---|
| `boolean` | true or false |
| `integer` and what derives from it | a number; a text beyond 2⁵³ - 1 |
| `decimal` | a text, such as `"12.50"`: exact, with its zeros |
| `float`, `double` | a number; `"INF"`, `"-INF"`, `"NaN"` as text |
| `base64Binary`, `hexBinary` | a text, as it is written in XML |
| dates, times, durations and all others | a text, as it is written in XML, without spaces around it |
| a list | a list |

Facets that JSON Schema can say are in the schema; all others are checked before anything is sent (`connectors.soap.schema_check`).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from connectors.bounds import INTEGER_LIMIT
from connectors.ecma_pattern import PatternError, rust_pattern

Base = Literal["text", "boolean", "integer", "decimal", "float", "name"]

_WORDS: Final = re.compile(r"[\t\n\r ]+")
_UNSAYABLE: Final = re.compile(r"\\[iIcCwWDS]|\\[pP]\{Is|\[[^\]]*-\[|\$|(?<!\[)\^|\(\?")
"""What a pattern of XML Schema may have and others read differently."""
_KEEPS_SPACES: Final = frozenset(("string", "normalizedString"))

_INTEGERS: Final[Mapping[str, tuple[int | None, int | None]]] = {
    "integer": (None, None),
    "long": (-(2**63), 2**63 - 1),
    "int": (-(2**31), 2**31 - 1),
    "short": (-(2**15), 2**15 - 1),
    "byte": (-128, 127),
    "nonNegativeInteger": (0, None),
    "positiveInteger": (1, None),
    "nonPositiveInteger": (None, 0),
    "negativeInteger": (None, -1),
    "unsignedLong": (0, 2**64 - 1),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedShort": (0, 2**16 - 1),
    "unsignedByte": (0, 255),
}
_DATE: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME: Final = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
_ZONE: Final = "(Z|[+-][0-9]{2}:[0-9]{2})?"
_TIMES: Final[Mapping[str, tuple[str, str]]] = {
    "date": (f"^{_DATE}{_ZONE}$", "A date, such as 2026-12-24."),
    "dateTime": (f"^{_DATE}T{_TIME}{_ZONE}$", "A time, such as 2026-12-24T18:30:00Z."),
    "time": (f"^{_TIME}{_ZONE}$", "A time of day, such as 18:30:00."),
}
"""Patterns and words. No formats of JSON Schema: those want a time zone, and what a service says without must go back to it so."""
_TEXTS: Final = frozenset(
    (
        *(
            "string",
            "normalizedString",
            "token",
            "language",
            "Name",
            "NCName",
            "NMTOKEN",
            "ID",
            "IDREF",
            "ENTITY",
        ),
        *("anyURI", "base64Binary", "hexBinary", "anySimpleType", "duration"),
    )
)
_LISTS: Final = {"NMTOKENS": "NMTOKEN", "IDREFS": "IDREF", "ENTITIES": "ENTITY"}
_PARTIAL_DATES: Final = {
    "gYear": "A year, such as 2026.",
    "gYearMonth": "A month of a year, such as 2026-12.",
    "gMonth": "A month, such as --12.",
    "gMonthDay": "A day of each year, such as --12-24.",
    "gDay": "A day of each month, such as ---24.",
}


@dataclass(frozen=True, slots=True)
class Simple:
    """A simple type.

    Attributes:
        base: what its values are.
        name: the built-in type it derives from.
        facets: values by the name of the facet; `enumeration` and `pattern` are tuples.
        item: the type of the items of a list, or None.
    """

    base: Base
    name: str
    facets: Mapping[str, Any] = field(default_factory=dict[str, Any])
    item: "Simple | None" = None


def built_in(name: str) -> Simple | None:
    """Return a built-in type by its name without prefix, or None where there is no such simple type."""
    if name in _LISTS:
        return Simple("text", name, item=built_in(_LISTS[name]))
    if name in _INTEGERS:
        return Simple("integer", name)
    if name in {"float", "double"}:
        return Simple("float", name)
    if name in {"QName", "NOTATION"}:
        return Simple("name", name)
    if name in {"boolean", "decimal"}:
        return Simple("boolean" if name == "boolean" else "decimal", name)
    return Simple("text", name) if name in {*_TEXTS, *_TIMES, *_PARTIAL_DATES} else None


def schema_of(simple: Simple) -> dict[str, Any]:
    """Return the JSON Schema of a simple type.

    It may take more than the type does, which is checked before anything is sent; and less: integers up to 2⁵³ - 1, decimals of
    30 digits.
    """
    if simple.item is not None:
        least, most = (simple.facets.get(name) for name in ("minLength", "maxLength"))
        bounds = {"minItems": least, "maxItems": most}
        return {"type": "array", "items": schema_of(simple.item), **_said(bounds)}
    values = simple.facets.get("enumeration")
    match simple.base:
        case "boolean":
            return {"type": "boolean"}
        case "integer":
            said = _integer(simple)
        case "float":
            return {"type": "number", **_bounds(simple.facets, float)}
        case "decimal":
            said = {"type": "string", "pattern": _decimal_pattern(simple.facets)}
        case _:
            said = _text(simple)
    if values:
        listed = [read(simple, value) for value in values]
        return {"type": said["type"], "enum": list(dict.fromkeys(listed))}
    return said


def description(simple: Simple) -> str:
    """Return in words what the JSON Schema cannot say, or an empty string."""
    if simple.item is not None:
        return ""
    if simple.base == "decimal":
        bounds = (
            ("minInclusive", "at least"),
            ("minExclusive", "above"),
            ("maxInclusive", "at most"),
            ("maxExclusive", "below"),
        )
        said = [f"{word} {simple.facets[name]}" for name, word in bounds if name in simple.facets]
        return f"A decimal number{', ' if said else ''}{' and '.join(said)}."
    words = {"base64Binary": "Base64.", "hexBinary": "Hexadecimal.", "duration": "ISO 8601 duration."}
    times = {name: said for name, (_, said) in _TIMES.items()}
    return {**words, **times, **_PARTIAL_DATES}.get(simple.name, "")


def read(simple: Simple, text: str) -> Any:
    """Return a value as JSON; the text fits the type, as its schema has been checked."""
    if simple.item is not None:
        return [read(simple.item, word) for word in _WORDS.split(text.strip()) if word]
    if simple.base == "text" and simple.name in _KEEPS_SPACES and "whiteSpace" not in simple.facets:
        return text
    word = _WORDS.sub(" ", text).strip()
    match simple.base:
        case "boolean":
            return word in {"true", "1"}
        case "integer":
            return _exact(word)
        case "float":
            number = float(word)
            return number if math.isfinite(number) else word
        case _:
            return word


def written_value(simple: Simple | None, value: Any) -> str:
    """Return a JSON value as XML has it.

    Raises:
        TypeError: no simple type has such values; the message has no value.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int() | str():
            return str(value)
        case float():
            return repr(value)
        case list() if simple is not None and simple.item is not None:
            return " ".join(written_value(simple.item, each) for each in cast("list[Any]", value))
        case _:
            raise TypeError(f"a value is a {type(value).__name__} where a text, number or boolean belongs")


def _exact(word: str) -> int | str:
    # As a text first: Python refuses to read thousands of digits, and a reader of JSON rounds more than 16.
    digits = word.lstrip("+-").lstrip("0") or "0"
    if len(digits) > len(str(INTEGER_LIMIT)) or int(digits) > INTEGER_LIMIT:
        return word
    return int(word)


def _integer(simple: Simple) -> dict[str, Any]:
    least, most = _INTEGERS[simple.name]
    bounds = _bounds(simple.facets, int)
    digits = simple.facets.get("totalDigits")
    beyond = 10**digits - 1 if digits is not None and digits < len(str(INTEGER_LIMIT)) else INTEGER_LIMIT
    low = max(-beyond, -INTEGER_LIMIT if least is None else least)
    high = min(beyond, INTEGER_LIMIT if most is None else most)
    if "minimum" not in bounds and "exclusiveMinimum" not in bounds:
        bounds["minimum"] = low
    if "maximum" not in bounds and "exclusiveMaximum" not in bounds:
        bounds["maximum"] = high
    return {"type": "integer", **bounds}


def _bounds(facets: Mapping[str, Any], number: type[int] | type[float]) -> dict[str, Any]:
    names = {
        "minInclusive": "minimum",
        "maxInclusive": "maximum",
        "minExclusive": "exclusiveMinimum",
        "maxExclusive": "exclusiveMaximum",
    }
    found = {said: number(facets[name]) for name, said in names.items() if name in facets}
    return {said: value for said, value in found.items() if math.isfinite(value)}


def _decimal_pattern(facets: Mapping[str, Any]) -> str:
    """As many digits before and after the point as there may be; a bound on both together is checked later."""
    total, after = facets.get("totalDigits"), facets.get("fractionDigits")
    before = f"{{1,{30 if total is None else total}}}"
    most = after if after is not None else total if total is not None else 30
    least = facets.get("minInclusive", facets.get("minExclusive"))
    sign = "" if least is not None and float(least) >= 0 else "-?"
    return f"^{sign}[0-9]{before}$" if most == 0 else f"^{sign}[0-9]{before}(\\.[0-9]{{1,{most}}})?$"


def _text(simple: Simple) -> dict[str, Any]:
    facets = simple.facets
    said: dict[str, Any] = {"type": "string"}
    if simple.name in _TIMES:
        return {**said, "pattern": _TIMES[simple.name][0]}
    if simple.name == "hexBinary":
        return {**said, "pattern": "^([0-9a-fA-F]{2})*$"}
    if simple.name in _TEXTS and simple.name != "base64Binary":
        least, most = (facets.get("length", facets.get(name)) for name in ("minLength", "maxLength"))
        bounds = {"minLength": least, "maxLength": most}
        said |= _said(bounds)
        patterns = facets.get("pattern", ())
        if len(patterns) == 1 and (pattern := _pattern(patterns[0])) is not None:
            said["pattern"] = pattern
    return said


def _pattern(pattern: str) -> str | None:
    """Return a pattern as JSON Schema has them, or None where it means something else there."""
    if _UNSAYABLE.search(pattern):
        return None
    anchored = f"^({pattern})$" if "|" in pattern else f"^{pattern}$"
    try:
        rust_pattern(anchored)
    except PatternError:
        return None
    return anchored


def _said(bounds: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in bounds.items() if value is not None}
