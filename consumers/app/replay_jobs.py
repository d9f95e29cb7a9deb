"""Replay jobs before and after their work: ordered, planned, kept, found."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from consumers.adapters.kafka_reader import topic_reader
from consumers.adapters.redis_glances import RedisGlances
from consumers.adapters.redis_jobs import RedisJobs
from consumers.app import connections
from consumers.app.approver_keys import approvers
from consumers.app.config_file import ConfigFile
from consumers.app.redis_login import redis_client
from consumers.app.replay_live import live
from consumers.app.replay_output import refuse_output
from consumers.app.resolve import resolve
from consumers.errors import HaltError
from consumers.policy.expressions import ExpressionError
from consumers.ports.clock import SystemClock
from consumers.ports.jobs import JobDocument, Jobs
from consumers.replay.chosen import Chosen
from consumers.replay.job import Bounds, Job, new_id
from consumers.replay.mode import Mode
from consumers.replay.order import Order, ordered_by
from consumers.replay.plan import Plan
from consumers.replay.planning import Planner
from consumers.replay.report import JobRecord
from consumers.replay.selection import Selection
from consumers.replay.spans import refuse_unrouted, spans_of
from consumers.router.route import RouteTable

_NAME: Final = "pointsman-replay"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to have replayed.

    Attributes:
        mode: what is done.
        selection: which part of which topic.
        chosen: which of the events there.
        output: topic for what comes out instead of the routes' own, or None.
        operator: who orders it.
        reason: why, in words.
        bounds: what it may use at most.
    """

    mode: Mode
    selection: Selection
    chosen: Chosen = field(default_factory=Chosen)
    output: str | None = None
    operator: str = ""
    reason: str = ""
    bounds: Bounds = field(default_factory=Bounds)


async def frozen(file: ConfigFile, wish: Wish) -> Job:
    """Return a wish as a job: with an id, and with the offsets that the selection holds now. Nothing is kept yet.

    Raises:
        HaltError: the topic is no route's input, or does not exist; or the output is a topic of something else.
        UnavailableError: Kafka is away.
    """
    if wish.output is not None:
        refuse_output(file.config, wish.mode, wish.output)
    refuse_unrouted(wish.selection.topic, RouteTable(resolve(file).routes.values()))
    async with topic_reader(connections.kafka_connection(file.config.kafka)) as reader:
        spans = await spans_of(reader, wish.selection)
    now = SystemClock().now()
    return Job(
        id=new_id(now),
        mode=wish.mode,
        topic=wish.selection.topic,
        spans={tp.partition: (span.first, span.end) for tp, span in spans.items()},
        chosen=wish.chosen,
        output=wish.output,
        operator=wish.operator,
        ordered_at=now,
        reason=wish.reason,
        bounds=wish.bounds,
    )


async def planned(file: ConfigFile, job: Job, most: int, progress: Progress) -> Plan:
    """Return what a job would do. Kafka and Redis are read, and nothing is written.

    Args:
        file: the configuration.
        job: what would be done.
        most: records that are looked at; 0 is all of them.
        progress: told records done and records in all.

    Raises:
        HaltError: the job's expression has no value on an event, or an output topic does not exist.
        UnavailableError: Redis or Kafka is away.
    """
    config = file.config
    async with AsyncExitStack() as stack:
        codec = connections.codec_of(config, stack)
        client = await stack.enter_async_context(redis_client(config.redis, name=_NAME))
        reader = await stack.enter_async_context(topic_reader(connections.kafka_connection(config.kafka)))
        before = await (await live(config, stack)).committed(job.topic)
        routes = RouteTable(resolve(file).routes.values())
        planner = Planner(reader, codec, routes, RedisGlances(client), before)
        try:
            return await planner.plan(job, most, progress)
        except ExpressionError as error:
            raise HaltError(
                f"--where {error}; `has(event.payload.…)` asks whether a field is there"
            ) from error


def refuse_unsigned(file: ConfigFile, order: Order) -> None:
    """Refuse a job that works events for real, unless somebody ordered it whose word counts.

    Raises:
        HaltError: nobody did.
        ConfigurationError: a key cannot be read.
    """
    if order.job.mode.works:
        ordered_by(order, approvers(file.config.approvals))


@asynccontextmanager
async def open_jobs(file: ConfigFile) -> AsyncGenerator[Jobs]:
    """Yield where jobs are kept."""
    async with redis_client(file.config.redis, name=_NAME) as client:
        yield RedisJobs(client)


async def found(file: ConfigFile, job_id: str) -> JobRecord:
    """Return what is kept of a job.

    Raises:
        HaltError: there is no such job, or it cannot be read.
        UnavailableError: Redis is away.
    """
    async with open_jobs(file) as jobs:
        document = await jobs.find(job_id)
    if document is None:
        raise HaltError(f"there is no replay {job_id} in Redis; `pointsman replay --jobs` lists them")
    return _read(document)


async def listed(file: ConfigFile) -> Sequence[JobRecord]:
    """Return all jobs that are kept, latest first.

    Raises:
        HaltError: one cannot be read.
        UnavailableError: Redis is away.
    """
    async with open_jobs(file) as jobs:
        return [_read(document) for document in await jobs.listed()]


def _read(document: JobDocument) -> JobRecord:
    try:
        return JobRecord.of_document(document)
    except (ValueError, KeyError, TypeError, AttributeError, ExpressionError) as error:
        raise HaltError(
            f"what Redis has of a replay cannot be read, it was written by another version or by hand: {error!r} "
            f"in {str(document.get('job'))[:200]}"
        ) from error
