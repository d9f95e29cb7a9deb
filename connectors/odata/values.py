"""Values of the Entity Data Model between JSON as Pointsman has it and as a service has it. Pure.

One rule for numbers: what a float holds exactly is a number, other decimals are texts. So an `Edm.Decimal` with a precision
of at most 15 digits is a number, and a text where it has more or does not say. An `Edm.Int64` is an integer. On the wire
both are texts (`IEEE754Compatible=true`; v2 knows nothing else), so that no reader in between can round them.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

from connectors.errors import FailedError
from connectors.odata.edm import Complex, EdmType, Enumeration, Many, Primitive, Version

EXACT_DIGITS: Final = 15
"""Significant digits that every float keeps."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICKS: Final = re.compile(r"/Date\((-?\d{1,17})(?:[+-]\d{1,5})?\)/")
_TIME: Final = re.compile(r"PT(?:(\d{1,2})H)?(?:(\d{1,2})M)?(?:(\d{1,2})(?:\.\d+)?S)?")
_TEXTS: Final = {
    "v4": frozenset(("Edm.Decimal", "Edm.Int64")),
    "v2": frozenset(("Edm.Decimal", "Edm.Int64", "Edm.Double", "Edm.Single")),
}
"""Numbers that are texts on the wire."""
_MOMENTS: Final = frozenset(("Edm.DateTime", "Edm.DateTimeOffset"))
_FRACTIONS: Final = frozenset(("Edm.Decimal", "Edm.Double", "Edm.Single"))


def is_number(kind: Primitive) -> bool:
    """Whether a decimal is a number here."""
    return kind.precision is not None and kind.precision <= EXACT_DIGITS


def invalid(name: str, wanted: str) -> FailedError:
    """Return the error for a value that its type cannot hold; nothing was sent."""
    return FailedError(f"{name}: {wanted}", code="invalid_argument")


def to_wire(kind: EdmType, value: Any, version: Version, name: str) -> Any:
    """Return a validated argument as the service takes it in JSON.

    Raises:
        FailedError: code `invalid_argument`: it is no value of its type.
    """
    match kind:
        case Many(item):
            return [to_wire(item, each, version, name) for each in value]
        case Complex(_, properties):
            given = cast("Mapping[str, Any]", value)
            return {key: to_wire(properties[key].type, each, version, key) for key, each in given.items()}
        case Enumeration():
            return value
        case Primitive():
            if kind.name in _TEXTS[version]:
                return number_text(kind, value, name)
            if version == "v2" and kind.name in _MOMENTS:
                at = moment(value, name)
                ticks = (at - _EPOCH) // timedelta(milliseconds=1)
                return f"/Date({ticks}{'+0000' if kind.name == 'Edm.DateTimeOffset' else ''})/"
            if kind.name == "Edm.Time":
                return time_text(value, name)
            return value


def from_wire(kind: EdmType, value: Any, version: Version) -> Any:
    """Return what a service answered as Pointsman has it; what does not have its type's form is returned as it is."""
    if value is None:
        return None
    match kind:
        case Many(item):
            listed = value.get("results", value) if isinstance(value, dict) else value
            return [from_wire(item, each, version) for each in listed] if isinstance(listed, list) else value
        case Complex(_, properties):
            if not isinstance(value, dict):
                return value
            given = cast("dict[str, Any]", value)
            return {
                key: from_wire(each.type, given[key], version)
                for key, each in properties.items()
                if key in given
            }
        case Enumeration():
            return value
        case Primitive():
            try:
                return _plain(kind, value)
            except (ValueError, ArithmeticError):
                return value


def _plain(kind: Primitive, value: Any) -> Any:
    if not isinstance(value, str):
        # Services that know no IEEE754Compatible answer with a number; and JSON makes no difference between 8 and 8.0.
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        if kind.name == "Edm.Decimal" and not is_number(kind):
            return str(value)
        return float(value) if kind.name in _FRACTIONS else value
    if kind.name == "Edm.Int64":
        return int(value)
    if kind.name in _FRACTIONS:
        as_text = value in {"INF", "-INF", "NaN"} or (kind.name == "Edm.Decimal" and not is_number(kind))
        return value if as_text else float(value)
    if found := _TICKS.fullmatch(value) if kind.name in _MOMENTS else None:
        return _moment_of(kind, int(found[1]))
    if found := _TIME.fullmatch(value) if kind.name == "Edm.Time" else None:
        return ":".join(f"{int(part or 0):02}" for part in found.groups())
    return value


def _moment_of(kind: Primitive, ticks: int) -> str:
    at = _EPOCH + timedelta(milliseconds=ticks)
    if kind.date_only:
        return at.date().isoformat()
    text = at.replace(tzinfo=None).isoformat(timespec="milliseconds" if at.microsecond else "seconds")
    return f"{text}Z" if kind.name == "Edm.DateTimeOffset" else text


def same(kind: EdmType, one: Any, other: Any, version: Version) -> bool:
    """Whether two values of the wire are one value: `49.9` and `49.90` are, and a moment in two time zones."""
    return bool(_comparable(kind, one, version) == _comparable(kind, other, version))


def _comparable(kind: EdmType, value: Any, version: Version) -> Any:
    if isinstance(kind, Many) and isinstance(value, list):
        return [_comparable(kind.item, each, version) for each in cast("list[Any]", value)]
    plain = from_wire(kind, value, version)
    if not isinstance(kind, Primitive) or not isinstance(plain, str):
        return plain
    try:
        match kind.name:
            case "Edm.DateTime" | "Edm.DateTimeOffset":
                return moment(plain, "")
            case "Edm.Decimal":
                return Decimal(plain)
            case "Edm.TimeOfDay":
                return moment(f"2000-01-01T{plain}", "")
            case "Edm.Guid":
                return plain.lower()
            case _:
                return plain
    except (FailedError, InvalidOperation):
        return plain


def number_text(kind: Primitive, value: Any, name: str) -> str:
    """Return a number in digits, without exponent for decimals and integers.

    Raises:
        FailedError: it has more digits than its type.
    """
    if kind.name != "Edm.Decimal":
        return str(value)
    try:
        # By its shortest text: the digits that somebody wrote, not those of the nearest binary fraction.
        number = Decimal(value if isinstance(value, str) else repr(value))
    except InvalidOperation:
        raise invalid(name, f"{value!r:.50} is no decimal") from None
    exponent = number.normalize().as_tuple().exponent
    if not isinstance(exponent, int):
        raise invalid(name, "is no finite number")
    if kind.scale is not None and -exponent > kind.scale:
        raise invalid(name, f"at most {kind.scale} digits after the point")
    if kind.precision is not None and number.adjusted() + 1 > kind.precision - (kind.scale or 0):
        raise invalid(name, f"at most {kind.precision} digits, {kind.scale or 0} of them after the point")
    return f"{number:f}"


def moment(value: str, name: str) -> datetime:
    """Return the moment that a date or a time says; one without offset is taken as UTC."""
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value.upper()))
    except ValueError:
        raise invalid(name, f"{value!r:.50} is no date or time") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def time_text(value: str, name: str) -> str:
    """Return a time of day as v2 writes it."""
    moment(f"2000-01-01T{value}", name)
    hours, minutes, seconds = value.split(":")
    return f"PT{hours}H{minutes}M{seconds}S"
