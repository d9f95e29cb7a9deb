"""Workers join, leave and die on a real Apache Kafka: every event has one outcome, no effect happens twice."""

import asyncio
from pathlib import Path

import pytest

from schemas.outcome import Status
from tests.integration.stage import Stage, order
from tests.kafka.shared_cluster import shared_stage

QUICK = {"kafka__session_timeout_s": "6"}
"""How soon others get the partitions of a member that died."""


async def publish(played: Stage, name: str, count: int) -> list[str]:
    ids = [f"{name}-{number}" for number in range(count)]
    for event_id in ids:
        await played.publish(order(event_id))
    return ids


@pytest.mark.timeout(300)
async def test_work_goes_on_while_workers_join_leave_and_die(kafka: str, tmp_path: Path) -> None:
    async with shared_stage(tmp_path, kafka, dynamic=True) as played:
        first = await played.start_worker(**QUICK)
        ids = await publish(played, "alone", 40)
        await played.outcome_records(ids[0])

        second = await played.start_worker(**QUICK)
        ids += await publish(played, "joining", 40)
        await played.outcome_records(ids[-1])

        ids += await publish(played, "leaving", 40)
        assert await played.stop_worker(first) == 0, played.log()
        await played.outcome_records(ids[-1])

        third = await played.start_worker(**QUICK)
        ids += await publish(played, "dying", 40)
        second.kill()
        async with asyncio.timeout(20):
            await second.wait()
        await played.start_worker(**QUICK)  # the orchestrator starts another
        ids += await publish(played, "again", 40)

        outcomes = {event_id: await played.outcome_records(event_id, within_s=90) for event_id in ids}
        assert await played.stop_worker(third) == 0, played.log()
        for event_id, records in outcomes.items():
            assert len({record.value for record in records}) == 1, f"{event_id}: other bytes"
            assert (await played.outcome_in(records[0])).status is Status.SUCCESS
        assert played.rows("SELECT count(*), count(DISTINCT key) FROM effects") == [
            (2 * len(ids), 2 * len(ids))
        ]
        assert played.rows("SELECT count(*) FROM shipments WHERE status = 'confirmed'") == [(len(ids),)]
