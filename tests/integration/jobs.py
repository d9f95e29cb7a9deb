"""Jobs of the modes that work, ordered by hand, on a stage."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.structs import OffsetAndMetadata
from redis.asyncio import Redis

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_reader import topic_reader
from consumers.adapters.memory_jobs import MemoryJobs
from consumers.adapters.redis_connection import connect
from consumers.app.config_file import read_config
from consumers.app.replay_worked import run_worked
from consumers.ports.jobs import Jobs
from consumers.replay.chosen import Chosen
from consumers.replay.job import Bounds, Job, Mode, new_id
from consumers.replay.pace import Pace
from consumers.replay.worked import Tally
from schemas.record import Outgoing
from tests.integration.stage import Stage

ORDERS = "erp.orders"
ALL = Chosen()
UNBOUNDED = Bounds()


async def ordered(
    played: Stage,
    mode: Mode = Mode.BACKFILL,
    topic: str = ORDERS,
    *,
    chosen: Chosen = ALL,
    bounds: Bounds = UNBOUNDED,
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
    asked: dict[str, Any] = {"stop": asyncio.Event(), "pace": Pace(), "progress": Told(), **more}
    async with asyncio.timeout(60):
        return await run_worked(file, job, jobs=jobs or MemoryJobs(), **asked)


async def copy_topic(played: Stage, source: str, target: str) -> Path:
    """Copy a topic into one partition of a new one, behind a record that is none of ours; return a configuration of it."""
    admin = kafka_clients.admin(played.connection)
    await admin.start()
    await admin.create_topics([NewTopic(target, 1, 1)])
    await kafka_clients.stop(admin)
    async with topic_reader(played.connection) as reader:
        records = [record async for record in reader.to_end([source])]
    copies = [Outgoing(target, record.key, record.value, record.headers) for record in records]
    await played.sender.send([Outgoing(target, b"other", b"not an event"), *copies])
    config = played.folder / "copied.yaml"
    config.write_text(played.config.read_text(encoding="utf-8").replace(source, target), encoding="utf-8")
    return config


def alone(played: Stage) -> None:
    """Give the stage a group of its own: what a group has committed before an event leaves that event to its workers."""
    text = played.config.read_text(encoding="utf-8")
    mine = text.replace("group: pointsman-demo", f"group: {played.folder.name}")
    assert mine != text
    played.config.write_text(mine, encoding="utf-8")


async def pass_over(played: Stage, topic: str = ORDERS) -> None:
    """Commit the live group's offsets at the ends of a topic: as if it had begun there."""
    group = read_config(played.config).config.kafka.group
    consumer = kafka_clients.group_consumer(
        played.connection, group=group, instance_id=None, session_timeout_s=10
    )
    await consumer.start()
    try:
        numbers = (await kafka_clients.partitions_of(consumer, [topic]))[topic]
        tps = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        await consumer.commit({tp: OffsetAndMetadata(end, "") for tp, end in ends.items()})
    finally:
        await kafka_clients.stop(consumer)


@asynccontextmanager
async def redis_of(played: Stage) -> AsyncGenerator[Redis]:
    async with connect(read_config(played.config).config.redis.url) as client:
        yield client


async def forget(played: Stage, *patterns: str) -> int:
    """Delete keys of Redis, as their time to live does."""
    async with redis_of(played) as client:
        names = [name for pattern in patterns for name in await client.keys(pattern)]
        return await client.delete(*names) if names else 0
