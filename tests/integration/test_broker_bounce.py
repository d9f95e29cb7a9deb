"""The broker goes away under a working worker and comes back: nothing is lost, nothing is done twice."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from consumers.local.broker import local_broker
from tests.integration.stage import order, stage


@pytest.mark.timeout(180)
async def test_work_goes_on_when_the_broker_is_back(tmp_path: Path) -> None:
    async with AsyncExitStack() as exits:
        broker = AsyncExitStack()
        bootstrap = await broker.enter_async_context(local_broker(tmp_path / "kafka"))
        exits.push_async_callback(broker.aclose)
        played = await exits.enter_async_context(stage(tmp_path, bootstrap))
        await played.start_worker()
        ids = [f"before-{number}" for number in range(20)]
        for event_id in ids:
            await played.publish(order(event_id))
        await played.outcome_records(ids[0])

        await broker.aclose()
        assert played.worker is not None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await played.worker.wait()  # it waits for the broker instead of giving up
        port = int(bootstrap.rpartition(":")[2])
        await broker.enter_async_context(local_broker(tmp_path / "kafka", port=port))

        ids += [f"after-{number}" for number in range(20)]
        for event_id in ids[20:]:
            await played.publish(order(event_id))
        for event_id in ids:
            records = await played.outcome_records(event_id, within_s=90)
            assert len({record.value for record in records}) == 1
        assert played.rows("SELECT count(*), count(DISTINCT key) FROM effects") == [
            (2 * len(ids), 2 * len(ids))
        ]
        assert await played.stop_worker() == 0, played.log()
