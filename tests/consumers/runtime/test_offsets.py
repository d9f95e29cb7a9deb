"""The committable offset never passes an unfinished record."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.runtime.offsets import OffsetTracker
from consumers.runtime.partition import Partition


@given(
    gaps=st.lists(st.integers(1, 5), min_size=1, max_size=40),
    finishing=st.randoms(use_true_random=False),
)
def test_whatever_the_order_of_finishing_nothing_unfinished_is_passed(
    gaps: list[int], finishing: object
) -> None:
    offsets = [sum(gaps[: i + 1]) for i in range(len(gaps))]
    tracker = OffsetTracker()
    for offset in offsets:
        tracker.take(offset)
    open_ones = set(offsets)
    order = list(offsets)
    finishing.shuffle(order)  # type: ignore[attr-defined] # pyright: ignore - a random.Random
    for offset in order:
        tracker.finish(offset)
        open_ones.discard(offset)
        committable = tracker.next_offset
        assert committable is not None
        assert all(committable <= unfinished for unfinished in open_ones)
        assert tracker.unfinished == len(open_ones)
    assert tracker.next_offset == offsets[-1] + 1


def test_an_untouched_partition_commits_nothing() -> None:
    assert OffsetTracker().next_offset is None


def test_offsets_that_fall_are_refused() -> None:
    tracker = OffsetTracker()
    tracker.take(7)
    with pytest.raises(ValueError, match="only rise"):
        tracker.take(7)


def test_nothing_is_committed_twice() -> None:
    partition = Partition("orders", 0)
    partition.take(3)
    partition.finish(3)
    assert partition.to_commit == 4
    partition.committed(4)
    assert partition.to_commit is None
