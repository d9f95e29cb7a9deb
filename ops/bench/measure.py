"""One variant, measured: a warm-up, a burst for cost and throughput, and a paced stretch for latency."""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ledger import faults
from load import OUTCOMES, Finished, Shop, orders
from processes import cpu_s, peak_mib, started
from servers import Servers, running_servers
from workers import Variant, command

from consumers.adapters import kafka_clients
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.registry.folder import FolderRegistry


@dataclass(frozen=True, slots=True)
class Size:
    """How much is published, in this order."""

    warmup: int
    burst: int
    paced: int
    rate: float
    """Paced events a second: the same for every variant, so that their latencies compare."""
    customers: int
    timeout_s: float

    def events(self) -> list[Envelope]:
        return orders(self.warmup + self.burst + self.paced, self.customers)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one variant took.

    Attributes:
        worker: which one.
        broker: on which broker.
        events: of the burst.
        wall_s: from the first publish to the last outcome of the burst.
        events_per_s: of the burst.
        cpu_ms_per_event: of the burst, by process.
        worker_peak_mib: largest resident set of the worker.
        latency_p50_ms: of the paced stretch, from event to outcome; None where there is none.
        latency_p99_ms: the same.
        outcomes_twice: outcomes that came once more; subscribers drop them by their id.
        faults: what was not as it must be; empty where all is well.
        worker_cpu_rounds: the worker's CPU in every round, sorted; all else is of the round in the middle.
    """

    worker: str
    broker: str
    events: int
    wall_s: float
    events_per_s: float
    cpu_ms_per_event: dict[str, float]
    worker_peak_mib: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    outcomes_twice: int
    faults: tuple[str, ...]
    worker_cpu_rounds: tuple[float, ...] = ()

    @property
    def worker_cpu_ms(self) -> float:
        return self.cpu_ms_per_event["worker"]


def middle(rounds: Sequence[Measured]) -> Measured:
    """Return the round with the median CPU of the worker, and with every fault that any round had."""
    ordered = sorted(rounds, key=lambda one: one.worker_cpu_ms)
    faults = dict.fromkeys(fault for one in rounds for fault in one.faults)
    cpu = tuple(one.worker_cpu_ms for one in ordered)
    return replace(ordered[(len(ordered) - 1) // 2], faults=tuple(faults), worker_cpu_rounds=cpu)


async def measure(
    variant: Variant, size: Size, advance: Callable[[int], None], *, profile: Path | None = None
) -> Measured:
    """Run a variant on fresh servers.

    Args:
        variant: what to run.
        size: how much.
        advance: told how many outcomes are there.
        profile: where the worker writes samples of where its time goes, or None.

    Raises:
        ProcessError: a server or the worker ended.
        TimeoutError: outcomes are missing.
    """
    async with AsyncExitStack() as exits:
        temporary = tempfile.TemporaryDirectory(prefix="pointsman-bench-", ignore_cleanup_errors=True)
        folder = Path(exits.enter_context(temporary))
        servers = await exits.enter_async_context(running_servers(folder, variant.broker, size.customers))
        how = command(variant, servers, profile)
        log = folder / "worker.log"
        worker = await exits.enter_async_context(started(how.words, log=log, environment=how.environment))
        shop = await exits.enter_async_context(open_shop(servers))
        events = size.events()
        warmup, burst = events[: size.warmup], events[size.warmup : size.warmup + size.burst]
        paced = events[size.warmup + size.burst :]

        def alive() -> None:
            worker.check()
            servers.check()

        async def collect(count: int) -> None:
            await shop.collect(count, seen=advance, alive=alive, within_s=size.timeout_s)

        await shop.publish(warmup)
        await collect(len(warmup))
        pids = {"worker": worker.pid, **servers.pids}
        before, began = {name: cpu_s(pid) for name, pid in pids.items()}, time.perf_counter()
        await shop.publish(burst)
        await collect(len(warmup) + len(burst))
        wall_s = time.perf_counter() - began
        used_s = {name: cpu_s(pid) - before[name] for name, pid in pids.items()}

        publishing = asyncio.create_task(shop.publish_at(paced, size.rate), name="publish")
        await collect(len(events))
        await publishing

        finished = await shop.finished()
        latencies = _latencies(shop, finished, paced)
        return Measured(
            worker=variant.worker,
            broker=variant.broker,
            events=len(burst),
            wall_s=round(wall_s, 2),
            events_per_s=round(len(burst) / wall_s, 1),
            cpu_ms_per_event={name: round(s / len(burst) * 1000, 2) for name, s in used_s.items()},
            worker_peak_mib=round(peak_mib(worker.pid), 1),
            latency_p50_ms=_quantile(latencies, 0.5),
            latency_p99_ms=_quantile(latencies, 0.99),
            outcomes_twice=shop.copies,
            faults=(*_outcome_faults(events, finished), *faults(servers.database, events)),
        )


@asynccontextmanager
async def open_shop(servers: Servers) -> AsyncGenerator[Shop]:
    """Yield the shop's ways to the servers, closed with the block."""
    async with AsyncExitStack() as exits:
        codec = RecordCodec(FolderRegistry())
        await codec.ready()
        producer = kafka_clients.producer(servers.connection)
        await producer.start()
        exits.push_async_callback(kafka_clients.stop, producer)
        outcomes = kafka_clients.reader(servers.connection)
        outcomes.subscribe([OUTCOMES])
        await outcomes.start()
        exits.push_async_callback(kafka_clients.stop, outcomes)
        yield Shop(producer, outcomes, codec)


def _outcome_faults(events: Sequence[Envelope], finished: Sequence[Finished]) -> list[str]:
    wanted, told = {event.id for event in events}, {one.event_id for one in finished}
    found: list[str] = []
    if wanted != told or len(finished) != len(told):
        found.append(f"outcomes: {len(wanted - told)} missing, {len(finished) - len(wanted & told)} too much")
    if unsuccessful := [one.event_id for one in finished if not one.success]:
        found.append(f"outcomes: {len(unsuccessful)} without success, such as {unsuccessful[0]}")
    return found


def _latencies(shop: Shop, finished: Sequence[Finished], paced: Sequence[Envelope]) -> list[float]:
    wanted = {event.id for event in paced}
    return [one.at_ms - shop.published_ms[one.event_id] for one in finished if one.event_id in wanted]


def _quantile(values: Sequence[float], share: float) -> float | None:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else None
