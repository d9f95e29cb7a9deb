"""A replay on a real Apache Kafka, by offsets and by time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from consumers.app.config_file import read_config
from consumers.app.replaying import run_replay
from consumers.replay.selection import Selection
from tests.integration.stage import order, stage


async def test_finished_events_give_the_same_bytes_again(kafka: str, tmp_path: Path) -> None:
    async with stage(tmp_path, kafka) as played:
        started = datetime.now(UTC) - timedelta(seconds=1)
        await played.start_worker()
        event = order(f"replayed-{started.timestamp()}")
        await played.publish(event)
        (first,) = await played.outcome_records(event.id)
        assert await played.stop_worker() == 0, played.log()
        asked = played.model.stats.requests

        report = await run_replay(read_config(played.config), Selection("erp.orders", since=started))

        assert (report.read, report.republished) == (1, 1)
        second = (await played.outcome_records(event.id, at_least=2))[1]
        assert (first.key, first.value, first.headers) == (second.key, second.value, second.headers)
        assert played.model.stats.requests == asked
        assert played.rows("SELECT count(*), max(attempts) FROM effects") == [(2, 1)]
