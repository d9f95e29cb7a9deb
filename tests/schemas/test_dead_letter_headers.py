"""Dead letters keep the record and say why."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import ERROR_BYTES, DeadLetter, dead_letter_headers, dead_letter_of, without_reasons
from schemas.errors import UnreadableError
from schemas.record import Record

ORIGINAL = Record("orders", 3, 42, 1_772_442_900_123, b"\xff", b"\x00poison", (("x", b"\xff"), ("x", b"2")))
LETTER = DeadLetter(ORIGINAL, "unreadable", "the body is no JSON", 1, datetime(2026, 3, 2, tzinfo=UTC))


def published(letter: DeadLetter) -> Record:
    record = letter.record
    return Record("pointsman.dead-letters", 0, 7, 1, record.key, record.value, dead_letter_headers(letter))


def test_the_records_own_headers_come_first_and_untouched() -> None:
    assert dead_letter_headers(LETTER)[:2] == ORIGINAL.headers
    assert dict(dead_letter_headers(LETTER)[2:]) == {
        "pointsman-reason": b"unreadable",
        "pointsman-error": b"the body is no JSON",
        "pointsman-topic": b"orders",
        "pointsman-partition": b"3",
        "pointsman-offset": b"42",
        "pointsman-timestamp": b"1772442900123",
        "pointsman-attempts": b"1",
        "pointsman-at": b"2026-03-02T00:00:00+00:00",
    }


@given(
    st.builds(
        DeadLetter,
        record=st.builds(
            Record,
            topic=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
            partition=st.integers(0, 1000),
            offset=st.integers(0, 2**63 - 1),
            timestamp_ms=st.integers(-1, 2**62),
            key=st.none() | st.binary(),
            value=st.none() | st.binary(),
            headers=st.lists(st.tuples(st.text(), st.binary())).map(tuple),
        ),
        reason=st.sampled_from(["unreadable", "unrouted"]),
        error=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
        attempts=st.integers(0, 100),
        at=st.datetimes(timezones=st.just(UTC)),
    )
)
def test_a_dead_letter_comes_back_as_it_was(letter: DeadLetter) -> None:
    assert dead_letter_of(published(letter)) == letter


def test_a_second_death_replaces_the_reasons_of_the_first() -> None:
    again = replace(LETTER, record=replace(ORIGINAL, headers=dead_letter_headers(LETTER)), reason="unrouted")
    assert dead_letter_headers(again) == dead_letter_headers(replace(LETTER, reason="unrouted"))


def test_a_redriven_record_carries_no_reasons() -> None:
    assert without_reasons(dead_letter_headers(LETTER)) == ORIGINAL.headers


@given(st.text(min_size=600, max_size=3000))
def test_the_error_is_cut_at_a_character(error: str) -> None:
    kept = dict(dead_letter_headers(replace(LETTER, error=error)))["pointsman-error"]
    assert len(kept) <= ERROR_BYTES
    text = kept.decode()
    assert text.endswith("…") or text == error.encode(errors="replace").decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("offset", b"x"), ("at", b"noon"), ("at", b"2026-03-02T00:00:00"), ("reason", b"\xff")),
        *(("partition", b"-1"), ("offset", b"-5"), ("timestamp", b"9" * 30), ("at", None)),
    ],
)
def test_a_malformed_header_is_named_with_the_place(name: str, value: Any) -> None:
    headers = tuple(pair for pair in dead_letter_headers(LETTER) if pair[0] != f"pointsman-{name}")
    record = replace(published(LETTER), headers=(*headers, (f"pointsman-{name}", value)))
    with pytest.raises(UnreadableError, match=r"pointsman\.dead-letters\[0\]@7"):
        dead_letter_of(record)


def test_a_record_that_is_no_dead_letter_is_refused() -> None:
    with pytest.raises(UnreadableError, match="pointsman-at, pointsman-attempts"):
        dead_letter_of(ORIGINAL)
