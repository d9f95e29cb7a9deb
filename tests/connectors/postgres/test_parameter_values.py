from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from connectors.errors import FailedError
from connectors.postgres.values import ParameterType, parameter_value, plain


@pytest.mark.parametrize(
    ("kind", "value", "made"),
    [
        ("int4", 5, 5),
        ("int8", "9007199254740993", 9007199254740993),
        ("float8", 1, 1.0),
        ("numeric", 1.1, Decimal("1.1")),
        ("numeric", "12345678901234567890.5", Decimal("12345678901234567890.5")),
        ("bool", True, True),
        ("text", "a", "a"),
        ("date", "2024-05-31", date(2024, 5, 31)),
        ("timestamp", "2024-05-31T10:30:00", datetime(2024, 5, 31, 10, 30)),  # noqa: DTZ001 - the type has no zone
        ("timestamptz", "2024-05-31T10:30:00Z", datetime(2024, 5, 31, 10, 30, tzinfo=UTC)),
        ("time", "10:30:00", time(10, 30)),
        ("interval", "P1DT2H", timedelta(days=1, hours=2)),
        ("bytea", "AP8=", b"\x00\xff"),
        ("jsonb", {"a": [1]}, '{"a": [1]}'),
        ("mood", "happy", "happy"),
        ("int4", None, None),
    ],
)
def test_json_becomes_what_the_type_takes(kind: str, value: Any, made: Any) -> None:
    said = parameter_value("x", value, ParameterType(kind))
    assert (said, type(said)) == (made, type(made))


def test_a_list_becomes_an_array() -> None:
    kind = ParameterType("int4[]", is_array=True)
    assert parameter_value("x", [1, None], kind) == [1, None]
    with pytest.raises(FailedError, match="a list, each of it a whole number"):
        parameter_value("x", 1, kind)


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("int4", "five", "a whole number"),
        ("int4", True, "a whole number"),
        ("int4", 1.5, "a whole number"),
        ("numeric", "secret-value", "a number"),
        ("bool", 1, "true or false"),
        ("text", 5, "a text"),
        ("date", "31.05.2024", "a date such as"),
        ("timestamptz", "2024-05-31T10:30:00", "a time with its offset"),
        ("timestamp", "2024-05-31T10:30:00Z", "a time without offset"),
        ("interval", "one day", "a duration such as"),
        ("bytea", "€", "Base64"),
        ("mood", 5, "a text that is a mood"),
    ],
)
def test_what_is_not_of_the_type_is_refused_without_being_repeated(kind: str, value: Any, says: str) -> None:
    with pytest.raises(FailedError, match=f"the argument x is not {says}") as raised:
        parameter_value("x", value, ParameterType(kind))
    assert raised.value.code == "invalid_argument"
    assert "secret" not in str(raised.value)


def test_ranges_and_bits_become_texts() -> None:
    assert plain(asyncpg.Range(1, 5)) == "[1,5)"
    assert plain(asyncpg.Range(None, date(2024, 1, 1), upper_inc=True)) == "(,2024-01-01]"
    assert plain(asyncpg.Range(empty=True)) == "empty"
    assert plain([asyncpg.BitString.from_int(10, 4)]) == ["1010"]
