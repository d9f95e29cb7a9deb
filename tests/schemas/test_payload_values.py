"""What a payload may hold, and how much."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from schemas.codec.limits import Limits
from schemas.codec.values import plain
from schemas.errors import UnreadableError

LIMITS = Limits(values=6, depth=3)


def test_times_become_iso_text_in_utc() -> None:
    at = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    assert plain({"at": at, "total": Decimal("1.50")}, LIMITS) == {
        "at": "2026-03-02T09:15:00Z",
        "total": "1.50",
    }


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({"order": {"scan": b"\x00"}}, r"field order\.scan: bytes have no place"),
        ({"lines": [{}, {"x": float("nan")}]}, r"field lines\[1\]\.x: nan is a number that JSON cannot say"),
        ({"a": {1, 2}}, "field a: a set has no place"),
        ({"a": [1, 2, 3, 4, 5, 6]}, r"field a: .* more than 6 values \(limit `values`\)"),
        ({"a": {"b": {"c": {}}}}, r"field a\.b\.c: .* deeper than 3 levels \(limit `depth`\)"),
        (dict.fromkeys("abcdefg"), "field payload: .* more than 6 values"),
    ],
)
def test_a_refusal_names_the_field_and_the_limit(payload: Mapping[str, object], problem: str) -> None:
    with pytest.raises(UnreadableError, match=problem):
        plain(payload, LIMITS)


def test_as_much_as_the_limits_say_is_read() -> None:
    payload = {"a": {"b": {"c": 1}}, "d": [1, 2]}
    assert plain(payload, LIMITS) == payload
