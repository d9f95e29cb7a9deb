"""Compressed bombs pass a real broker's limits; they do not pass ours."""

import asyncio
from pathlib import Path
from typing import Final

import pytest

from schemas.outcome import Status
from tests.integration.dead_letters import dead_letters
from tests.integration.stage import order
from tests.integration.test_bombs import KEY, MOST_MEMORY, UNFOLDING, most_memory, publish_packed
from tests.kafka.shared_cluster import shared_stage

LIMIT: Final = "unfolds to more than 8388608 bytes"


@pytest.mark.timeout(240)
async def test_batches_that_unfold_too_far_are_dead_letters_and_the_partition_goes_on(
    kafka: str, tmp_path: Path
) -> None:
    async with shared_stage(tmp_path, kafka, dynamic=True) as played:
        worker = await played.start_worker(kafka__session_timeout_s="6")
        for algorithm, size in UNFOLDING.items():
            assert await publish_packed(played, algorithm, size) < 1_048_576
        await played.publish(order("behind-the-bombs"), key=KEY)
        (record, *_) = await played.outcome_records("behind-the-bombs", within_s=90)
        assert (await played.outcome_in(record)).status is Status.SUCCESS
        async with asyncio.timeout(60):
            while len(unfolding := [each for each in await dead_letters(played) if LIMIT in each.error]) < 4:
                await asyncio.sleep(0.5)
        assert {len(each.record.value or b"") < 1_048_576 for each in unfolding} == {True}
        assert most_memory(worker.pid) < MOST_MEMORY
        assert await played.stop_worker() == 0, played.log()
