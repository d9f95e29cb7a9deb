"""`pointsman lag`: how far the group is behind, and what holds each partition up."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_reader import Span, topic_reader
from consumers.app.config import Config
from consumers.app.connections import kafka_connection
from consumers.app.inputs import read_topics
from consumers.cli.exits import load, perform
from consumers.cli.screen import err, out, print_json, styled, table
from consumers.runtime.finished import decode

_ANSWER_S: Final = 15.0
_WORKER_S: Final = 3.0
_LARGEST: Final = 4 * 1024 * 1024

Blocking = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """How far the group is in one partition.

    Attributes:
        topic, partition: which.
        committed: the group's offset; None where it has none yet.
        end: the end of the partition.
        lag: records from there to the end, those that are finished above the committed offset left out.
        finished_above: how many those are.
        blocking: what the committed offset waits for, as the worker that holds the partition says.
    """

    topic: str
    partition: int
    committed: int | None
    end: int
    lag: int
    finished_above: int
    blocking: Blocking | None = None


def partition_lag(
    tp: TopicPartition, span: Span, committed: OffsetAndMetadata | None, blocking: Blocking | None = None
) -> PartitionLag:
    """Work out one partition's lag."""
    if committed is None or committed.offset < 0:
        return PartitionLag(tp.topic, tp.partition, None, span.end, span.end - span.first, 0, blocking)
    begin = max(committed.offset, span.first)
    try:
        upto, unfinished = decode(committed.offset, committed.metadata)
        above = max(0, upto - committed.offset - len(unfinished))
    except ValueError:
        above = 0
    lag = max(0, span.end - begin - above)
    return PartitionLag(tp.topic, tp.partition, committed.offset, span.end, lag, above, blocking)


def lag(config: Path, workers: Sequence[str], *, as_json: bool) -> None:
    """Print the lag of every input partition."""
    settings = load(config).config
    asked = workers or [f"http://{settings.telemetry.host}:{settings.telemetry.port}"]
    found, silent = perform(_read(settings, asked))
    if as_json:
        print_json([asdict(each) for each in found])
        return
    made = table(
        "partition",
        "committed",
        "end",
        "lag",
        "finished above",
        "waits for",
        right=["committed", "end", "lag"],
    )
    for each in found:
        made.add_row(
            styled(f"{each.topic}[{each.partition}]", "bold"),
            "-" if each.committed is None else str(each.committed),
            str(each.end),
            styled(each.lag, "yellow" if each.lag else "green"),
            str(each.finished_above or ""),
            styled(_told(each)),
        )
    out().print(made)
    for worker in silent:
        err().print(
            f"no worker answers at {worker}: what its partitions wait for is not known (--worker URL, once for each)",
            markup=False,
        )


def _told(each: PartitionLag) -> str:
    blocking = each.blocking
    if blocking is None:
        return ""
    behind = f", {blocking['behind']} behind it" if blocking["behind"] else ""
    return f"offset {blocking['offset']}, key {blocking['key'] or '-'}: {blocking['step']} ({blocking['age_s']:.0f} s{behind})"


async def _read(settings: Config, workers: Sequence[str]) -> tuple[list[PartitionLag], list[str]]:
    connection = kafka_connection(settings.kafka)
    topics = read_topics(settings)
    async with AsyncExitStack() as stack:
        source = await stack.enter_async_context(topic_reader(connection))
        spans = await source.spans(topics)
        admin = kafka_clients.admin(connection)
        stack.push_async_callback(kafka_clients.stop, admin)
        async with asyncio.timeout(_ANSWER_S):
            await admin.start()
            committed = await kafka_clients.committed_by(admin, settings.kafka.group)
        session = await stack.enter_async_context(aiohttp.ClientSession(trust_env=False))
        told = await asyncio.gather(*(_ask(session, worker) for worker in workers))
    blocking = {key: value for answer in told if answer for key, value in answer.items()}
    found = [
        partition_lag(tp, span, committed.get(tp), blocking.get((tp.topic, tp.partition)))
        for tp, span in sorted(spans.items())
    ]
    return found, [worker for worker, answer in zip(workers, told, strict=True) if answer is None]


async def _ask(session: aiohttp.ClientSession, worker: str) -> dict[tuple[str, int], Blocking | None] | None:
    """Ask a worker what its partitions wait for; None where none answers."""
    try:
        timeout = aiohttp.ClientTimeout(total=_WORKER_S)
        async with session.get(
            f"{worker.rstrip('/')}/healthz", timeout=timeout, allow_redirects=False
        ) as answer:
            body = await answer.content.read(_LARGEST)
        told: dict[str, Any] = orjson.loads(body)
        return {(each["topic"], each["partition"]): each["blocking"] for each in told["partitions"]}
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
        return None
