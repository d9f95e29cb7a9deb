"""What a backfill costs live traffic: latency of live events with and without one beside them, on real Kafka.

A live worker gets events at a steady rate, well below what it could work. Stretches without a backfill and with one take
turns, in several rounds, on one set of servers; which comes first changes. The backfill is one job, stopped and gone on with.
Latency is from publishing to the outcome, by Kafka's timestamps. Fails where the 99th percentile with it is more than 1.10
of that without, or where an outcome or an effect is missing, double or too much. Results go to `ops/bench/results/`.

Examples:
    python ops/bench/backfill.py
    python ops/bench/backfill.py --quick            # a minute of it; no results
    python ops/bench/backfill.py --backfill-rate 0  # as fast as it goes, and no faster than live work allows
"""

import argparse
import asyncio
import sqlite3
import sys
import tempfile
from contextlib import AbstractAsyncContextManager, AsyncExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from aiokafka import TopicPartition
from aiokafka.structs import OffsetAndMetadata
from backfill_report import Stretch, aims, show, write_json
from load import ORDERS, Shop, orders
from measure import open_shop
from processes import ProcessError, Running, started, stop
from rich.console import Console
from servers import Servers, running_servers, why_no_kafka
from workers import Variant, command

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_reader import topic_reader
from consumers.app.config_file import read_config
from consumers.errors import PointsmanError
from consumers.replay.chosen import Chosen
from consumers.replay.job import Job, Mode, new_id
from schemas.envelope import Envelope

HERE = Path(__file__).parent
RESULTS = HERE / "results"
REST_S = 2.0
"""Between two stretches, for what is under way to end."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much, and how fast."""

    rounds: int
    seconds: float
    rate: float
    backlog: int
    backfill_rate: float
    at_once: int
    yield_lag: int

    @property
    def live(self) -> int:
        """Live events of one stretch."""
        return round(self.seconds * self.rate)


class Bench:
    """The servers, the live worker and the shop of one run."""

    def __init__(self, size: Size, servers: Servers, shop: Shop, worker: Running, job: Path) -> None:
        self._size = size
        self._servers = servers
        self._shop = shop
        self._worker = worker
        self._job = job
        self.collected = 0

    async def stretch(self, events: list[Envelope], *, backfill: bool) -> tuple[list[str], int]:
        """Publish live events evenly, and wait for their outcomes; return their ids, and how many were backfilled."""
        worked = 0
        async with AsyncExitStack() as exits:
            side = await exits.enter_async_context(self._side()) if backfill else None
            if side is not None:
                await side.first_line()
            await self._shop.publish_at(events, self._size.rate)
            if side is not None:
                side.check()
                worked = await _ended(side)
        self.collected += len(events) + worked
        await self._shop.collect(
            self.collected, seen=lambda _count: None, alive=self._alive, within_s=60 + self._size.seconds
        )
        await asyncio.sleep(REST_S)
        return [event.id for event in events], worked

    def _side(self) -> AbstractAsyncContextManager[Running]:
        size, folder = self._size, self._servers.folder
        words = (
            *(sys.executable, HERE / "backfill_side.py"),
            *("--config", folder / "pointsman.yaml", "--job", self._job),
            *("--rate", str(size.backfill_rate), "--at-once", str(size.at_once)),
            *("--yield-lag", str(size.yield_lag)),
        )
        return started(words, log=folder / "backfill.log")

    def _alive(self) -> None:
        self._worker.check()
        self._servers.check()


async def _ended(side: Running) -> int:
    """Have a backfill stopped in order, and return how many events it worked."""
    side.process.terminate()
    assert side.process.stdout is not None
    async with asyncio.timeout(60):
        tally = orjson.loads(await side.process.stdout.readline())
        await side.process.wait()
    return tally.get("success", 0)


async def _ordered(servers: Servers, folder: Path) -> Path:
    """Order a backfill of all that the topic holds, and have the live group begin behind that."""
    async with topic_reader(servers.connection) as source:
        spans = await source.spans([ORDERS])
    at = datetime.now(UTC)
    held = {tp.partition: (span.first, span.end) for tp, span in spans.items()}
    job = Job(new_id(at), Mode.BACKFILL, ORDERS, held, Chosen(), None, "bench", at)
    group = read_config(folder / "pointsman.yaml").config.kafka.group
    consumer = kafka_clients.group_consumer(
        servers.connection, group=group, instance_id=None, session_timeout_s=10
    )
    await consumer.start()
    consumer.assign(list(spans))
    ends: dict[TopicPartition, OffsetAndMetadata] = {
        tp: OffsetAndMetadata(span.end, "") for tp, span in spans.items()
    }
    await consumer.commit(ends)
    await kafka_clients.stop(consumer)
    file = folder / "job.json"
    file.write_bytes(orjson.dumps(job.document()))
    return file


async def _measure(size: Size, console: Console) -> tuple[list[Stretch], tuple[str, ...]]:
    async with AsyncExitStack() as exits:
        temporary = tempfile.TemporaryDirectory(prefix="pointsman-bench-", ignore_cleanup_errors=True)
        folder = Path(exits.enter_context(temporary))
        customers = 200
        servers = await exits.enter_async_context(running_servers(folder, "kafka", customers))
        how = command(Variant("pointsman", "kafka"), servers, None)
        shop = await exits.enter_async_context(open_shop(servers))
        warmup = max(20, size.live // 4)
        events = orders(size.backlog + warmup + 2 * size.rounds * size.live, customers)
        backlog, live = events[: size.backlog], events[size.backlog :]
        await shop.publish(backlog)
        job = await _ordered(servers, folder)
        worker = await exits.enter_async_context(
            started(how.words, log=folder / "worker.log", environment=how.environment)
        )
        bench = Bench(size, servers, shop, worker, job)
        await bench.stretch(live[:warmup], backfill=False)
        stretches: list[tuple[bool, list[str], int]] = []
        at = warmup
        for number in range(size.rounds):
            for backfill in (False, True) if number % 2 == 0 else (True, False):
                ids, worked = await bench.stretch(live[at : at + size.live], backfill=backfill)
                stretches.append((backfill, ids, worked))
                at += size.live
                console.print(f"round {number + 1}, {'with' if backfill else 'without'}: {worked} backfilled")
        await stop(worker.process)
        ended = {one.event_id: one for one in await shop.finished()}
        done = [event for event in events if event.id in ended]
        found = _faults(servers.database, done)
    published = shop.published_ms
    return [
        Stretch(backfill, tuple(round(ended[name].at_ms - published[name], 1) for name in ids), worked)
        for backfill, ids, worked in stretches
    ], tuple(found)


def _faults(database: Path, done: list[Envelope]) -> list[str]:
    """Return what is missing or double; a backlog that is left half-way may have more orders than outcomes."""
    found: list[str] = []
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
        for what, rows in (
            ("order", "SELECT customer_id, quantity, count(*) FROM orders GROUP BY 1, 2"),
            (
                "shipment",
                "SELECT o.customer_id, o.quantity, count(*) FROM shipments JOIN orders AS o USING (order_id) GROUP BY 1, 2",
            ),
        ):
            counts = {(whose, pieces): count for whose, pieces, count in connection.execute(rows)}
            for event in done:
                count = counts.get((event.payload["customer_id"], event.payload["quantity"]), 0)
                if count != 1:
                    found.append(f"{event.id}: {count} {what}s")
            twice = sum(count > 1 for (whose, _), count in counts.items() if whose.startswith("C-BENCH-"))
            if twice:
                found.append(f"{twice} {what}s of the benchmark are double")
    return found


def main() -> None:
    options = _options()
    size = Size(
        rounds=1 if options.quick else options.rounds,
        seconds=15 if options.quick else options.seconds,
        rate=options.rate,
        backlog=options.backlog,
        backfill_rate=options.backfill_rate,
        at_once=options.at_once,
        yield_lag=options.yield_lag,
    )
    if why := why_no_kafka():
        sys.exit(f"ops/bench/backfill.py: {why}")
    console = Console(highlight=False)
    try:
        stretches, found = asyncio.run(_measure(size, console))
    except (ProcessError, PointsmanError, TimeoutError) as error:
        sys.exit(f"ops/bench/backfill.py: {error or 'outcomes are missing'}")
    show(console, stretches, found)
    if not options.quick:
        write_json(RESULTS / "backfill.json", size, stretches, found)
    if found or not aims(stretches).met:
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=4, help="of two stretches (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=40, help="of a stretch (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=10, help="live events a second (default: %(default)s)")
    parser.add_argument("--backlog", type=int, default=4000, help="old events (default: %(default)s)")
    parser.add_argument("--backfill-rate", type=float, default=5, help="a second; 0 is none (%(default)s)")
    parser.add_argument("--at-once", type=int, default=2, help="of the backfill (default: %(default)s)")
    parser.add_argument("--yield-lag", type=int, default=100, help="live events that wait (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one short round; no results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
