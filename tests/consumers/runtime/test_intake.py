"""Partitions are paused at the whole of a bound and resumed at half of it."""

from typing import Any, cast

import pytest

from consumers.ports.consumer_group import Committed, ConsumerGroup, PartitionId
from consumers.runtime.finished import NEARLY_FULL
from consumers.runtime.intake import turns
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.membership import Membership
from consumers.runtime.offsets import OffsetTracker
from consumers.runtime.partition import Item, Partition
from tests.simulation.virtual_time import run

LIMITS = RuntimeLimits(partition_records=100, partition_bytes=1_000, total_bytes=100_000)


def holding(
    records: int = 0, size: int = 0, metadata: int = 0, *, paused: bool = False, number: int = 0
) -> Partition:
    """Return a partition that holds so much."""
    found = run(_made(PartitionId("in", number), Committed(0, "x" * metadata)))
    found.held = dict.fromkeys(range(records), cast("Item", None))
    found.held_bytes = size
    found.paused = paused
    return found


async def _made(pid: PartitionId, committed: Committed) -> Partition:
    membership = Membership(cast("ConsumerGroup", None), lease_s=1, regained=lambda: None)
    return Partition(pid, 1, OffsetTracker(0), committed, membership)


def change(partition: Partition, limits: RuntimeLimits = LIMITS) -> str | None:
    found = turns([partition], limits)
    assert not found.pause & found.resume
    return "pause" if found.pause else "resume" if found.resume else None


@pytest.mark.parametrize(
    ("held", "whole"), [("records", 100), ("size", 1_000), ("metadata", NEARLY_FULL)], ids=str
)
def test_it_is_paused_at_the_whole_of_a_bound_and_resumed_below_half_of_it(held: str, whole: int) -> None:
    def at(amount: int, *, paused: bool) -> str | None:
        amounts: dict[str, Any] = {held: amount}
        return change(holding(**amounts, paused=paused))

    assert at(whole - 1, paused=False) is None
    assert at(whole, paused=False) == "pause"
    assert at(whole, paused=True) is None
    assert at(whole // 2, paused=True) is None
    assert at(whole // 2 - 1, paused=True) == "resume"


def test_between_the_two_marks_nothing_changes_whichever_way_it_came() -> None:
    """One mark alone would pause and resume at every record, and each pause drops what was fetched ahead."""
    partition, changes = holding(), 0
    for held in (*range(101), *range(100, 60, -1), *range(60, 100)):
        partition.held = dict.fromkeys(range(held), cast("Item", None))
        if told := change(partition):
            changes += 1
            partition.paused = told == "pause"
    assert (changes, partition.paused) == (1, True)


def test_one_bound_is_enough_to_pause_and_all_must_have_room_to_resume() -> None:
    assert change(holding(records=1, size=1_000)) == "pause"
    assert change(holding(records=49, size=500, paused=True)) is None
    assert change(holding(records=49, size=499, paused=True)) == "resume"


def test_where_all_hold_too_much_together_those_above_their_share_pause() -> None:
    limits = RuntimeLimits(partition_bytes=1_000_000, total_bytes=1_000)
    big, middle, small = (holding(size=size, number=at) for at, size in enumerate((600, 334, 66)))
    assert turns([big, middle, small], limits).pause == {big, middle}
    small.held_bytes -= 1
    assert not turns([big, middle, small], limits).pause, "the total is not reached"


def test_what_was_paused_for_the_total_is_resumed_at_half_of_it_or_of_the_share() -> None:
    limits = RuntimeLimits(partition_bytes=1_000_000, total_bytes=1_000)
    big, small = holding(size=600, paused=True), holding(size=200, paused=True, number=1)
    assert turns([big, small], limits).resume == {small}, "small is below half of its share of 500"
    big.held_bytes = 280
    small.paused = False
    assert turns([big, small], limits).resume == {big}, "all hold less than half of the total"


def test_nothing_changes_without_partitions() -> None:
    assert not turns([], LIMITS).pause | turns([], LIMITS).resume


def test_a_partition_that_never_committed_is_paused_as_any_other() -> None:
    partition = holding(records=100)
    partition.committed = None
    assert change(partition) == "pause"
