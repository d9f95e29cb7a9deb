"""Processes that share a job: each partition is one's own, and the work is about the same for each."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumers.replay.chosen import Chosen
from consumers.replay.job import Job
from consumers.replay.mode import Mode
from consumers.replay.shares import processes_for, shares

AT = datetime(2026, 11, 28, tzinfo=UTC)


def job(*lengths: int) -> Job:
    spans = {number: (100, 100 + length) for number, length in enumerate(lengths)}
    return Job("j", Mode.REBUILD, "erp.orders", spans, Chosen(), None, "ann", AT)


@given(st.lists(st.integers(0, 1_000), max_size=20), st.integers(1, 8))
@example([0, 0], 2)
def test_each_partition_is_dealt_to_one_process_and_none_is_left_without(
    lengths: list[int], most: int
) -> None:
    whole = job(*lengths)
    dealt = shares(whole, most)
    spans = [span for share in dealt for span in share.spans.items()]
    assert Counter(spans) == Counter(whole.spans.items())
    assert len(dealt) == max(1, min(most, len(lengths)))
    assert all(share.spans for share in dealt) or not lengths
    assert {share.id for share in dealt} == {"j"}


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=20), st.integers(1, 8))
def test_no_process_has_more_than_its_part_and_the_longest_partition(lengths: list[int], most: int) -> None:
    dealt = shares(job(*lengths), most)
    assert max(share.records for share in dealt) <= sum(lengths) / len(dealt) + max(lengths)


@pytest.mark.parametrize(
    ("lengths", "cores", "processes"),
    [
        ((10, 10, 10), 8, 1),
        ((), 8, 1),
        ((30_000, 30_000, 30_000), 2, 3),
        ((40_000, 40_000, 0), 2, 2),
        ((50_000,) * 12, 2, 3),
        ((50_000,) * 12, 64, 4),
    ],
    ids=["few records", "none", "a core more", "an empty partition", "two cores", "a large machine"],
)
def test_a_process_more_is_started_where_it_is_worth_it(
    lengths: tuple[int, ...], cores: int, processes: int
) -> None:
    assert processes_for(job(*lengths), cores) == processes
