"""The dead letter that ops/subscribing.md shows is one: read, and written again with the same headers."""

import re
from datetime import UTC, datetime
from pathlib import Path

import orjson

from schemas.dead_letter import DeadLetter, dead_letter_headers, dead_letter_of
from schemas.record import Record

PAGE = Path(__file__).parents[2] / "ops" / "subscribing.md"


def example() -> Record:
    section = PAGE.read_text(encoding="utf-8").partition("## Dead letters")[2]
    (text,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    shown = orjson.loads(text)
    headers = tuple((name, value.encode()) for name, value in shown["headers"])
    return Record("pointsman.dead-letters", 0, 7, 0, shown["key"].encode(), shown["value"].encode(), headers)


def test_the_letter_on_the_page_is_read_as_what_the_page_says() -> None:
    letter = dead_letter_of(example())
    assert (letter.reason, letter.attempts, letter.rounds) == ("unreadable", 1, 1)
    assert letter.record.place == "erp.orders[2]@41"
    assert letter.record.headers == (("content-type", b"application/json"), ("ce_id", b"order-17"))
    assert letter.at == datetime(2026, 11, 28, 16, 0, 0, 250_000, UTC)


def test_a_worker_would_write_the_same_headers() -> None:
    letter = dead_letter_of(example())
    assert isinstance(letter, DeadLetter)
    assert dead_letter_headers(letter) == example().headers
