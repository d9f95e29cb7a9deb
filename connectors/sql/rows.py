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


class Rows:
    """The rows of one result as objects, as many as fit; given one by one, so that no more are fetched.

    Attributes:
        columns: the fields of each.
        made: the rows.
        more: whether there was one that did not fit.
    """

    def __init__(self, names: Sequence[str], limits: RowLimits) -> None:
        self.columns = column_names(names)
        self.made: list[dict[str, Any]] = []
        self.more = False
        self._limits = limits
        self._size = 0

    def take(self, rows: Iterable[Sequence[Any]]) -> bool:
        """Take rows while they fit; say whether all did. Of `rows`, none is taken after one that did not.

        Raises:
            FailedError: code `result_too_large` where not even the first row fits, `result_unreadable` where a value is
                nested too deep.
        """
        for row in rows:
            if self.more or not self._fits(row):
                self.more = True
                return False
        return True

    def _fits(self, row: Sequence[Any]) -> bool:
        if len(self.made) == self._limits.rows:
            return False
        made = {name: json_value(value) for name, value in zip(self.columns, row, strict=True)}
        size = len(canonical_json(made))
        if self._size + size <= self._limits.bytes:
            self._size += size
            self.made.append(made)
            return True
        if not self.made:
            raise FailedError(
                f"one row has {size:,} bytes, more than {self._limits.bytes:,}: ask for fewer columns",
                code="result_too_large",
            )
        return False


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
            return value if isfinite(value) else _special(nan=isnan(value), negative=value < 0)
        case Decimal():
            return (
                format(value, "f")
                if value.is_finite()
                else _special(nan=value.is_nan(), negative=value.is_signed())
            )
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return to_jsonable_python(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode("ascii")
        case _:
            return _structure(value, depth)


def _special(*, nan: bool, negative: bool) -> str:
    if nan:
        return "NaN"
    return "-Infinity" if negative else "Infinity"


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
