"""One run of one variant: on a backlog, at a rate, or watched for its memory. Each worker is a process of its own."""

import asyncio
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from processes import ProcessError, Running, started
from runtime_cells import Backlog, Cell, Pace
from runtime_figures import Figures, Memory, quantile
from runtime_topics import PARTITIONS, Outputs, Topics
from variants.event import events

_WORKER: Final = Path(__file__).parent / "variants" / "worker.py"
_END_S: Final = 40.0
_FLOW_S: Final = 30.0
_LOOK_S: Final = 0.2
_UNTIMED_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Bench:
    """The broker, its topics, and a folder for logs.

    Attributes:
        bootstrap: of the broker.
        topics: of the broker.
        folder: for the logs of workers.
        counter: names what has to be new for each run.
        backlogs: number of events by topic.
    """

    bootstrap: str
    topics: Topics
    folder: Path
    counter: "itertools.count[int]"
    backlogs: dict[str, int]


async def on_backlog(bench: Bench, cell: Cell, variant: str, linger_ms: int) -> Figures:
    """Measure a variant on a backlog; it stops in order, so that what it lost or did twice can be told.

    Raises:
        ProcessError: the worker ended early.
        TopicError: the topics are not as they must be.
    """
    topic = backlog_topic(cell.keys)
    words = (
        "--warmup",
        str(cell.warmup_s),
        "--seconds",
        str(cell.seconds),
        *(["--stuck"] if cell.stuck else []),
    )
    words += ("--in-flight", str(cell.in_flight))
    async with _outputs_topic(bench) as out:
        async with _worker(bench, variant, topic, out, cell.work_s, linger_ms, words) as worker:
            await _ready(worker)
            said = await _end(worker)
        if said["worked"] >= bench.backlogs[topic]:
            raise ProcessError(f"{variant} on {cell.name}: the backlog was used up, so nothing was measured")
        found = await asyncio.to_thread(bench.topics.outputs, out, out, cell.work_s * 1000)
    return _figures(cell.name, variant, linger_ms, said, found)


async def at_a_rate(bench: Bench, pace: Pace, variant: str, linger_ms: int) -> Figures:
    """Measure the latency that a variant adds; errors as `on_backlog`."""
    topic = f"paced-{next(bench.counter)}"
    await asyncio.to_thread(bench.topics.make, [topic])
    count = int(pace.rate * (pace.seconds + _UNTIMED_S)) + 1
    coming = events(count, pace.keys, PARTITIONS)
    publisher = bench.topics.publisher()

    def publish() -> None:
        begin = time.perf_counter()
        for number, event in enumerate(coming):
            time.sleep(max(0.0, begin + number / pace.rate - time.perf_counter()))
            publisher.publish(topic, event, timed=number >= _UNTIMED_S * pace.rate)
        publisher.flush()

    async with _outputs_topic(bench) as out:
        async with _worker(bench, variant, topic, out, pace.work_s, linger_ms, ()) as worker:
            publisher.publish(topic, next(coming), timed=False)
            await _ready(worker)
            await asyncio.to_thread(publish)
            await _until(lambda: bench.topics.count(out) >= count)
            os.kill(worker.pid, signal.SIGTERM)
            said = await _end(worker)
        found = await asyncio.to_thread(bench.topics.outputs, out, out, pace.work_s * 1000)
    await asyncio.to_thread(bench.topics.remove, [topic])
    return _figures(pace.name, variant, linger_ms, said, found, missing=count - found.events)


async def memory(bench: Bench, backlog: Backlog, variant: str, advance: Callable[[], None]) -> Memory:
    """Sample the worker's resident set each second while it works a backlog; errors as `on_backlog`."""
    topic = backlog_topic(backlog.keys)
    async with _outputs_topic(bench) as out:
        async with _worker(bench, variant, topic, out, backlog.work_s, 0, ()) as worker:
            await _ready(worker)
            await asyncio.sleep(backlog.settle_s)
            samples: list[float] = []
            for _ in range(backlog.seconds):
                samples.append(_resident_mib(worker.pid))
                advance()
                await asyncio.sleep(1)
            os.kill(worker.pid, signal.SIGTERM)
            said = await _end(worker)
        left = bench.backlogs[topic] - said["worked"]
        if left <= 0:
            raise ProcessError(f"{backlog.name}: it was used up, so nothing was shown")
    return Memory(tuple(round(one, 1) for one in samples), said["worked"], left)


def backlog_topic(keys: int) -> str:
    return f"backlog-{keys}"


@asynccontextmanager
async def _outputs_topic(bench: Bench) -> AsyncGenerator[str]:
    """Make a topic whose name is that of the worker's group as well; it goes at the end, for the disk's sake."""
    name = f"out-{next(bench.counter)}"
    await asyncio.to_thread(bench.topics.make, [name])
    yield name
    await asyncio.to_thread(bench.topics.remove, [name])


@asynccontextmanager
async def _worker(
    bench: Bench,
    variant: str,
    topic: str,
    out: str,
    work_s: float,
    linger_ms: int,
    words: Sequence[str],
) -> AsyncGenerator[Running]:
    command = (
        *(sys.executable, _WORKER, "--variant", variant, "--bootstrap", bench.bootstrap),
        *("--topic", topic, "--out", out, "--group", out, "--partitions", str(PARTITIONS)),
        *("--work", str(work_s), "--linger-ms", str(linger_ms), *words),
    )
    async with started(command, log=bench.folder / f"{variant}-{out}.log") as worker:
        yield worker


async def _ready(worker: Running) -> None:
    await worker.first_line()


async def _end(worker: Running) -> dict[str, Any]:
    """Return what a worker says at its end, once it has ended."""
    said = await worker.first_line()
    async with asyncio.timeout(_END_S):
        code = await worker.process.wait()
    if code or not said:
        raise ProcessError(f"{worker.log.stem} ended with {code}: {worker.tail()}")
    return json.loads(said)


async def _until(there: Callable[[], bool]) -> None:
    """Wait until something is there, but not for ever: what is missing then is counted."""
    deadline = time.monotonic() + _FLOW_S
    while time.monotonic() < deadline and not await asyncio.to_thread(there):  # noqa: ASYNC110 - the broker tells nobody
        await asyncio.sleep(_LOOK_S)


def _figures(
    load: str, variant: str, linger_ms: int, said: dict[str, Any], found: Outputs, *, missing: int = 0
) -> Figures:
    count, seconds = said["events"], said["seconds"]
    p50, p99 = (quantile(found.latencies_ms, share) for share in (0.5, 0.99))
    return Figures(
        load=load,
        variant=variant,
        linger_ms=linger_ms,
        events=count,
        seconds=round(seconds, 3),
        events_per_s=round(count / seconds, 2),
        cpu_ms=round(said["cpu_s"] / count * 1000, 4) if count else None,
        peak_mib=round(said["peak_mib"], 1),
        out_of_order=said["out_of_order"],
        outputs_out_of_order=found.out_of_order,
        lost=max(found.lost, missing),
        twice=found.twice,
        p50_ms=None if p50 is None else round(p50, 2),
        p99_ms=None if p99 is None else round(p99, 2),
    )


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessError(f"no VmRSS of process {pid}")
