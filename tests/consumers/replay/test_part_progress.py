"""How far a job came in a partition: nothing unfinished is ever behind what is committed, and each record counts once."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from consumers.ports.consumer_group import Committed
from consumers.replay.progress import OTHERS, PartProgress

FIRST, END = 10, 30


@given(data=st.data())
def test_killed_at_any_moment_each_record_counts_once(data: st.DataObject) -> None:
    there = sorted(data.draw(st.sets(st.integers(FIRST, END - 1))))
    part, open_now, finished_once = PartProgress.restored(FIRST, END, None), set[int](), set[int]()
    left = list(there)
    while not part.is_over:
        what = data.draw(st.sampled_from(["take", "finish", "kill"]))
        if what == "kill":
            part = PartProgress.restored(FIRST, END, part.committable)
            open_now = set()
            left = [offset for offset in there if offset >= part.next_offset]
        elif what == "take" and left:
            offset = left.pop(0)
            part.take(offset)
            open_now.add(offset)
        elif open_now:
            offset = data.draw(st.sampled_from(sorted(open_now)))
            open_now.remove(offset)
            finished_once.add(offset)
            part.finish(offset, "same" if offset % 2 else "other_writes")
        if not left:
            part.reached(END)
        assert part.next_offset <= min(open_now, default=END)
        assert {offset for offset in there if offset < part.next_offset} <= finished_once
        assert sum(part.tally.values()) == sum(1 for offset in there if offset < part.next_offset)
    assert part.tally == Counter("same" if offset % 2 else "other_writes" for offset in there)
    assert part.done == END - FIRST


def test_a_text_that_is_not_ours_counts_for_nothing() -> None:
    for text in ("", "{", "[1]", '{"same": "many"}'):
        part = PartProgress.restored(FIRST, END, Committed(12, text))
        assert (part.next_offset, part.tally) == (12, Counter())


def test_what_is_committed_outside_of_the_span_does_not_leave_it() -> None:
    assert PartProgress.restored(FIRST, END, Committed(5, '{"same": 5}')).tally == Counter()
    assert PartProgress.restored(FIRST, END, Committed(99)).is_over


def test_many_ways_to_end_stay_within_what_a_broker_takes() -> None:
    part = PartProgress.restored(0, 200, None)
    for offset in range(200):
        part.take(offset)
        part.finish(offset, f"skipped: {offset:03}{'x' * 60}" if offset else "same")
    committed = part.committable
    assert len(committed.metadata.encode()) <= 4_096
    again = PartProgress.restored(0, 200, committed)
    assert sum(again.tally.values()) == 200
    assert again.tally[OTHERS] > 100
