"""The demo's story, recorded: its servers stay up, its worker has stopped, and everything can be counted."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from consumers.adapters.kafka_reader import topic_reader
from consumers.demo.curtain import tell
from consumers.demo.options import DemoOptions
from consumers.demo.player import Pace
from consumers.demo.stack import Stack, running_stack
from consumers.demo.stage import QuietStage


@dataclass(frozen=True)
class World:
    """Everything that an evaluation must leave alone.

    Attributes:
        topics: records in each topic.
        redis: every key with its value as Redis dumps it.
        books: every table of the sandbox.
    """

    topics: Mapping[str, int]
    redis: Mapping[bytes, bytes | None]
    books: Mapping[str, list[Any]]


@asynccontextmanager
async def recorded_story(folder: Path) -> AsyncGenerator[Stack]:
    """Play the story; yield its servers."""
    async with running_stack(DemoOptions(data_dir=folder), None, watched=False) as stack:
        report = await tell(stack, QuietStage(), Pace())
        assert report.ok
        # A worker looks after Redis as long as it runs.
        stack.worker.cancel()
        await asyncio.wait({stack.worker}, timeout=15)
        assert stack.worker.done()
        yield stack


async def world(stack: Stack) -> World:
    """Look at everything."""
    async with topic_reader(stack.connection) as reader:
        spans = await reader.spans(await reader.topics())
        topics: dict[str, int] = {}
        for tp, span in spans.items():
            topics[tp.topic] = topics.get(tp.topic, 0) + span.end
    async with Redis.from_url(stack.addresses.redis) as redis:
        keys = [key async for key in redis.scan_iter()]
        dumps = {key: await redis.dump(key) for key in sorted(keys)}
    return World(topics, dumps, await asyncio.to_thread(_books, stack.database))


def _books(database: Path) -> Mapping[str, list[Any]]:
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        names = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
