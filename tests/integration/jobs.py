"""Jobs of the modes that work, ordered by hand, on a stage."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition

from consumers.adapters.kafka_reader import topic_reader
from consumers.adapters.memory_jobs import MemoryJobs
from consumers.app.config_file import read_config
from consumers.app.replay_worked import run_worked
from consumers.ports.jobs import Jobs
from consumers.replay.chosen import Chosen
from consumers.replay.job import Bounds, Job, Mode, new_id
from consumers.replay.pace import Pace
from consumers.replay.worked import Tally
from tests.integration.stage import Stage

NOBODY = Chosen()


async def ordered(
    played: Stage,
    mode: Mode = Mode.BACKFILL,
    topic: str = "erp.orders",
    *,
    chosen: Chosen = NOBODY,
    bounds: Bounds = Bounds(),  # noqa: B008 - frozen
) -> Job:
    """Order a job over all that a topic holds now."""
    async with topic_reader(played.connection) as source:
        spans = await source.spans([topic])
    at = datetime.now(UTC)
    held = {tp.partition: (span.first, span.end) for tp, span in spans.items()}
    return Job(new_id(at), mode, topic, held, chosen, None, "operator", at, "a test", bounds)


@dataclass
class Told:
    """What a run of a job said of its progress."""

    said: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def __call__(self, done: int, total: int) -> None:
        self.said.append((done, total))


async def work(
    played: Stage, job: Job, jobs: Jobs | None = None, *, config: Path | None = None, **more: Any
) -> Tally:
    """Run a job to its end, or until it ends by itself."""
    file = read_config(config or played.config)
    told = Told()
    settings: Mapping[str, Any] = {"stop": asyncio.Event(), "pace": Pace(), "nice": 0, **more}
    async with asyncio.timeout(60):
        return await run_worked(file, job, progress=told, jobs=jobs or MemoryJobs(), **settings)


async def copy_topic(played: Stage, source: str, target: str) -> None:
    """Copy a topic to another one, where every record gets another offset."""
    async with topic_reader(played.connection) as reader:
        records = [record async for record in reader.to_end([source])]
    from schemas.record import Outgoing

    for record in records:
        await played.sender.send([Outgoing(target, record.key, record.value, record.headers)])


__all__ = ["TopicPartition"]
