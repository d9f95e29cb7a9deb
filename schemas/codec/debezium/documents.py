"""MongoDB's documents: text in extended JSON, which names the types that JSON has not (`{"$oid": …}`). Pure.

https://github.com/mongodb/specifications/blob/master/source/extended-json/extended-json.md
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import orjson

from schemas.codec.json import read_object
from schemas.codec.values import iso
from schemas.errors import UnreadableError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def document(text: Any, field: str) -> Any:
    """Return the document that a text holds, with plain values; what is no text stays as it is.

    Types that have no plain value, such as `$binary` and `$timestamp`, stay as extended JSON writes them.

    Raises:
        UnreadableError: the text is no JSON object that we accept, or a value is none of its type; names the field.
    """
    if not isinstance(text, str):
        return text
    try:
        return _read(read_object(text.encode()))
    except (ValueError, OverflowError, TypeError, KeyError) as error:
        raise UnreadableError(f"field {field}: a value is none of the type that it names") from error
    except UnreadableError as error:
        raise UnreadableError(f"field {field} is no document: {error}") from error


def plain_key(key: Any) -> Any:
    """Return a document's key, `{"id": <extended JSON as text>}`, with its plain value; any other key stays as it is."""
    if not isinstance(key, Mapping) or set(key) != {"id"}:
        return key
    text: Any = cast("Mapping[str, Any]", key)["id"]
    try:
        return {"id": _read(orjson.loads(text))}
    except (ValueError, TypeError, OverflowError, KeyError):
        return cast("Mapping[str, Any]", key)


def _read(value: Any) -> Any:
    """Return a value with all inside it; the depth is bounded by `read_object`."""
    if isinstance(value, list):
        return [_read(item) for item in cast("list[Any]", value)]
    if not isinstance(value, Mapping):
        return value
    members = cast("Mapping[str, Any]", value)
    if len(members) == 1:
        [(name, inner)] = members.items()
        if name in _TYPES:
            return _TYPES[name](inner)
    return {name: _read(member) for name, member in members.items()}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("it is text")
    return value


def _integer(value: Any) -> int:
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError("an integer of 64 bits")
    return number


def _double(value: Any) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else str(value)


def _date(value: Any) -> str:
    if isinstance(value, str):
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("a point in time needs a time zone")
        return iso(at.astimezone(UTC))
    milliseconds = cast("Mapping[str, Any]", value)["$numberLong"] if isinstance(value, Mapping) else value
    return iso(_EPOCH + timedelta(milliseconds=_integer(milliseconds)))


_TYPES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "$oid": _text,
    "$numberInt": _integer,
    "$numberLong": _integer,
    "$numberDouble": _double,
    "$numberDecimal": _text,
    "$date": _date,
    "$uuid": _text,
    "$symbol": _text,
}
