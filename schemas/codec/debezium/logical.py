"""Kafka Connect's and Debezium's logical types: numbers and bytes that mean dates, times and decimals. Pure.

What they become is what `schemas.codec.values.plain` makes of Avro's own: ISO 8601 text, and decimals as text. A column
without a time zone stays without one, where its type says so.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Any, Final, cast

from schemas.codec.values import iso
from schemas.errors import UnreadableError
from schemas.registry.lint import DECIMAL_DIGITS

DECIMAL: Final = "org.apache.kafka.connect.data.Decimal"
VARIABLE_DECIMAL: Final = "io.debezium.data.VariableScaleDecimal"

_DECIMAL_BYTES: Final = DECIMAL_DIGITS * 10 // 24 + 1
"""What so many digits need, at most."""
_EXACT: Final = Context(prec=DECIMAL_DIGITS + 3)
_DAY: Final = date(1970, 1, 1)
_DAY_MICROSECONDS: Final = 86_400_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MIDNIGHT: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - columns without a zone


def unpacked(name: str, value: Any, parameters: Mapping[str, Any]) -> Any:
    """Return what a value of a logical type means; one of a type that is not known, or of text already, stays as it is.

    Args:
        name: of the logical type, as Connect's schemas say it.
        value: as the converter wrote it; bytes may be base64.
        parameters: of the type, such as a decimal's scale.

    Raises:
        UnreadableError: the value is none of that type.
    """
    convert = _CONVERSIONS.get(name)
    if convert is None or value is None:
        return value
    try:
        return convert(value, parameters)
    except (ValueError, TypeError, KeyError, OverflowError, ArithmeticError, binascii.Error) as error:
        raise UnreadableError(f"a value is no {name}") from error


def raw_bytes(value: Any) -> bytes:
    """Return bytes, from base64 where JSON carries them."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise TypeError("bytes are text in base64")
    return base64.b64decode(value, validate=True)


def _decimal(value: Any, parameters: Mapping[str, Any]) -> str:
    if isinstance(value, Decimal):  # Avro's reader has done it
        return format(value, "f")
    return _scaled(raw_bytes(value), int(parameters["scale"]))


def _variable_decimal(value: Any, parameters: Mapping[str, Any]) -> str:
    del parameters
    if not isinstance(value, Mapping):
        raise TypeError("it is an object with scale and value")
    members = cast("Mapping[str, Any]", value)
    return _scaled(raw_bytes(members["value"]), _integer(members["scale"]))


def _scaled(digits: bytes, scale: int) -> str:
    if len(digits) > _DECIMAL_BYTES or abs(scale) > DECIMAL_DIGITS:
        raise ValueError(f"the limit is {DECIMAL_DIGITS} digits")
    number = Decimal(int.from_bytes(digits, signed=True)).scaleb(-scale, _EXACT)
    return format(number, "f")


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("it is an integer")
    return value


def _days(value: Any, parameters: Mapping[str, Any]) -> Any:
    del parameters
    if isinstance(value, date):
        return value.isoformat()
    return (_DAY + timedelta(days=_integer(value))).isoformat()


def _time(units: int) -> Callable[[Any, Mapping[str, Any]], Any]:
    def convert(value: Any, parameters: Mapping[str, Any]) -> Any:
        del parameters
        if isinstance(value, time):
            return value.isoformat()
        microseconds = _integer(value) * 1_000_000 // units
        if microseconds == _DAY_MICROSECONDS:
            return "24:00:00"  # a column may hold the end of a day
        if not 0 <= microseconds < _DAY_MICROSECONDS:
            raise ValueError("a time of day")
        return (_MIDNIGHT + timedelta(microseconds=microseconds)).time().isoformat()

    return convert


def _moment(units: int, *, zone: bool) -> Callable[[Any, Mapping[str, Any]], Any]:
    start = _EPOCH if zone else _MIDNIGHT

    def convert(value: Any, parameters: Mapping[str, Any]) -> Any:
        del parameters
        if isinstance(value, datetime):
            return iso(value)
        # Nanoseconds are cut: neither Python nor ISO 8601 as most read it has them.
        return iso(start + timedelta(microseconds=_integer(value) * 1_000_000 // units))

    return convert


_MILLI, _MICRO, _NANO = 1_000, 1_000_000, 1_000_000_000

_CONVERSIONS: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], Any]]] = {
    DECIMAL: _decimal,
    VARIABLE_DECIMAL: _variable_decimal,
    "org.apache.kafka.connect.data.Date": _days,
    "org.apache.kafka.connect.data.Time": _time(_MILLI),
    "org.apache.kafka.connect.data.Timestamp": _moment(_MILLI, zone=True),
    "io.debezium.time.Date": _days,
    "io.debezium.time.Time": _time(_MILLI),
    "io.debezium.time.MicroTime": _time(_MICRO),
    "io.debezium.time.NanoTime": _time(_NANO),
    "io.debezium.time.Timestamp": _moment(_MILLI, zone=False),
    "io.debezium.time.MicroTimestamp": _moment(_MICRO, zone=False),
    "io.debezium.time.NanoTimestamp": _moment(_NANO, zone=False),
}
"""Zoned times, intervals, UUIDs, JSON and enumerations are text in Debezium already; years and durations, numbers."""
