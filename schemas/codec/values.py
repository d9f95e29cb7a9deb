"""JSON-like values and Avro's richer ones: times, decimals and UUIDs travel as strings in a payload."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast
from uuid import UUID

from schemas.codec.limits import Limits
from schemas.errors import SchemaError, UnreadableError

_AS_THEY_ARE: Final = frozenset({str, int, bool, type(None)})


def plain(payload: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Return a copy of a decoded payload that holds JSON-like values only.

    Times become ISO 8601 strings (UTC as `Z`), decimals and UUIDs their usual text.

    Raises:
        UnreadableError: it holds bytes or a number that JSON cannot say, or breaks a limit; names the field.
    """
    return _Plain(limits).members(payload, limits.depth)


def iso(at: datetime, *, timespec: str = "auto") -> str:
    """Return ISO 8601 text, UTC written as `Z`."""
    return at.isoformat(timespec=timespec).replace("+00:00", "Z")


class _FieldError(Exception):
    """What is wrong, on its way up; every level puts the field's name in front."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = ""


class _Plain:
    """One walk over one payload, with what is left of the limit of values."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = limits.values

    def members(self, payload: Mapping[str, Any], depth: int) -> dict[str, Any]:
        try:
            return self._object(payload, depth)
        except _FieldError as error:
            raise UnreadableError(f"field {error.path.lstrip('.') or 'payload'}: {error.problem}") from None

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str | int | None):
            return value
        if isinstance(value, float):
            if math.isfinite(value):
                return value
            raise _FieldError(f"{value} is a number that JSON cannot say")
        if isinstance(value, dict):
            return self._object(cast("dict[str, Any]", value), depth - 1)
        if isinstance(value, list):
            return self._array(cast("list[Any]", value), depth - 1)
        return _text(value)

    def _object(self, members: Mapping[str, Any], depth: int) -> dict[str, Any]:
        self._count(len(members), depth)
        copy: dict[str, Any] = {}
        for name, value in members.items():
            if type(value) in _AS_THEY_ARE:  # most values, without a call
                copy[name] = value
                continue
            try:
                copy[name] = self._value(value, depth)
            except _FieldError as error:
                error.path = f".{name}{error.path}"
                raise
        return copy

    def _array(self, items: list[Any], depth: int) -> list[Any]:
        self._count(len(items), depth)
        copy: list[Any] = []
        for place, item in enumerate(items):
            try:
                copy.append(self._value(item, depth))
            except _FieldError as error:
                error.path = f"[{place}]{error.path}"
                raise
        return copy

    def _count(self, values: int, depth: int) -> None:
        self._left -= values
        if self._left < 0:
            raise _FieldError(f"the payload holds more than {self._limits.values} values (limit `values`)")
        if depth <= 0:
            raise _FieldError(
                f"the payload is nested deeper than {self._limits.depth} levels (limit `depth`)"
            )


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, bytes):
        raise _FieldError("bytes have no place in a payload; publish text, or a reference to the file")
    raise _FieldError(f"a {type(value).__name__} has no place in a payload")


def native(payload: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload as fastavro writes it: strings become times and decimals where the schema says so.

    The inverse of `plain`, for records, arrays, maps and optional fields. A union of several types is passed on
    as it is.

    Raises:
        SchemaError: a string is no time or decimal; names the value's type, not the value.
    """
    return cast("dict[str, Any]", _native(payload, schema, {}))


def _native(value: Any, node: Any, named: dict[str, Any]) -> Any:
    if isinstance(node, list):
        branches = [branch for branch in cast("list[Any]", node) if branch != "null"]
        return value if value is None or len(branches) != 1 else _native(value, branches[0], named)
    if isinstance(node, str):
        return _native(value, named[node], named) if node in named else value
    schema = cast("dict[str, Any]", node)
    if "name" in schema:
        named[schema["name"]] = schema
    if isinstance(value, str):
        return _from_text(value, schema.get("logicalType"))
    if isinstance(value, Mapping):
        return _native_members(cast("Mapping[str, Any]", value), schema, named)
    if isinstance(value, list) and "items" in schema:
        return [_native(item, schema["items"], named) for item in cast("list[Any]", value)]
    return value


def _native_members(
    value: Mapping[str, Any], schema: dict[str, Any], named: dict[str, Any]
) -> dict[str, Any]:
    if "values" in schema:
        return {name: _native(item, schema["values"], named) for name, item in value.items()}
    types = {member["name"]: member["type"] for member in schema.get("fields", ())}
    # Members the schema does not know stay in: the writer refuses them by name.
    return {
        name: _native(item, types[name], named) if name in types else item for name, item in value.items()
    }


def _from_text(text: str, logical: object) -> Any:
    convert = _CONVERSIONS.get(logical) if isinstance(logical, str) else None
    if convert is None:
        return text
    try:
        return convert(text)
    except (ValueError, InvalidOperation) as error:
        raise SchemaError(f"a text is no {logical}") from error


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a point in time needs a time zone")
    return at.astimezone(UTC)


_CONVERSIONS: Final[Mapping[str, Callable[[str], Any]]] = {
    "timestamp-millis": _instant,
    "timestamp-micros": _instant,
    "local-timestamp-millis": datetime.fromisoformat,
    "local-timestamp-micros": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time-millis": time.fromisoformat,
    "time-micros": time.fromisoformat,
    "decimal": Decimal,
    "uuid": UUID,
}
