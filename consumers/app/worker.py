"""A worker's life: compose, serve health, consume, stop in three steps - take nothing more, drain, leave."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from consumers.adapters import health_server
from consumers.app import compose
from consumers.app.config_file import ConfigFile
from consumers.app.resolve import resolve
from consumers.telemetry.deadman import Deadman
from consumers.telemetry.health import Health
from consumers.telemetry.metrics import READY

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What is known once a worker takes events."""

    health_address: str
    topics: tuple[str, ...]


async def run_worker(
    file: ConfigFile,
    *,
    stop: asyncio.Event,
    started: Callable[[WorkerInfo], None] | None = None,
    adapt: compose.Adapt = compose.as_made,
) -> None:
    """Run a worker until `stop` is set, then drain, commit and leave the group.

    Args:
        file: the configuration.
        stop: set it to end the worker in order.
        started: called once, when the group has given the worker its partitions.
        adapt: puts other parts in place of those that the configuration asks for.

    Raises:
        ConfigurationError: with every mistake in the configuration; nothing was started.
        BaseExceptionGroup: a part of the worker failed or is wedged; nothing unfinished was committed.
    """
    resolved = resolve(file)
    async with AsyncExitStack() as stack:
        worker = await compose.worker(file, resolved, stack, adapt)
        for warning in await worker.store.unchecked.check():
            _log.warning(warning)
        health = Health()
        health.not_ready("kafka", "no partitions assigned yet")
        telemetry = file.config.telemetry
        server = await health_server.serve(health, worker.metrics, host=telemetry.host, port=telemetry.port)
        stack.push_async_callback(server.close)
        health.watch("runtime", worker.loop.watch.wedged)
        health.detail("partitions", worker.loop.watch.standings)
        deadman = stack.enter_context(Deadman(file.config.limits.stalled_s, worker.loop.watch.told))
        async with asyncio.TaskGroup() as group:
            leases = group.create_task(worker.store.sessions.keep_leases(), name="keep leases")
            ready = group.create_task(_announce(worker, health, server.address, started), name="announce")
            stopper = group.create_task(_stop_on(stop, worker, health), name="stop")
            checked = asyncio.Event()
            keep = group.create_task(_keep_store(worker, health, checked), name="keep the store")
            beat = group.create_task(deadman.beat(), name="beat")
            expire = group.create_task(_expire(worker, checked), name="look at deadlines")
            if await _first(checked, stop):
                await worker.loop.run()
            for task in (leases, ready, stopper, keep, beat, expire):
                task.cancel()
        _log.info("stopped")


async def _announce(
    worker: compose.Worker,
    health: Health,
    address: str,
    started: Callable[[WorkerInfo], None] | None,
) -> None:
    await worker.loop.assigned.wait()
    health.ready("kafka")
    worker.metrics.set(READY, int(health.is_ready))
    _log.info("ready")
    if started:
        started(WorkerInfo(address, worker.loop.topics))


async def _stop_on(stop: asyncio.Event, worker: compose.Worker, health: Health) -> None:
    await stop.wait()
    health.not_ready("stop", "ending in order: nothing more is taken")
    worker.metrics.set(READY, 0)
    worker.loop.stop()


async def _keep_store(worker: compose.Worker, health: Health, checked: asyncio.Event) -> None:
    """Say in readiness whether Redis answers and has what it acknowledged; events wait for both."""

    def tell(why: str | None) -> None:
        if why is None:
            health.ready("redis")
        else:
            health.not_ready("redis", why)
        worker.metrics.set(READY, int(health.is_ready))

    await worker.store.keeper.settle(tell)
    checked.set()
    await worker.store.keeper.watch(tell)


async def _expire(worker: compose.Worker, checked: asyncio.Event) -> None:
    await checked.wait()
    await worker.expiring.watch()


async def _first(event: asyncio.Event, other: asyncio.Event) -> bool:
    """Wait for one of two events, and return whether it is the first one."""
    waits = [asyncio.create_task(each.wait(), name="wait for the store") for each in (event, other)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return event.is_set()
