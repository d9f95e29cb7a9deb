"""Backfill: events that were never worked are worked for real, once; known ones are left alone."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from consumers.local.broker import local_broker
from consumers.replay.job import Mode
from tests.integration.jobs import ordered, work
from tests.integration.stage import Stage, order, stage


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


async def test_events_that_nobody_worked_are_worked_once_and_a_second_job_finds_them_ended(
    played: Stage,
) -> None:
    for number in range(3):
        await played.publish(order(f"e-{number}"))

    first = await work(played, await ordered(played))
    second = await work(played, await ordered(played))
    third = await work(played, await ordered(played, Mode.RESUME))

    assert first == {"read": 3, "success": 3}
    assert second == {"read": 3, "skipped: ended: success": 3}
    assert third == second
    for number in range(3):
        assert len(await played.outcome_records(f"e-{number}")) == 1
    assert played.rows("SELECT count(*), count(DISTINCT key), max(attempts) FROM effects") == [(6, 6, 1)]
