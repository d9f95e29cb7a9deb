"""The worker is killed with SIGKILL at any moment of a run; the next one ends it: one outcome, no effect twice."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from consumers.local.broker import local_broker
from tests.integration.killing import kill_at_every_moment
from tests.integration.stage import Stage, stage


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


@pytest.mark.timeout(480)
async def test_a_kill_while_an_effect_is_asked_for_or_done_leaves_it_once(played: Stage) -> None:
    # All ten moments are tried on a real Kafka, and every call of a worker by `make crash`.
    await kill_at_every_moment(played, [(5, "before"), (5, "after"), (7, "after")])
