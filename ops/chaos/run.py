"""One run: servers, workers, traffic, strikes, then calm, and what is known at the end."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from commits import Watcher, logged
from effects import read_books
from facts import Facts
from figures import Figures, figures
from plan import Order, Size, strikes
from plan import orders as planned_orders
from processes import until
from servers import ORDERS, PARTITIONS, Servers, running_servers
from striking import Striking
from traffic import Traffic, running_traffic
from workers import Workers, running_workers

from schemas.topics import OUTCOMES, STEPS, TOPICS

Delivery = Literal["at-least-once", "transactional"]
SMALLEST_BACKLOG = 100
SETTLE_S = 90.0
"""How long commits and transactions may take to follow the last outcome."""
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run; `stall_s` is how long no event at all may end."""

    size: Size
    seed: int
    delivery: Delivery
    stall_s: float

    @property
    def backlog(self) -> int:
        """How many events are unfinished all the time."""
        return max(SMALLEST_BACKLOG, self.size.events // 10)


@dataclass(frozen=True, slots=True)
class Ran:
    """What is known of a run, in figures and whole, and what was done when."""

    facts: Facts
    figures: Figures
    timeline: Sequence[tuple[float, str]]


Advance = Callable[[int, str], None]
"""Told how many events have an outcome, and what happened last."""


async def run(job: Job, folder: Path, advance: Advance) -> Ran:
    """Run it in an empty folder.

    Raises:
        ChaosError: what is not under test has failed; mostly inside an exception group.
    """
    orders = planned_orders(job.size, job.seed)
    settings = {} if job.delivery == "at-least-once" else {"POINTSMAN_KAFKA__DELIVERY": job.delivery}
    async with AsyncExitStack() as exits:
        servers = await exits.enter_async_context(running_servers(folder, job.size.keys))
        workers = await exits.enter_async_context(running_workers(servers, job.size.workers, settings))
        traffic = await exits.enter_async_context(running_traffic(servers.bootstrap))
        watcher = Watcher(servers.bootstrap, servers.group)
        exits.callback(watcher.close)
        striking = Striking(
            strikes(job.size, job.seed),
            workers=workers,
            broker=servers.broker,
            traffic=traffic,
            backlog=job.backlog,
            trickle=job.size.events / 200,
        )
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(traffic.collect(), name="collect"),
                tasks.create_task(watcher.watch(), name="watch commits"),
                tasks.create_task(_guard(servers, workers), name="guard"),
            ]
            load = [
                tasks.create_task(traffic.publish(orders, striking.may), name="publish"),
                tasks.create_task(striking.run(), name="strike"),
            ]
            await _until_finished(traffic, striking, load, job.stall_s, advance)
            seconds = time.monotonic() - began
            input_ends = await watcher.ends(ORDERS, PARTITIONS)
            committed = await _settled(watcher, input_ends)
            await workers.end()
            ends = await watcher.ends(OUTCOMES.name, OUTCOMES.partitions)
            await until(
                lambda: all(traffic.read.get(n, -1) >= end for n, end in ends.items()), within_s=SETTLE_S
            )
            others = [topic for topic in TOPICS if topic not in {OUTCOMES, STEPS}]
            strays = {t.name: sum((await watcher.ends(t.name, t.partitions)).values()) for t in others}
            for task in background:
                task.cancel()
        commits, generations = await asyncio.to_thread(logged, servers.bootstrap, servers.group)
        facts = Facts(
            transactional=job.delivery == "transactional",
            orders=orders,
            accepted=traffic.accepted,
            refused=[*traffic.refused, *_unpublished(orders, traffic)],
            input_ends=input_ends,
            outcomes=traffic.outcomes,
            said=await traffic.numbered(),
            strays=strays,
            books=read_books(servers.database),
            samples=watcher.samples,
            commits=commits,
            committed=committed,
            faults=workers.faults,
            ends=workers.done["kills"] + workers.done["ends"],
        )
        return Ran(facts, figures(facts, workers, striking, seconds, generations), striking.done)


async def _until_finished(
    traffic: Traffic,
    striking: Striking,
    load: Sequence["asyncio.Task[None]"],
    stall_s: float,
    advance: Advance,
) -> None:
    """Wait until all is published, done and finished, or nothing moves any more; then what is left is given up."""
    moved_at, seen = time.monotonic(), 0
    while not all(task.done() for task in load) or traffic.unfinished > len(traffic.refused):
        advance(len(traffic.ids), striking.done[-1][1] if striking.done else "")
        if len(traffic.ids) != seen:
            moved_at, seen = time.monotonic(), len(traffic.ids)
        elif time.monotonic() - moved_at > stall_s:
            for task in load:
                task.cancel()
            await asyncio.wait(load)
            return
        await asyncio.sleep(_LOOK_S)
    advance(len(traffic.ids), "calm")


async def _settled(watcher: Watcher, ends: dict[int, int]) -> dict[int, int]:
    """Return what is committed once it is everything, or what it is when that takes too long."""
    committed: dict[int, int] = {}
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        committed = await watcher.committed()
        if all(committed.get(partition, 0) == end for partition, end in ends.items()):
            break
        await asyncio.sleep(_LOOK_S)
    return committed


async def _guard(servers: Servers, workers: Workers) -> None:
    while True:
        servers.check()
        workers.check()
        await asyncio.sleep(_LOOK_S)


def _unpublished(orders: Sequence[Order], traffic: Traffic) -> list[str]:
    left = len(orders) - traffic.published
    return [f"{left} events were not published, because none ended any more"] if left else []
