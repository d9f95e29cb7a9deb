"""Choosing dead letters, and what may go back."""

from datetime import UTC, datetime

import pytest

from consumers.cli.dead_letter_box import Choice, parse_place, redrivable, shown_value
from consumers.cli.seen import Seen
from schemas.dead_letter import DeadLetter
from schemas.record import Record


def dead(offset: int, *, topic: str = "orders", reason: str = "unreadable") -> Seen:
    record = Record("dead", 0, offset, 0, b"k", b"v")
    original = Record(topic, 1, 7, 0, b"k", b"v")
    return Seen(record, letter=DeadLetter(original, reason, "bad", 1, datetime(2026, 1, 1, tzinfo=UTC)))


def test_letter_must_fit_everything_that_is_given() -> None:
    letter = dead(5)
    assert Choice("unreadable", "orders", frozenset({(0, 5)})).fits(letter)
    assert not Choice("unrouted").fits(letter)
    assert not Choice(topic="cases").fits(letter)
    assert not Choice(places=frozenset({(0, 6)})).fits(letter)


def test_record_that_is_no_dead_letter_never_fits() -> None:
    assert not Choice().fits(Seen(Record("dead", 0, 1, 0, None, None)))


def test_letter_from_a_topic_that_is_not_ours_is_refused() -> None:
    ours, foreign = dead(1), dead(2, topic="payroll")
    back, refused = redrivable([ours, foreign], {"orders"})
    assert back == [ours.letter]
    assert refused == [foreign.letter]


@pytest.mark.parametrize("text", ["", "5", "a:b", "0:-1", "0:1:2", "0:"])
def test_malformed_place_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="0:42"):
        parse_place(text)


def test_bytes_that_are_no_text_are_shown_as_hex() -> None:
    assert shown_value(b"\x00\xff") == "hex 00ff"
    assert shown_value(b'{"a":1}') == '{"a":1}'
    assert shown_value(None) == ""
