"""Between JSON and what PostgreSQL's driver takes and gives, by the type of a parameter. Pure.

The driver wants a `datetime` for a timestamp and a `Decimal` for a numeric; arguments are JSON. A text that is no date is the caller's
mistake and is refused here, before anything is sent.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

from pydantic import TypeAdapter, ValidationError

from connectors.errors import FailedError

_DURATION: Final[TypeAdapter[timedelta]] = TypeAdapter(timedelta)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    # A number that JSON cannot say exactly comes as a text.
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    return int(value)


def _real(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError
    return Decimal(str(value))


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _day(value: Any) -> date:
    return date.fromisoformat(_text(value))


def _clock(value: Any) -> time:
    return time.fromisoformat(_text(value))


def _duration(value: Any) -> timedelta:
    return _DURATION.validate_python(_text(value))


def _bytes(value: Any) -> bytes:
    return base64.b64decode(_text(value), validate=True)


def _local(value: Any) -> datetime:
    made = datetime.fromisoformat(_text(value))
    if made.tzinfo is not None:
        raise ValueError
    return made


def _moment(value: Any) -> datetime:
    made = datetime.fromisoformat(_text(value))
    if made.tzinfo is None:
        # The server would take it as a time of its own zone, which nobody said.
        raise ValueError
    return made


_FROM_JSON: Final[Mapping[str, tuple[Callable[[Any], Any], str]]] = {
    name: (made, said)
    for names, made, said in (
        (("int2", "int4", "int8", "oid"), _whole, "a whole number"),
        (("float4", "float8"), _real, "a number"),
        (("numeric",), _decimal, "a number, or one as text"),
        (("bool",), _yes_or_no, "true or false"),
        (("text", "varchar", "bpchar", "name", "uuid"), _text, "a text"),
        (("date",), _day, "a date such as 2024-05-31"),
        (("timestamp",), _local, "a time without offset, such as 2024-05-31T10:30:00"),
        (("timestamptz",), _moment, "a time with its offset, such as 2024-05-31T10:30:00Z"),
        (("time", "timetz"), _clock, "a time such as 10:30:00"),
        (("interval",), _duration, "a duration such as P1DT2H"),
        (("bytea",), _bytes, "Base64"),
        (("json", "jsonb"), json.dumps, "JSON"),
    )
    for name in names
}
_WRONG: Final = (ValueError, TypeError, OverflowError, InvalidOperation, ValidationError, binascii.Error)


@dataclass(frozen=True, slots=True)
class ParameterType:
    """What the server takes for one parameter.

    Attributes:
        name: of the type, such as `int8`; an array's begins with an underscore or ends with brackets.
        is_array: whether it takes a list.
    """

    name: str
    is_array: bool = False


def parameter_value(name: str, value: Any, kind: ParameterType) -> Any:
    """Return an argument as the driver takes it; None, which is NULL, stays None.

    Args:
        name: the argument's, for the message.
        value: JSON-like.
        kind: what the server said it takes.

    Raises:
        FailedError: code `invalid_argument`: it is nothing of that type. The message does not repeat it.
    """
    if value is None:
        return None
    element = kind.name.removeprefix("_").removesuffix("[]")
    made, said = _FROM_JSON.get(element, (_text, f"a text that is a {element}"))
    try:
        if not kind.is_array:
            return made(value)
        if isinstance(value, list):
            return [None if each is None else made(each) for each in cast("list[Any]", value)]
        said = f"a list, each of it {said}"
    except _WRONG:
        pass  # the same for a value of the wrong type and one of the wrong form
    raise FailedError(f"the argument {name} is not {said}", code="invalid_argument")


def plain(value: Any) -> Any:
    """Return what the driver gave in types that `connectors.sql.rows` knows; its own are rows inside rows, ranges, bits."""
    import asyncpg

    if isinstance(value, asyncpg.Record):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, asyncpg.Range):
        return _range_text(value)
    if isinstance(value, asyncpg.BitString):
        return value.as_string()
    return value


def _range_text(value: Any) -> str:
    if value.isempty:
        return "empty"
    low, high = ("" if end is None else _end_text(end) for end in (value.lower, value.upper))
    return f"{'[' if value.lower_inc else '('}{low},{high}{']' if value.upper_inc else ')'}"


def _end_text(end: Any) -> str:
    return end.isoformat() if isinstance(end, date) else str(end)
