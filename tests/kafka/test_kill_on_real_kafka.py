"""The kill scenario on a real Apache Kafka."""

from pathlib import Path

import pytest

from tests.integration.killing import kill_at_every_moment
from tests.kafka.shared_cluster import shared_stage


@pytest.mark.timeout(400)
async def test_a_kill_at_any_of_ten_moments_leaves_one_outcome_and_every_effect_once(
    kafka: str, tmp_path: Path
) -> None:
    async with shared_stage(tmp_path, kafka) as played:
        await kill_at_every_moment(played)
