"""How far a job has come: kept beside an offset, read back, and no larger than a broker takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.errors import HaltError
from consumers.ports.consumer_group import Committed
from consumers.replay.plan import Standing
from consumers.replay.reached import Reached, Tally, skipped, total
from schemas.outcome import Status

WHAT = st.sampled_from(["read", "republished", *map(str, Status), *(skipped(each) for each in Standing)])
TALLIES = st.dictionaries(WHAT, st.integers(1, 2**53)).map(Tally)
METADATA_BYTES = 4096
"""What a broker takes by default beside an offset."""


@given(st.integers(0, 2**63 - 1), TALLIES)
def test_what_is_committed_is_read_back(offset: int, tally: Tally) -> None:
    reached = Reached(offset, tally)
    assert Reached.of(reached.committed()) == reached


def test_the_largest_tally_fits_beside_an_offset() -> None:
    names = ["read", "republished", *map(str, Status), *(skipped(each) for each in Standing)]
    largest = Reached(2**63 - 1, Tally(dict.fromkeys(names, 2**63 - 1)))
    assert len(largest.committed().metadata.encode()) < METADATA_BYTES / 2


@given(st.lists(TALLIES, max_size=5))
def test_counts_add_up_over_runs_and_partitions(tallies: list[Tally]) -> None:
    reached = Reached(0)
    for offset, tally in enumerate(tallies):
        reached = reached.further(offset, tally)
    assert reached.tally == total([Reached(0, tally) for tally in tallies])


@pytest.mark.parametrize("metadata", ["", "{", "[]", '{"read": "many"}', "0-17"])
def test_a_group_that_is_not_the_jobs_alone_is_refused(metadata: str) -> None:
    with pytest.raises(HaltError, match="without counts"):
        Reached.of(Committed(17, metadata))
