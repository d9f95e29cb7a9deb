"""Redriving on a real Apache Kafka."""

import uuid
from pathlib import Path

import pytest

from tests.integration.redriving import go_on_half_way
from tests.kafka.shared_cluster import shared_stage


@pytest.mark.timeout(400)
@pytest.mark.parametrize("delivery", ["at-least-once", "transactional"])
async def test_a_run_that_died_half_way_goes_on_where_it_stopped_and_no_other_reader_sees_a_record(
    kafka: str, tmp_path: Path, delivery: str
) -> None:
    async with shared_stage(tmp_path, kafka) as played:
        text = played.config.read_text()
        played.config.write_text(text.replace("kafka:\n", f"kafka:\n  delivery: {delivery}\n", 1))
        await go_on_half_way(played, f"redriven-{uuid.uuid4().hex[:8]}")
