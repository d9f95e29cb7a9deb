"""A redriven record is its original, byte for byte, and says where that was."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter, dead_letter_headers, dead_letter_of
from schemas.errors import UnreadableError
from schemas.record import Outgoing, Record
from schemas.redriven import Redriven, message_of, redriven_letter, redriven_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
ORIGINAL = Record("orders", 3, 42, 1_772_442_900_123, b"\xff", b"\x00poison", (("x", b"\xff"), ("x", b"2")))
LETTER = DeadLetter(ORIGINAL, "unrouted", "no route", 1, datetime(2026, 3, 2, tzinfo=UTC))


def published(message: Outgoing) -> Record:
    return Record(message.topic, 1, 5, 99, message.key, message.value, message.headers)


def names() -> list[str]:
    return [name for name, _ in message_of("redrive", redriven_letter((0, 7), LETTER, "ann")).headers[-7:]]


@given(
    st.builds(
        Redriven,
        record=st.builds(
            Record,
            topic=TEXT,
            partition=st.integers(0, 1000),
            offset=st.integers(0, 2**63 - 1),
            timestamp_ms=st.integers(-1, 2**62),
            key=st.none() | st.binary(),
            value=st.none() | st.binary(),
            # A publisher may use our names.
            headers=st.lists(st.tuples(TEXT | st.sampled_from(names()), st.binary())).map(tuple),
        ),
        letter=st.tuples(st.integers(0, 100), st.integers(0, 2**63 - 1)),
        round=st.integers(1, 1_000_000),
        by=st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_it_comes_back_as_it_was(redriven: Redriven) -> None:
    assert redriven_of(published(message_of("redrive", redriven))) == redriven


def test_its_own_headers_come_first_and_untouched_and_the_rest_says_where_it_was() -> None:
    message = message_of("redrive", redriven_letter((0, 7), LETTER, "ann"))
    assert (message.topic, message.key, message.value) == ("redrive", b"\xff", b"\x00poison")
    assert message.headers[:2] == ORIGINAL.headers
    assert dict(message.headers[2:]) == {
        "pointsman-redriven-topic": b"orders",
        "pointsman-redriven-partition": b"3",
        "pointsman-redriven-offset": b"42",
        "pointsman-redriven-timestamp": b"1772442900123",
        "pointsman-redriven-letter": b"0:7",
        "pointsman-redriven-round": b"1",
        "pointsman-redriven-by": b"ann",
    }


def test_each_round_counts_one_more() -> None:
    letter = LETTER
    for number in range(1, 4):
        redriven = redriven_letter((0, number), letter, "ann")
        assert (redriven.round, redriven.record) == (number, ORIGINAL)
        died = replace(letter, record=redriven.record, rounds=redriven.round)
        headers = dead_letter_headers(died)
        letter = dead_letter_of(Record("dead", 0, number, 1, ORIGINAL.key, ORIGINAL.value, headers))


def test_a_publisher_cannot_say_how_often_its_record_was_redriven() -> None:
    forged = replace(LETTER, record=replace(ORIGINAL, headers=(("pointsman-rounds", b"99"),)))
    letter = dead_letter_of(Record("dead", 0, 1, 1, None, None, dead_letter_headers(forged)))
    assert (letter.rounds, letter.record.headers) == (0, ())


def test_letters_of_a_topic_that_was_made_anew_are_other_letters() -> None:
    one = redriven_letter((0, 7), LETTER, "ann")
    later = replace(LETTER, record=replace(ORIGINAL, timestamp_ms=ORIGINAL.timestamp_ms + 1))
    assert one.of != redriven_letter((0, 7), later, "ann").of
    assert one.of == redriven_letter((0, 7), LETTER, "bob").of


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("offset", b"x"),
        ("letter", b"7"),
        ("round", b"0"),
        ("round", b"-3"),
        ("round", b"9" * 30),
        ("topic", b"\xff"),
        ("partition", None),
        ("partition", b"-1"),
        ("offset", b"9" * 30),
        ("timestamp", b"9" * 30),
    ],
)
def test_a_malformed_header_is_refused_with_the_place(name: str, value: bytes | None) -> None:
    message = message_of("redrive", redriven_letter((0, 7), LETTER, "ann"))
    changed = tuple(
        (each, value if each == f"pointsman-redriven-{name}" else said) for each, said in message.headers
    )
    record = replace(published(message), headers=changed)  # pyright: ignore[reportArgumentType] - Kafka has headers without a value
    with pytest.raises(UnreadableError, match=r"redrive\[1\]@5"):
        redriven_of(record)


@pytest.mark.parametrize("kept", [0, 1, 6, -1])
def test_a_record_whose_last_headers_are_not_all_of_ours_was_not_redriven(kept: int) -> None:
    message = message_of("redrive", redriven_letter((0, 7), LETTER, "ann"))
    headers = message.headers[2 : 2 + kept] if kept >= 0 else (*message.headers, ("x", b""))
    with pytest.raises(UnreadableError, match="pointsman-redriven-round"):
        redriven_of(replace(published(message), headers=headers))
