"""The committable offset never passes an unfinished record, and what is finished above it is remembered."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.ports.consumer_group import Committed
from consumers.runtime import finished
from consumers.runtime.finished import ROOM, decode, encode
from consumers.runtime.offsets import OffsetTracker

GAPS = st.lists(st.integers(1, 5), min_size=1, max_size=60)


def offsets_of(gaps: list[int]) -> list[int]:
    return [sum(gaps[: at + 1]) for at in range(len(gaps))]


@given(gaps=GAPS, rng=st.randoms(use_true_random=False))
def test_whatever_the_order_of_finishing_nothing_unfinished_is_passed(gaps: list[int], rng: Random) -> None:
    offsets = offsets_of(gaps)
    tracker = OffsetTracker(0)
    assert all(tracker.take(offset) for offset in offsets)
    unfinished = set(offsets)
    for offset in rng.sample(offsets, len(offsets)):
        tracker.finish(offset)
        unfinished.discard(offset)
        assert tracker.next_offset == min(unfinished, default=offsets[-1] + 1)
        assert tracker.committable.next_offset == tracker.next_offset


@given(
    gaps=GAPS, finished=st.integers(0, 60), compacted=st.integers(0, 3), rng=st.randoms(use_true_random=False)
)
def test_after_a_restart_only_what_was_not_finished_is_worked(
    gaps: list[int], finished: int, compacted: int, rng: Random
) -> None:
    offsets = offsets_of(gaps)
    tracker = OffsetTracker(0)
    for offset in offsets:
        tracker.take(offset)
    done = set(rng.sample(offsets, min(finished, len(offsets))))
    for offset in done:
        tracker.finish(offset)
    committed = tracker.committable

    again = OffsetTracker.restored(committed)
    assert again.committable == committed, "a restart without work changes nothing"
    gone = set(rng.sample(offsets, min(compacted, len(offsets))))
    delivered = [offset for offset in offsets if offset >= committed.next_offset and offset not in gone]
    worked = [offset for offset in delivered if again.take(offset)]
    assert worked == [offset for offset in delivered if offset not in done]
    again.pass_gap(offsets[-1] + 1)
    for offset in worked:
        again.finish(offset)
    assert again.committable == Committed(offsets[-1] + 1)


def test_what_is_never_delivered_holds_nobody_up() -> None:
    tracker = OffsetTracker(10)
    assert tracker.take(10)
    assert tracker.take(14)  # 11 to 13 are compacted away
    tracker.finish(10)
    assert tracker.next_offset == 14
    tracker.finish(14)
    tracker.pass_gap(17)  # markers of transactions at the end
    assert tracker.committable == Committed(17)
    assert tracker.position == 17


def test_what_was_unfinished_and_has_been_compacted_away_holds_nobody_up() -> None:
    tracker = OffsetTracker.restored(Committed(0, encode(0, 6, [0, 3])))
    assert tracker.take(0)
    tracker.pass_gap(6)
    tracker.finish(0)
    assert tracker.committable == Committed(6)


def test_offsets_that_fall_are_refused() -> None:
    tracker = OffsetTracker(0)
    tracker.take(7)
    with pytest.raises(ValueError, match=r"^offset 7 after 7: a partition's offsets only rise$"):
        tracker.take(7)


def test_one_stuck_record_costs_no_memory_and_few_bytes() -> None:
    tracker = OffsetTracker(0)
    tracker.take(0)
    for offset in range(1, 200_000):
        tracker.take(offset)
        tracker.finish(offset)
    assert len(tracker._open) < 1000  # pyright: ignore[reportPrivateUsage] - what it holds is the claim
    assert tracker.next_offset == 0
    assert len(tracker.committable.metadata) < 20


def test_what_a_transaction_would_commit_is_known_before_it_is() -> None:
    tracker = OffsetTracker(0)
    for offset in range(4):
        tracker.take(offset)
    tracker.finish(2)
    ahead = tracker.committable_with([0, 1])
    assert ahead.next_offset == 3
    assert tracker.next_offset == 0
    tracker.finish(0)
    tracker.finish(1)
    assert tracker.committable == ahead


@given(
    begin=st.integers(0, 2**40),
    distances=st.lists(st.integers(1, 100_000), max_size=2000),
    tail=st.integers(0, 2**20),
)
def test_the_text_is_read_back_and_never_outgrows_its_room(
    begin: int, distances: list[int], tail: int
) -> None:
    unfinished = [begin]
    for distance in distances:
        unfinished.append(unfinished[-1] + distance)
    upto = unfinished[-1] + 1 + tail
    text = encode(begin, upto, unfinished)
    assert len(text) <= ROOM
    read_upto, read = decode(begin, text)
    assert read_upto <= upto
    if text:
        # What does not fit is forgotten from the top: nothing is ever called finished that is not.
        assert read == [offset for offset in unfinished if offset < read_upto]
    if len(unfinished) < 500:
        assert read_upto == upto or len(unfinished) == upto - begin


def test_a_thousand_unfinished_records_fit() -> None:
    rng = Random(1)
    for span in (1100, 20_000, 200_000):
        unfinished = sorted({0, *rng.sample(range(1, span), 999)})
        text = encode(0, span, unfinished)
        assert decode(0, text) == (span, unfinished), (span, len(text))


@given(
    distances=st.lists(st.integers(1, 300), min_size=1, max_size=60),
    tail=st.integers(1, 300),
    room=st.integers(0, 120),
)
def test_what_does_not_fit_is_forgotten_from_the_top(distances: list[int], tail: int, room: int) -> None:
    begin = 1_000
    unfinished = [begin, *(begin + offset for offset in offsets_of(distances))]
    upto = unfinished[-1] + 1 + tail
    text = encode(begin, upto, unfinished, room=room)
    assert len(text) <= room
    read_upto, read = decode(begin, text)
    if text:
        assert read_upto in {upto, *unfinished}
        assert read == [offset for offset in unfinished if offset < read_upto]


def test_as_much_is_kept_as_there_is_room_for() -> None:
    unfinished = [0, 2**30]
    text = encode(0, 2**31, unfinished)
    assert encode(0, 2**31, unfinished, room=len(text)) == text
    assert decode(0, encode(0, 2**31, unfinished, room=len(text) - 1)) == (2**30, [0])
    assert encode(0, 2**31, unfinished, room=1) == ""
    assert encode(0, 9, [0], room=1) == ""


@pytest.mark.parametrize(("upto", "unfinished"), [(5, []), (8, [5, 6, 7])])
def test_where_nothing_is_finished_above_there_is_nothing_to_say(upto: int, unfinished: list[int]) -> None:
    assert encode(5, upto, unfinished) == ""


def test_all_may_be_finished_above() -> None:
    assert decode(5, encode(5, 9, [])) == (9, [])


def test_the_shorter_of_two_ways_to_write_is_taken() -> None:
    begin = 1_000_000
    dense = encode(begin, begin + 100, range(begin, begin + 100, 2))
    assert (dense[:3], len(dense)) == ("b1:", 26)  # 4 bytes of checksum, 1 of length, 13 of bits; in base 85
    sparse = encode(begin, begin + 100, [begin, begin + 98])
    assert (sparse[:3], len(sparse)) == ("d1:", 12)


@pytest.mark.parametrize(
    ("number", "data"), [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")]
)
def test_numbers_are_written_as_leb128(number: int, data: bytes) -> None:
    assert finished._bytes_of(number) == data  # pyright: ignore[reportPrivateUsage] - other versions have to read it
    assert finished._number(data, 0) == (number, len(data))  # pyright: ignore[reportPrivateUsage] - the same


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "it was written by something else"),
        ("offset=3", "it was written by something else"),
        ("d1:", "it is damaged, or belongs to another offset"),
        ("d1:\0", "it is damaged"),
        ("b1:zzz", "it is damaged, or belongs to another offset"),
        ("d1:0000000000000000", "it is damaged, or belongs to another offset"),
        (finished._text("d1:", 0, b""), "it ends within a number"),  # pyright: ignore[reportPrivateUsage] - its checksum is right
        (finished._text("d1:", 0, b"\x80"), "it ends within a number"),  # pyright: ignore[reportPrivateUsage] - the same
        (finished._text("d1:", 0, b"\x05\0\0"), "it names an offset twice"),  # pyright: ignore[reportPrivateUsage] - the same
        (finished._text("d1:", 0, b"\x05\x05"), "it names offsets above its own end"),  # pyright: ignore[reportPrivateUsage] - the same
    ],
)
def test_what_somebody_else_wrote_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}$"):
        decode(0, text)


def test_the_text_of_another_offset_is_refused() -> None:
    text = encode(7, 20, [7, 9])
    for other in (6, 8, 7 + 2**31):
        with pytest.raises(ValueError, match="belongs to another offset"):
            decode(other, text)
