"""How far live workers are behind, as a job asks it: records that wait, and none that nobody is going to work."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from consumers.app.config_file import read_config
from consumers.app.replay_live import live
from consumers.local.broker import local_broker
from tests.integration.jobs import ORDERS, pass_over
from tests.integration.running import Running
from tests.integration.stage import Stage, order, stage


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


async def test_what_was_published_since_the_group_committed_waits_while_somebody_is_in_the_group(
    played: Stage,
) -> None:
    async with AsyncExitStack() as exits:
        asked = await live(read_config(played.config).config, exits)
        await played.publish(order("before"))
        assert (await asked.lag(), await asked.committed(ORDERS)) == (0, {})

        await pass_over(played)
        for number in range(3):
            await played.publish(order(f"since-{number}"))
        assert (await asked.lag(), sum((await asked.committed(ORDERS)).values())) == (0, 1), "nobody is there"

        async with Running(played):
            for number in range(3):
                await played.outcome_records(f"since-{number}")
        # A member with a name stays one for as long as its session lasts.
        for number in range(3, 5):
            await played.publish(order(f"since-{number}"))
        assert await asked.lag() == 2
