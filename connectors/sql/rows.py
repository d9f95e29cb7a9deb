"""What a database returned, as JSON: every type by one stated rule, every result within rows and bytes. Pure.

A value that JSON says exactly stays what it is. Whatever a reader of JSON could round or not know becomes a text: decimals,
integers beyond 2⁵³ - 1, NaN and the infinities, dates and times (ISO 8601), UUIDs, ranges, addresses. Bytes are Base64. Arrays
are lists; rows and structures inside a row are objects. JSON columns come decoded, and hold what they hold.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite, isnan
from typing import Any, Final, cast

from pydantic_core import to_jsonable_python

from connectors.bounds import INTEGER_LIMIT
from connectors.errors import FailedError
from schemas.canonical import canonical_json

DEPTH_LIMIT: Final = 32
"""Levels of lists and objects inside one value."""


@dataclass(frozen=True, slots=True)
class RowLimits:
    """Bounds on the rows of one result.

    Attributes:
        rows: at most so many.
        bytes: of their canonical JSON, all together; below `limits.result_bytes`, which bounds the result as a whole.
    """

    rows: int = 100
    bytes: int = 48_000


def column_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a result's columns, which become the fields of objects.

    Raises:
        FailedError: code `duplicate_columns`: two have one name, and one of them would be lost.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FailedError(
            f"two columns are called {', '.join(twice)}: give each its own name with AS",
            code="duplicate_columns",
        )
    return tuple(names)


def bounded_rows(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], limits: RowLimits
) -> tuple[list[dict[str, Any]], bool]:
    """Return the first rows that fit, as objects, and whether there were more. Takes one row more than it returns.

    Raises:
        FailedError: code `result_too_large` where not even the first row fits, `result_unreadable` where a value is nested
            too deep.
    """
    fitting: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        if len(fitting) == limits.rows:
            return fitting, True
        made = {name: json_value(value) for name, value in zip(columns, row, strict=True)}
        size += len(canonical_json(made))
        if size > limits.bytes:
            if not fitting:
                raise FailedError(
                    f"one row has {size:,} bytes, more than {limits.bytes:,}: ask for fewer columns",
                    code="result_too_large",
                )
            return fitting, True
        fitting.append(made)
    return fitting, False


def json_value(value: Any, depth: int = 0) -> Any:
    """Return one value as JSON says it; the module tells the rules.

    Raises:
        FailedError: code `result_unreadable`: it is nested deeper than `DEPTH_LIMIT`.
    """
    if depth > DEPTH_LIMIT:
        raise FailedError(f"a value is nested deeper than {DEPTH_LIMIT} levels", code="result_unreadable")
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -INTEGER_LIMIT <= value <= INTEGER_LIMIT else str(value)
        case float():
            return value if isfinite(value) else _special(value)
        case Decimal():
            return format(value, "f") if value.is_finite() else _special(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return to_jsonable_python(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode("ascii")
        case _:
            return _structure(value, depth)


def _special(value: float | Decimal) -> str:
    if isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _structure(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        members = cast("Mapping[Any, Any]", value)
        return {str(name): json_value(inner, depth + 1) for name, inner in members.items()}
    if isinstance(value, list | tuple):
        return [json_value(inner, depth + 1) for inner in cast("Sequence[Any]", value)]
    if isinstance(value, AbstractSet):
        # A set has no order of its own, and the same read must give the same result.
        return sorted(
            (json_value(inner, depth + 1) for inner in cast("AbstractSet[Any]", value)), key=canonical_json
        )
    return str(value)
