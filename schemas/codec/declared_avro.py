"""An Avro schema that the configuration declares for the JSON values of a topic: they mean what its Avro records would mean.

Values are plain JSON, not Avro's JSON encoding: no unions by name. Dates, times and UUIDs are text, or the numbers that the
schema's own type has; decimals are text or numbers; a field that has a default may be missing.
"""

import json
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Final, cast
from uuid import UUID

from schemas.codec.exact import exact
from schemas.codec.json import read_object
from schemas.codec.values import iso
from schemas.errors import UnreadableError
from schemas.personal import only_tagged
from schemas.registry.avro_schema import AvroSchema
from schemas.registry.json_types import payload_types
from schemas.registry.lint import DECIMAL_DIGITS
from schemas.registry.named_types import named_types

_BITS: Final[Mapping[str, int]] = {"int": 31, "long": 63}
_EXACT: Final = Context(prec=DECIMAL_DIGITS + 3)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final[Mapping[str, int]] = {"millis": 1000, "micros": 1}
"""Microseconds in a unit of Avro's times."""


class _FieldError(Exception):
    """What is wrong, on its way up; every level puts the field's name in front."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = ""


class AvroForJson:
    """What the JSON values of a topic must fit, by an Avro schema. Build it once; share it."""

    def __init__(self, name: str, schema: AvroSchema) -> None:
        """Take a schema; `name` is what messages call it."""
        self.name = name
        self.types: Mapping[str, Any] = payload_types(schema)
        self.personal = only_tagged(self.types)
        self._schema = schema
        self._named = named_types(schema.parsed)

    def read(self, body: bytes, *, member: str | None = None) -> Mapping[str, Any]:
        """Return the object of a JSON body as an Avro record of the same event gives it; see `Declared`."""
        read_object(body)
        try:
            whole: Any = json.loads(body, parse_float=exact)
            said: object = whole if member is None else whole[member]
            return cast("Mapping[str, Any]", _Reader(self._named).value(said, self._schema.parsed))
        except _FieldError as error:
            place = error.path.lstrip(".") or "payload"
            raise UnreadableError(
                f"the value does not fit {self.name}: field {place}: {error.problem}"
            ) from None


class _Reader:
    """One walk over one value; its depth is bounded by the schema's."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named

    def value(self, value: Any, node: Any) -> Any:
        if isinstance(node, list):
            return self._union(value, cast("list[Any]", node))
        if isinstance(node, str):
            return self.value(value, self._named[node]) if node in self._named else _primitive(value, node)
        schema = cast("Mapping[str, Any]", node)
        kind = schema["type"]
        logical = schema.get("logicalType")
        if isinstance(logical, str) and logical in _LOGICAL:
            return _logical(value, schema)
        if not isinstance(kind, str):
            return self.value(value, kind)
        match kind:
            case "record":
                return self._record(value, schema)
            case "array":
                return self._array(value, schema)
            case "map":
                return self._map(value, schema)
            case "enum" if value not in schema["symbols"]:
                raise _FieldError(f"is none of {', '.join(schema['symbols'])}"[:200])
            case "enum":
                return value
            case _:
                return _primitive(value, kind)

    def _at(self, place: str, value: Any, node: Any) -> Any:
        try:
            return self.value(value, node)
        except _FieldError as error:
            error.path = place + error.path
            raise

    def _record(self, value: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _FieldError("is no object")
        members = cast("Mapping[str, Any]", value)
        fields = schema["fields"]
        if unknown := members.keys() - {field["name"] for field in fields}:
            raise _FieldError(
                f"has members that the schema does not know: {', '.join(sorted(unknown))}"[:200]
            )
        read: dict[str, Any] = {}
        for field in fields:
            name = field["name"]
            if name not in members and "default" not in field:
                missing = _FieldError("is missing")
                missing.path = f".{name}"
                raise missing
            read[name] = self._at(f".{name}", members.get(name, field.get("default")), field["type"])
        return read

    def _map(self, value: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _FieldError("is no object")
        members = cast("Mapping[str, Any]", value).items()
        return {name: self._at(f".{name}", each, schema["values"]) for name, each in members}

    def _array(self, value: Any, schema: Mapping[str, Any]) -> list[Any]:
        if not isinstance(value, list):
            raise _FieldError("is no list")
        items = cast("list[Any]", value)
        return [self._at(f"[{number}]", item, schema["items"]) for number, item in enumerate(items)]

    def _union(self, value: Any, branches: list[Any]) -> Any:
        """Return a value as the branches that it fits say it; if they say different things, nobody knows which is meant."""
        if len(branches) == 2 and "null" in branches:  # noqa: PLR2004 - an optional field
            other = branches[1 - branches.index("null")]
            return None if value is None else self.value(value, other)
        found: list[Any] = []
        for branch in branches:
            try:
                read = self.value(value, branch)
            except _FieldError:
                continue
            if not any(type(read) is type(each) and read == each for each in found):
                found.append(read)
        if not found:
            raise _FieldError("fits no branch of its union")
        if len(found) > 1:
            raise _FieldError("fits several branches of its union, which mean different things")
        return found[0]


def _primitive(value: Any, kind: str) -> Any:
    if kind in _BITS:
        return _integer(value, _BITS[kind])
    if kind in {"float", "double"}:
        return _float(value, kind)
    if kind in {"bytes", "fixed"}:
        raise _FieldError("is declared as bytes, which have no place in JSON; declare text")
    expected = {"string": str, "boolean": bool, "null": type(None)}[kind]
    if not isinstance(value, expected):
        raise _FieldError(f"is no {kind}")
    return value


def _float(value: Any, kind: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise _FieldError("is no number")
    try:
        # As Avro would carry it, so that the same event is the same in both.
        return float(struct.unpack("<f", struct.pack("<f", value))[0] if kind == "float" else value)
    except OverflowError as error:
        raise _FieldError(f"is too large for a {kind}") from error


def _integer(value: Any, bits: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _FieldError("is no integer")
    if not -(2**bits) <= value < 2**bits:
        raise _FieldError(f"is an integer of more than {bits + 1} bits")
    return value


def _logical(value: Any, schema: Mapping[str, Any]) -> Any:
    logical = schema["logicalType"]
    try:
        return _LOGICAL[logical](value, schema)
    except (ValueError, OverflowError, InvalidOperation, struct.error) as error:
        raise _FieldError(f"is no {logical}") from error


def _decimal(value: Any, schema: Mapping[str, Any]) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal | float):
        raise _FieldError("is no decimal: write text, or a number")
    number = Decimal(str(value))
    if not number.is_finite():
        raise _FieldError("is no decimal")
    scale = int(schema.get("scale", 0))
    shown = number.quantize(Decimal(1).scaleb(-scale, _EXACT), context=_EXACT)
    if shown != number:
        raise _FieldError(f"has more than {scale} digits after the point")
    if len(shown.as_tuple().digits) > int(schema["precision"]):
        raise _FieldError(f"has more than {schema['precision']} digits")
    return str(shown)


def _date(value: Any, schema: Mapping[str, Any]) -> str:
    del schema
    if isinstance(value, str):
        return date.fromisoformat(value).isoformat()
    return (_EPOCH.date() + timedelta(days=_integer(value, 31))).isoformat()


def _time(value: Any, schema: Mapping[str, Any]) -> str:
    unit = _UNITS[schema["logicalType"].rpartition("-")[2]]
    if isinstance(value, str):
        at = time.fromisoformat(value)
        if at.tzinfo is not None:
            raise _FieldError("is a time of day, and has a time zone")
        return at.replace(microsecond=at.microsecond - at.microsecond % unit).isoformat()
    microseconds = _integer(value, 63) * unit
    if not 0 <= microseconds < timedelta(days=1) // timedelta(microseconds=1):
        raise _FieldError("is no time of day")
    return (_EPOCH + timedelta(microseconds=microseconds)).time().isoformat()


def _instant(value: Any, schema: Mapping[str, Any]) -> str:
    logical = schema["logicalType"]
    unit, local = _UNITS[logical.rpartition("-")[2]], logical.startswith("local-")
    if not isinstance(value, str):
        at = _EPOCH + timedelta(microseconds=_integer(value, 63) * unit)
        return iso(at.replace(tzinfo=None) if local else at)
    at = datetime.fromisoformat(value)
    if (at.tzinfo is None) is not local:
        raise _FieldError("has a time zone, and is a local time" if local else "has no time zone")
    at = at if local else at.astimezone(UTC)
    return iso(at.replace(microsecond=at.microsecond - at.microsecond % unit))


def _uuid(value: Any, schema: Mapping[str, Any]) -> str:
    del schema
    if not isinstance(value, str):
        raise _FieldError("is no text")
    return str(UUID(value))


_LOGICAL: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], Any]]] = {
    "decimal": _decimal,
    "date": _date,
    "time-millis": _time,
    "time-micros": _time,
    "timestamp-millis": _instant,
    "timestamp-micros": _instant,
    "local-timestamp-millis": _instant,
    "local-timestamp-micros": _instant,
    "uuid": _uuid,
}
