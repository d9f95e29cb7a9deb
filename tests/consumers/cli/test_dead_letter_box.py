"""Choosing dead letters."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from consumers.cli.dead_letter_box import Choice, parse_place, parse_where, shown_value
from consumers.cli.seen import Seen
from consumers.policy.expressions import ExpressionError
from schemas.dead_letter import DeadLetter
from schemas.envelope import Envelope
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


def test_letter_is_chosen_by_when_it_died_and_by_its_key() -> None:
    letter, died = dead(5), datetime(2026, 1, 1, tzinfo=UTC)
    assert Choice(since=died, until=died + timedelta(seconds=1), key="k").fits(letter)
    assert not Choice(since=died + timedelta(seconds=1)).fits(letter)
    assert not Choice(until=died).fits(letter)
    assert not Choice(key="other").fits(letter)


def test_letter_that_cannot_be_decoded_has_neither_type_nor_session() -> None:
    event = Envelope("e-1", "order.requested", "/erp", datetime(2026, 1, 1, tzinfo=UTC), "t", "C-1", {})
    readable = replace(dead(5), event=event)
    assert Choice(type="order.requested", session="C-1").fits(readable)
    assert not Choice(type="order.praised").fits(readable)
    assert not Choice(type="order.requested").fits(dead(5))
    assert not Choice(session="C-1").fits(dead(5))


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ('letter.reason == "unreadable" && letter.rounds == 0', True),
        ('letter.topic.startsWith("ord") && letter.offset > 7', False),
        ("event.payload.quantity > 10", True),
        ("event.payload.missing > 10", False),
        ("event.payload.quantity", False),
    ],
)
def test_letter_is_chosen_by_an_expression(where: str, fits: bool) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    event = Envelope("e-1", "order.requested", "/erp", at, "t", "C-1", {"quantity": 11})
    assert Choice(where=parse_where(where)).fits(replace(dead(5), event=event)) is fits


def test_expression_over_an_event_fits_no_letter_that_cannot_be_decoded() -> None:
    assert not Choice(where=parse_where('event.type != "x"')).fits(dead(5))


def test_expression_over_something_else_is_refused() -> None:
    with pytest.raises(ExpressionError, match="known are event, letter"):
        parse_where("arguments.x == 1")


@pytest.mark.parametrize("text", ["", "5", "a:b", "0:-1", "0:1:2", "0:"])
def test_malformed_place_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="0:42"):
        parse_place(text)


def test_bytes_that_are_no_text_are_shown_as_hex() -> None:
    assert shown_value(b"\x00\xff") == "hex 00ff"
    assert shown_value(b'{"a":1}') == '{"a":1}'
    assert shown_value(None) == ""
