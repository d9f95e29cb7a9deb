"""Some seeds of the runtime's simulation; `make simulate` plays as many as you like.

Each seed is a world with a broker, workers and events; workers crash before and after any call, freeze, are cut off,
stop and start, while partitions move. At every commit, and at the end, nothing that must never be may be.
"""

import pytest

from consumers.runtime.partition import Item, Partition
from tests.simulation.sim_checks import ViolationError
from tests.simulation.sim_story import simulate
from tests.simulation.sim_world import World


@pytest.mark.parametrize("seed", range(1, 41))
def test_nothing_is_lost_doubled_or_out_of_order(seed: int) -> None:
    assert simulate(seed).commits > 0


def test_the_same_seed_plays_the_same() -> None:
    assert simulate(7).commits == simulate(7).commits


def test_a_commit_that_passes_an_unfinished_event_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(self: Partition, item: Item) -> None:
        """Finish records as they are delivered."""
        self.held[item.record.offset] = item
        self.tracker.finish(item.record.offset)

    monkeypatch.setattr(Partition, "hold", hasty)
    with pytest.raises(ViolationError, match="has not ended"):
        for seed in range(1, 20):
            simulate(seed)


def test_worlds_differ_by_their_seed() -> None:
    assert len({World.made(seed).transactional for seed in range(20)}) == 2
