"""Jobs that work, on a real Apache Kafka: killed and gone on with, at least once and in transactions."""

import time
from pathlib import Path

import pytest

from consumers.replay.chosen import Chosen
from tests.integration.jobs import alone, ordered, work
from tests.integration.killing_a_job import kill_a_job_again_and_again
from tests.integration.stage import order, stage


@pytest.mark.timeout(480)
async def test_a_job_killed_again_and_again_leaves_one_outcome_and_every_effect_once(
    kafka: str, tmp_path: Path
) -> None:
    async with stage(tmp_path, kafka, dynamic=True) as played:
        alone(played)
        await kill_a_job_again_and_again(played, f"killed-{time.time_ns()}", kills=5)


async def test_with_transactions_a_job_works_each_event_once_and_comes_to_its_end_past_their_markers(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_KAFKA__DELIVERY", "transactional")
    async with stage(tmp_path, kafka, dynamic=True) as played:
        alone(played)
        events = [f"in-transactions-{time.time_ns()}-{number}" for number in range(3)]
        for event_id in events:
            await played.publish(order(event_id))
        chosen = Chosen(events=frozenset(events))

        first = await work(played, await ordered(played, chosen=chosen))
        second = await work(played, await ordered(played, chosen=chosen))

        assert (first["success"], second["skipped: ended: success"]) == (3, 3)
        assert first["read"] == second["read"]
        for event_id in events:
            assert len(await played.outcome_records(event_id)) == 1
        assert played.rows("SELECT count(*), max(attempts) FROM effects") == [(6, 1)]
