"""Places in templates, such as `order-{order_id}.edi` or `{ordered_at|yyyymmdd}`, and what is put there. Pure.

A value becomes a text by one rule, and by the same one always, because the same key must give the same bytes: a number is
written in full without exponent, a date as the place says. Lists, objects and booleans have no text and are refused.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, cast

from connectors.errors import FailedError

DATES: Final[Mapping[str, str]] = {
    "yyyymmdd": "%Y%m%d",
    "yymmdd": "%y%m%d",
    "hhmm": "%H%M",
    "hhmmss": "%H%M%S",
    "yyyymmddhhmm": "%Y%m%d%H%M",
}
"""What may stand behind the bar of a place whose value is a date or a time, as it is written there (no change of zone)."""

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_PLACE: Final = re.compile(rf"\{{({_NAME}(?:\.{_NAME})*)(?:\|([a-z]+))?\}}")

Check = Callable[[str, str], None]
"""Called with the name of a place and its text; raises FailedError where the text cannot stand there."""


def fill(template: str, values: Mapping[str, Any], check: Check | None = None) -> str:
    """Return the template with its places filled; a value that was left out is an empty text.

    Raises:
        FailedError: code `not_representable`: a value has no text.
    """

    def text(found: re.Match[str]) -> str:
        filled = _text(found[1], found[2], value_at(found[1], values))
        if check is not None:
            check(found[1], filled)
        return filled

    return _PLACE.sub(text, template)


def places(template: str) -> Iterator[str]:
    """Yield the names of a template's places.

    Raises:
        ValueError: a brace is not part of a place, or a date is to be written in an unknown way.
    """
    if "{" in (rest := _PLACE.sub("", template)) or "}" in rest:
        raise ValueError(f"{template!r}: a brace belongs to a place, such as {{order_id}}")
    for name, way in cast("list[tuple[str, str]]", _PLACE.findall(template)):
        if way and way not in DATES:
            raise ValueError(f"{template!r}: a date is written {', '.join(DATES)}, not {way}")
        yield name


def value_at(name: str, values: Mapping[str, Any]) -> Any:
    """Return the value that a dotted name means, or None where any part of it is left out; `.count` counts a list."""
    value: Any = values
    for part in name.split("."):
        if part == "count" and isinstance(value, list | tuple):
            return len(cast("list[Any]", value))
        if not isinstance(value, Mapping):
            return None
        value = cast("Mapping[str, Any]", value).get(part)
    return value


def _text(name: str, way: str | None, value: Any) -> str:
    if value is None:
        return ""
    if way:
        return _moment(name, value).strftime(DATES[way])
    match value:
        case str():
            return value
        case bool():
            pass
        case int():
            return str(value)
        case float() if value.is_integer():
            return str(int(value))  # validation makes a 2 that is a number 2.0
        case float() | Decimal():
            return f"{Decimal(str(value)):f}"
        case date():  # a datetime is one
            return value.isoformat()
        case _:
            pass
    raise FailedError(f"{name} is no text, number or date", code="not_representable")


def _moment(name: str, value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value if isinstance(value, str) else value.isoformat())
    except (ValueError, AttributeError):
        raise FailedError(f"{name} is no date or time", code="not_representable") from None
