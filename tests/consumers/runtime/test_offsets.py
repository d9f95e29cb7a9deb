"""The committable offset never passes an unfinished record, and what is finished above it is remembered."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.ports.consumer_group import Committed
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


def test_offsets_that_fall_are_refused() -> None:
    tracker = OffsetTracker(0)
    tracker.take(7)
    with pytest.raises(ValueError, match="only rise"):
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


@pytest.mark.parametrize("text", ["{}", "offset=3", "d1:", "d1:\x00", "b1:zzz", "d1:0000000000000000"])
def test_what_somebody_else_wrote_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it "):
        decode(0, text)
