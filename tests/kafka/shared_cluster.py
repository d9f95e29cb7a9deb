"""A stage on the broker that many tests share: its group is its own, and begins behind what others left there."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from consumers.app.config_file import read_config
from consumers.app.inputs import read_topics
from tests.integration.jobs import alone, pass_over
from tests.integration.stage import Stage, stage


@asynccontextmanager
async def shared_stage(folder: Path, bootstrap: str, *, dynamic: bool = False) -> AsyncGenerator[Stage]:
    """Set everything up but the worker, as `stage` does; only outcomes from now on are seen."""
    async with stage(folder, bootstrap, dynamic=dynamic) as played:
        alone(played)
        for topic in read_topics(read_config(played.config).config):
            await pass_over(played, topic)
        await played.outcomes.seek_to_end()
        yield played
