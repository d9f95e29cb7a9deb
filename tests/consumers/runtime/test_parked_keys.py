"""What the records of the parked topic add up to, for every worker alike."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from consumers.runtime.parked_keys import ParkedKeys
from schemas.dead_letter import DeadLetter, dead_letter_headers
from schemas.errors import UnreadableError
from schemas.parked import Mark, ParkedKey, mark_of, read_parked
from schemas.record import Record

KEY = ParkedKey("orders", 2, b"C-100")
ORIGINAL = Record("orders", 2, 41, 0, b"C-100", b"value", (("h", b"1"),))


class Topic:
    """A partition of the parked topic, applied as it grows."""

    def __init__(self) -> None:
        self.end = 0
        self.keys = ParkedKeys()

    def letter(self, offset: int, key: bytes = b"C-100") -> int:
        original = replace(ORIGINAL, offset=offset, key=key)
        letter = DeadLetter(original, "retries_exhausted", "busy", 3, datetime(2026, 11, 24, tzinfo=UTC))
        return self._apply(replace(original, topic="parked", headers=dead_letter_headers(letter)))

    def mark(self, mark: Mark, offset: int = -1) -> int:
        made = mark_of("parked", KEY, mark, offset)
        return self._apply(Record(made.topic, 0, 0, 0, made.key, made.value, made.headers))

    def _apply(self, record: Record) -> int:
        placed = replace(record, partition=0, offset=self.end)
        self.end += 1
        self.keys.apply(placed, read_parked(placed))
        return placed.offset


def test_a_key_is_free_once_its_last_letter_is_worked() -> None:
    topic = Topic()
    first, second = topic.letter(41), topic.letter(45)
    assert topic.keys.keys[KEY].letters == 2
    topic.mark("release")
    assert topic.keys.keys[KEY].releasing
    topic.mark("worked", first)
    assert list(topic.keys.keys[KEY].places) == [second]
    topic.mark("worked", second)
    assert not topic.keys.keys


def test_a_letter_written_again_after_a_crash_counts_once() -> None:
    topic = Topic()
    first = topic.letter(41)
    again = topic.letter(41)
    second = topic.letter(45)
    assert list(topic.keys.keys[KEY].places) == [first, second]
    topic.mark("worked", first)
    topic.mark("worked", again)
    assert list(topic.keys.keys[KEY].places) == [second], (
        "what is parked twice does not free what is behind it"
    )


def test_a_release_that_fails_holds_the_key_with_what_is_left() -> None:
    topic = Topic()
    first = topic.letter(41)
    second = topic.letter(45)
    topic.mark("release")
    topic.mark("worked", first)
    topic.mark("hold")
    parked = topic.keys.keys[KEY]
    assert (parked.releasing, list(parked.places)) == (False, [second])


def test_marks_about_keys_that_are_not_parked_change_nothing() -> None:
    topic = Topic()
    topic.mark("release")
    topic.mark("worked", 7)
    topic.mark("hold")
    assert not topic.keys.keys


def test_keys_of_other_names_do_not_touch_each_other() -> None:
    topic = Topic()
    topic.letter(41)
    topic.letter(42, b"C-200")
    topic.mark("release")
    assert [parked.releasing for parked in topic.keys.keys.values()] == [True, False]


def test_a_malformed_mark_is_refused_by_place_and_header() -> None:
    record = Record("parked", 0, 7, 0, b"k", None, (("pointsman-mark", b"release"),))
    with pytest.raises(UnreadableError, match=r"parked\[0\]@7: a mark with a missing"):
        read_parked(record)
