"""One simulated world: a fake broker, workers that come and go, events that are published meanwhile."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from consumers.errors import HaltError, UnavailableError
from consumers.ports.consumer_group import PartitionId
from consumers.runtime.letters import Letters
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.loop import ConsumerLoop
from consumers.runtime.parked_keys import Parked, ParkedKeys
from consumers.runtime.publishing import DirectPublisher
from consumers.runtime.transactional import TransactionalPublisher
from consumers.telemetry.metrics import Metrics
from schemas.parked import ParkedKey, mark_of, read_parked
from schemas.record import Outgoing
from tests.simulation.fake_broker import FakeBroker
from tests.simulation.fake_group import FakeGroup
from tests.simulation.fake_link import Link
from tests.simulation.fake_parked_log import FakeParkedLog
from tests.simulation.fake_producer import FakeProducer
from tests.simulation.fake_transactions import FakeTransactionsOpener
from tests.simulation.sim_handler import KINDS, SimHandler, SimSystems
from tests.simulation.virtual_time import STARTS_AT, owned, unowned

GROUP: Final = "workers"
INPUT: Final = "in"
PARTITIONS: Final = 3
SESSION_S: Final = 10.0
LIMITS: Final = RuntimeLimits(
    in_flight=6,
    partition_records=12,
    partition_bytes=400,
    total_bytes=900,
    key_records=6,
    drain_s=5.0,
    leave_s=3.0,
    commit_interval_s=0.5,
    retry_max_s=3.0,
    retry_total_s=15.0,
    parked_keys=5,
    dead_letters_in_a_row=1_000_000,
    dead_letter_ratio=1.0,
    dead_letter_window=1_000_000,
    stalled_s=200.0,
)


class SimClock:
    """The time of day in the simulation."""

    def now(self) -> datetime:
        """Return it."""
        passed = asyncio.get_running_loop().time() - STARTS_AT
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=passed)

    def seconds(self) -> float:
        """Return the loop's."""
        return asyncio.get_running_loop().time()


@dataclass(slots=True, eq=False)
class SimWorker:
    """One worker process."""

    name: str
    link: Link
    loop: ConsumerLoop
    task: asyncio.Task[None]


@dataclass(slots=True, eq=False)
class World:
    """What a simulation plays with.

    Attributes:
        rng: all chance.
        transactional: how outputs are published.
        workers: alive, by name.
        events: accepted ones, by name: where each lies.
        silent: those that come to no outcome when they are worked.
        died: why workers ended by themselves.
    """

    rng: random.Random
    transactional: bool
    broker: FakeBroker
    systems: SimSystems = field(default_factory=SimSystems)
    workers: dict[str, SimWorker] = field(default_factory=dict[str, SimWorker])
    events: dict[str, tuple[PartitionId, int, bytes | None]] = field(
        default_factory=dict[str, tuple[PartitionId, int, bytes | None]]
    )
    silent: set[str] = field(default_factory=set[str])
    died: list[str] = field(default_factory=list[str])
    _count: int = 0

    @classmethod
    def made(cls, seed: int) -> "World":
        """Return a world with its topics."""
        rng = random.Random(seed)
        world = cls(rng, rng.random() < 0.5, FakeBroker(random.Random(rng.random())))
        for topic, partitions in ((INPUT, PARTITIONS), ("out", 2), ("dead", 1), ("parked", 2)):
            world.broker.create_topic(topic, partitions)
        return world

    def start_worker(self) -> SimWorker:
        """Start one more worker."""
        self._count += 1
        name = f"w{self._count}"
        link = self.broker.connect(name)
        loop = self._loop(link)
        worker = SimWorker(name, link, loop, owned(name, self._run(name, loop), name=name))
        self.workers[name] = worker
        return worker

    def forget(self, worker: SimWorker) -> None:
        """Take note that a worker is no more, or ends."""
        self.workers.pop(worker.name, None)

    def publish(self, key: bytes | None) -> None:
        """Publish one event, and now and then something that leaves a gap."""
        self._count += 1
        name = f"e{self._count}"
        value = None if self.rng.random() < 0.02 else f"{self.rng.choice(KINDS)} {name}".encode()
        pid = self.broker.partition_for(Outgoing(INPUT, key, value))
        log = self.broker.log(*pid)
        if self.rng.random() < 0.2:  # compacted away before anybody reads it, or after
            self.broker.append(pid, [Outgoing(INPUT, b"noise", f"silent n{self._count}".encode())])
            log.compact([log.end - 1])
        self.events[name] = (pid, log.end, key)
        if value is not None and value.startswith(b"silent"):
            self.silent.add(name)
        self.broker.append(pid, [Outgoing(INPUT, key, value)])
        if self.rng.random() < 0.1:
            log.end_transaction(-7, commit=False)  # the marker of somebody's transaction

    def release(self) -> None:
        """Do what an operator does: ask for every key that is parked to be worked."""
        for key, parked in self.parked().items():
            if not parked.releasing:
                message = mark_of("parked", key, "release")
                self.broker.append(self.broker.partition_for(message), [message])

    def parked(self) -> Mapping[ParkedKey, Parked]:
        """Return what is parked."""
        state = ParkedKeys()
        for record in self.broker.read_committed("parked"):
            state.apply(record, read_parked(record))
        return state.keys

    def _loop(self, link: Link) -> ConsumerLoop:
        rng = random.Random(self.rng.random())
        group = FakeGroup(self.broker, link, group=GROUP, session_s=SESSION_S, heartbeat_s=3.0)
        letters, metrics = Letters("dead", "parked", SimClock()), Metrics()
        return ConsumerLoop(
            group=group,
            topics=[INPUT],
            handler=SimHandler(self.systems, link, rng),
            publisher=TransactionalPublisher(
                FakeTransactionsOpener(self.broker, link, group=GROUP),
                group,
                rewrite=letters.rewrite,
                linger_s=LIMITS.transaction_s,
                metrics=metrics,
                rng=rng,
            )
            if self.transactional
            else DirectPublisher(FakeProducer(self.broker, link), group, metrics),
            parked=FakeParkedLog(self.broker, link, "parked"),
            letters=letters,
            limits=LIMITS,
            lease_s=SESSION_S,
            metrics=metrics,
            rng=rng,
        )

    async def _run(self, name: str, loop: ConsumerLoop) -> None:
        try:
            await loop.run()
        except* UnavailableError as error:
            if loop.assigned.is_set():
                self.died.append(f"{name}: {error.exceptions}")
            else:  # no broker at its start: whatever runs it starts another one
                self.forget(self.workers[name])
                asyncio.get_running_loop().call_later(1.0, self.start_worker, context=unowned())
        except* HaltError as error:
            self.died.append(f"{name}: {error.exceptions}")
