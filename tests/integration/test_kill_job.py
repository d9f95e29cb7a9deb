"""A job is killed with SIGKILL at any moment of a run, and goes on: one outcome, no effect twice."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from consumers.local.broker import local_broker
from tests.integration.killing_a_job import kill_a_job_again_and_again
from tests.integration.stage import Stage, stage


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


@pytest.mark.timeout(480)
async def test_a_job_killed_twenty_times_leaves_one_outcome_and_every_effect_once(
    played: Stage,
) -> None:
    await kill_a_job_again_and_again(played)
