import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bounds import INTEGER_LIMIT
from connectors.errors import FailedError
from connectors.sql.rows import RowLimits, Rows, column_names, json_value
from schemas.canonical import canonical_json


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, None),
        (True, True),
        ("é", "é"),
        (INTEGER_LIMIT, INTEGER_LIMIT),
        (INTEGER_LIMIT + 1, str(INTEGER_LIMIT + 1)),
        (-INTEGER_LIMIT - 1, str(-INTEGER_LIMIT - 1)),
        (10**30, "1" + "0" * 30),
        (0.5, 0.5),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (Decimal("10.50"), "10.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), "NaN"),
        (Decimal("sNaN"), "NaN"),
        (Decimal("-Infinity"), "-Infinity"),
        (date(2024, 5, 31), "2024-05-31"),
        (datetime(2024, 5, 31, 10, 30, tzinfo=UTC), "2024-05-31T10:30:00+00:00"),
        (time(10, 30), "10:30:00"),
        (timedelta(days=1, seconds=2), "P1DT2S"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"\x00\xff", "AP8="),
        (memoryview(b"a"), "YQ=="),
        ([Decimal(1), [None]], ["1", [None]]),
        ((1, "a"), [1, "a"]),
        (frozenset({"b", "a"}), ["a", "b"]),
        ({"at": date(2024, 1, 1), 7: b""}, {"at": "2024-01-01", "7": ""}),
    ],
)
def test_each_type_becomes_json_by_its_rule(value: Any, said: Any) -> None:
    made = json_value(value)
    assert (made, type(made)) == (said, type(said))


def test_a_value_nested_too_deep_is_refused() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    with pytest.raises(FailedError) as raised:
        json_value(deep)
    assert raised.value.code == "result_unreadable"


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(FailedError, match="called id: give each its own name") as raised:
        column_names(["id", "total", "id"])
    assert raised.value.code == "duplicate_columns"


def test_of_too_many_rows_the_first_are_returned_and_one_more_is_taken() -> None:
    rows = iter([(1,), (2,), (3,), (4,)])
    taken = Rows(["n"], RowLimits(rows=2))
    assert not taken.take(rows)
    assert (taken.made, taken.more) == ([{"n": 1}, {"n": 2}], True)
    assert next(rows) == (4,)


def test_exactly_as_many_rows_as_allowed_are_all_there_are() -> None:
    taken = Rows(["n"], RowLimits(rows=2))
    assert taken.take([(1,)])
    assert taken.take([(2,)])
    assert (taken.made, taken.more) == ([{"n": 1}, {"n": 2}], False)


def test_a_first_row_that_is_too_large_is_refused() -> None:
    with pytest.raises(FailedError) as raised:
        Rows(["text"], RowLimits(bytes=50)).take([("x" * 100,)])
    assert raised.value.code == "result_too_large"


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(),
    st.binary(),
    st.dates(),
    st.datetimes(),
    st.timedeltas(),
    st.uuids(),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3), max_leaves=6)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=12), st.integers(1, 10), st.integers(200, 2_000))
def test_what_is_returned_is_json_and_within_both_limits(
    rows: list[tuple[Any, Any]], most: int, size: int
) -> None:
    limits = RowLimits(rows=most, bytes=size)
    if rows and len(canonical_json({"a": json_value(rows[0][0]), "b": json_value(rows[0][1])})) > size:
        with pytest.raises(FailedError, match="ask for fewer columns"):
            Rows(["a", "b"], limits).take(rows)
        return
    taken = Rows(["a", "b"], limits)
    assert taken.take(rows) == (not taken.more)
    made, more = taken.made, taken.more
    assert len(made) <= most
    assert sum(len(canonical_json(row)) for row in made) <= size
    assert more == (len(made) < len(rows))
    assert json.loads(json.dumps(made, allow_nan=False)) == made
