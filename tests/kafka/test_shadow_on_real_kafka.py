"""A replay in shadow mode on a real Apache Kafka, stopped in the middle and gone on with."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from consumers.adapters.kafka_reader import topic_reader
from consumers.app.config_file import read_config
from consumers.app.replay_shadow import run_shadow
from consumers.replay.chosen import Chosen
from consumers.replay.job import Job, Mode, new_id
from consumers.replay.pace import Pace
from tests.integration.stage import order
from tests.kafka.shared_cluster import shared_stage


async def test_finished_events_are_decided_afresh_from_where_a_job_stopped(
    kafka: str, tmp_path: Path
) -> None:
    async with shared_stage(tmp_path, kafka) as played:
        now = datetime.now(UTC)
        await played.start_worker()
        events = [order(f"shadowed-{now.timestamp()}-{number}") for number in range(4)]
        for event in events:
            await played.publish(event)
            await played.outcome_records(event.id)
        assert await played.stop_worker() == 0, played.log()
        async with topic_reader(played.connection) as reader:
            whole = await reader.spans(["erp.orders"])
            since = await reader.offsets_at(whole, now - timedelta(seconds=1))
        spans = {tp.partition: (offset, whole[tp].end) for tp, offset in since.items()}
        job = Job(new_id(now), Mode.SHADOW, "erp.orders", spans, Chosen(), None, "ann", now)
        file, stop = read_config(played.config), asyncio.Event()

        def progress(done: int, total: int) -> None:
            assert total == 4
            if done >= 1:
                stop.set()

        first = await run_shadow(file, job, progress=progress, stop=stop, pace=Pace(), at_once=1)
        assert 1 <= first.tally["same"] < 4
        last = await run_shadow(
            file, job, progress=lambda _done, _total: None, stop=asyncio.Event(), pace=Pace(), reads="live"
        )

        assert last.tally == {"same": 4}
        assert last.found.verdicts == {"same": 4}
        assert played.rows("SELECT count(*), max(attempts) FROM effects") == [(8, 1)]
