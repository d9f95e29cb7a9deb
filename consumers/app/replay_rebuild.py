"""Composition of a replay in rebuild mode: no model and no connector is there."""

import asyncio
import gc
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack, contextmanager
from typing import Final

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_span_reader import span_reader
from consumers.adapters.kafka_transactions import TransactionalSender
from consumers.adapters.redis_glances import RedisGlances
from consumers.app import connections
from consumers.app.config_file import ConfigFile
from consumers.app.redis_login import redis_client
from consumers.app.replay_figures import JobFigures
from consumers.app.resolve import resolve
from consumers.app.store import Store, open_store
from consumers.errors import UnavailableError
from consumers.ports.clock import SystemClock
from consumers.replay.job import Job
from consumers.replay.looking import Looking
from consumers.replay.pace import Pace
from consumers.replay.reached import Tally
from consumers.replay.rebuild import BATCH, Rebuild
from consumers.router.route import RouteTable

_COLLECTED_AT: Final = 20_000
"""Objects more than before: some batches of outcomes."""
_STILL_S: Final = 60.0
"""A store of which nothing new is heard for so long is given up."""


async def run_rebuild(
    file: ConfigFile,
    job: Job,
    *,
    progress: Callable[[int, int], None],
    stop: asyncio.Event,
    pace: Pace,
    batch: int = BATCH,
    figures: JobFigures | None = None,
) -> Tally:
    """Run a job in rebuild mode, or go on with it, in the consumer group `<group>.replay.<job id>`.

    A Redis that was emptied, or has started anew, is checked and rebuilt from the steps topic first, as a worker does it.

    Args:
        file: the configuration.
        job: what was ordered.
        progress: told records done, by all runs of the job, and records in all.
        stop: set it to end early, in order; a later run of the same job goes on there.
        pace: says when records may be taken.
        batch: records in one transaction at most.
        figures: what it shows of itself.

    Returns what became of all records of the job, by all its runs.

    Raises:
        HaltError: the configuration is wrong, the topic is no route's input or was made anew, or another process has
            taken over the job.
        UnavailableError: Redis, Kafka or the registry is away; what was done stays done.
    """
    config, figures = file.config, figures or JobFigures(job)
    async with AsyncExitStack() as stack:
        stack.enter_context(_few_collections())
        codec = await connections.record_codec(config, stack)
        outbox = await connections.outbox(config, codec, stack)
        store = await open_store(config, codec, outbox, figures.metrics, stack)
        await _settled(store, figures)
        client = await stack.enter_async_context(
            redis_client(config.redis, name="pointsman-replay", trust=store.trust)
        )
        connection, name = connections.kafka_connection(config.kafka), f"{config.kafka.group}.replay.{job.id}"
        reader = await stack.enter_async_context(span_reader(connection, job.topic, name))

        def sender_of(number: int) -> TransactionalSender:
            transactional_id = f"{name}.{number}"
            return TransactionalSender(
                f"job {job.id}, partition {number}",
                name,
                lambda: kafka_clients.producer(
                    connection,
                    transactional_id=transactional_id,
                    batch_bytes=kafka_clients.LARGE_BATCH_BYTES,
                ),
            )

        routes = RouteTable(resolve(file).routes.values())
        rebuild = Rebuild(
            looking=Looking(codec, routes, RedisGlances(client, store.trust)),
            routes=routes,
            reader=reader,
            sender_of=sender_of,
            messages=connections.own_messages(config.kafka, codec),
            pace=pace,
            clock=SystemClock(),
            batch=batch,
        )

        def told(done: int, in_all: int) -> None:
            figures.tell(done, rebuild.tally)
            progress(done, in_all)

        return await rebuild.run(job, progress=told, stop=stop)


@contextmanager
def _few_collections() -> Generator[None]:
    """Have the garbage collector look at less, and less often: batches come and go, and nothing of them is circular.

    Otherwise a fifth of a replay is spent looking through all that the process has loaded.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_COLLECTED_AT, before[1], before[2])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def _settled(store: Store, figures: JobFigures) -> None:
    """Return once the store is checked.

    Raises:
        UnavailableError: nothing new was heard of it for a while.
    """
    last: str | None = None
    within = asyncio.timeout(_STILL_S)

    def tell(why: str | None) -> None:
        nonlocal last
        figures.waits(why)
        if why != last:
            last = why
            within.reschedule(asyncio.get_running_loop().time() + _STILL_S)

    try:
        async with within:
            await store.keeper.settle(tell)
    except TimeoutError as error:
        raise UnavailableError(last or "Redis: whether it is what was checked is not known") from error
