"""Values as they are written in URLs: in keys, filters and parameters of functions. Pure.

A text ends at a single quote, and one inside is doubled. Everything else a literal is made of is checked first, so that no
value can end its literal. Percent-encoding comes later and once, where the request is sent.
"""

import re
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from connectors.odata.edm import EdmType, Enumeration, Primitive, Version
from connectors.odata.values import invalid, moment, number_text, time_text

_SUFFIXES: Final = {"Edm.Decimal": "m", "Edm.Int64": "L", "Edm.Double": "d", "Edm.Single": "f"}
_WHOLE: Final = frozenset(("Edm.Byte", "Edm.SByte", "Edm.Int16", "Edm.Int32", "Edm.Int64"))
_DURATION: Final = re.compile(r"-?P(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def literal(kind: EdmType, value: Any, version: Version, name: str) -> str:
    """Return the literal of a validated value.

    Raises:
        FailedError: code `invalid_argument`: it is no value of its type, or none that a URL can say.
    """
    if isinstance(kind, Enumeration):
        if value not in kind.members:
            raise invalid(name, f"one of {', '.join(kind.members)}")
        return f"{kind.name}'{value}'"
    if not isinstance(kind, Primitive):
        raise invalid(name, "an object or a list cannot be written in a URL")
    if kind.name == "Edm.String":
        text = str(value)
        if _CONTROL.search(text):
            raise invalid(name, "no control characters in what is looked for")
        return "'" + text.replace("'", "''") + "'"
    if kind.name == "Edm.Boolean":
        return "true" if value is True else "false"
    if kind.name in _WHOLE or kind.name in _SUFFIXES:
        return _number(kind, value, name) + (_SUFFIXES.get(kind.name, "") if version == "v2" else "")
    return _v2(kind, str(value), name) if version == "v2" else _v4(kind, str(value), name)


def _number(kind: Primitive, value: Any, name: str) -> str:
    if kind.name in _WHOLE:
        return str(int(value))
    return number_text(kind, value, name) if kind.name == "Edm.Decimal" else repr(float(value))


def _v4(kind: Primitive, value: str, name: str) -> str:
    match kind.name:
        case "Edm.Guid":
            return _guid(value, name)
        case "Edm.Date":
            return moment(value, name).date().isoformat()
        case "Edm.DateTimeOffset":
            return _utc(value, name)
        case "Edm.TimeOfDay":
            return moment(f"2000-01-01T{value}", name).time().isoformat()
        case "Edm.Duration":
            return f"duration'{_duration(value, name)}'"
        case _:
            raise invalid(name, f"{kind.name} cannot be written in a URL")


def _v2(kind: Primitive, value: str, name: str) -> str:
    match kind.name:
        case "Edm.Guid":
            return f"guid'{_guid(value, name)}'"
        case "Edm.DateTime":
            return f"datetime'{moment(value, name).replace(tzinfo=None).isoformat()}'"
        case "Edm.DateTimeOffset":
            return f"datetimeoffset'{_utc(value, name)}'"
        case "Edm.Time":
            return f"time'{time_text(value, name)}'"
        case _:
            raise invalid(name, f"{kind.name} cannot be written in a URL")


def _utc(value: str, name: str) -> str:
    """Return a moment in UTC: some services read no other offset."""
    try:
        return f"{moment(value, name).astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
    except OverflowError:
        raise invalid(name, "is too far from now") from None


def _guid(value: str, name: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise invalid(name, "is no GUID") from None


def _duration(value: str, name: str) -> str:
    if not _DURATION.fullmatch(value):
        raise invalid(name, "is no duration such as P1DT2H")
    return value
