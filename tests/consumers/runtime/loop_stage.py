"""Workers' loops on the fake broker in virtual time, with a handler that a test writes and that keeps a diary."""

import asyncio
import functools
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, ParamSpec

from consumers.ports.claim import Claim
from consumers.ports.consumer_group import Committed, PartitionId
from consumers.runtime.letters import Letters
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.loop import ConsumerLoop
from consumers.runtime.parked_keys import Parked, ParkedKeys
from consumers.runtime.publishing import DirectPublisher
from consumers.runtime.suspects import Suspects
from consumers.runtime.transactional import TransactionalPublisher
from consumers.telemetry.metrics import Metrics
from schemas.dead_letter import Convention, dead_letter_of
from schemas.parked import ParkedKey, mark_of, read_parked
from schemas.record import Outgoing, Record
from schemas.redriven import message_of, redriven_letter
from tests.simulation.fake_broker import FakeBroker
from tests.simulation.fake_group import FakeGroup
from tests.simulation.fake_link import Link
from tests.simulation.fake_parked_log import FakeParkedLog
from tests.simulation.fake_producer import FakeProducer
from tests.simulation.fake_transactions import FakeTransactionsOpener
from tests.simulation.sim_world import SimClock
from tests.simulation.virtual_time import owned, run

GROUP: Final = "workers"
INPUT: Final = "in"
REDRIVE: Final = "redrive"
SESSION_S: Final = 10.0
LIMITS: Final = RuntimeLimits(dead_letters_in_a_row=1_000_000, dead_letter_ratio=1.0)

Work = Callable[[Record, Claim], Awaitable[None]]
P = ParamSpec("P")


def virtual(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test in virtual time, where waiting costs nothing; one that waits for ever fails."""

    @functools.wraps(test)
    def played(*args: P.args, **kwargs: P.kwargs) -> None:
        run(test(*args, **kwargs))

    return played


@dataclass(slots=True, eq=False)
class Call:
    """One call of the handler."""

    record: Record
    worker: str
    began: float
    ended: float | None = None
    error: BaseException | None = None

    @property
    def name(self) -> str:
        return (self.record.value or b"").decode()


@dataclass(slots=True, eq=False)
class Diary:
    """What the handlers of all workers did."""

    calls: list[Call] = field(default_factory=list[Call])
    most: int = 0
    """The most that ever ran at one time."""
    _running: int = 0

    def handler(self, worker: str, work: Work) -> Callable[[Record, Claim], Awaitable[Sequence[Outgoing]]]:
        async def handle(record: Record, claim: Claim) -> Sequence[Outgoing]:
            call = Call(record, worker, now())
            self.calls.append(call)
            self._running += 1
            self.most = max(self.most, self._running)
            try:
                await work(record, claim)
            except BaseException as error:
                call.error = error
                raise
            finally:
                call.ended = now()
                self._running -= 1
            return [Outgoing("out", record.key, record.value)]

        return handle

    @property
    def times(self) -> Counter[str]:
        """How often each record was worked, by its value."""
        return Counter(call.name for call in self.calls)

    def of(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.name == name]


@dataclass(slots=True, eq=False)
class Member:
    """One worker."""

    name: str
    link: Link
    group: FakeGroup
    loop: ConsumerLoop
    metrics: Metrics
    task: asyncio.Task[None]

    @property
    def partitions(self) -> set[int]:
        return {pid.number for pid in self.loop.partitions}


class LoopStage:
    """A broker with an input topic, and workers on it."""

    def __init__(self, partitions: int = 1, *, transactional: bool = False, redrives: bool = False) -> None:
        self.broker = FakeBroker(random.Random(1))
        self.diary = Diary()
        self._transactional = transactional
        self._topics = (INPUT, REDRIVE) if redrives else (INPUT,)
        for topic, count in ((INPUT, partitions), ("out", 1), ("dead", 1), ("parked", 2), (REDRIVE, 2)):
            self.broker.create_topic(topic, count)

    def start(
        self,
        work: Work,
        name: str = "a",
        *,
        limits: RuntimeLimits = LIMITS,
        session_s: float = SESSION_S,
        lease_s: float | None = None,
        convention: Convention | None = None,
        group_type: type[FakeGroup] = FakeGroup,
        suspects: Suspects | None = None,
    ) -> Member:
        """Start a worker whose handler does this work."""
        link = self.broker.connect(name)
        group = group_type(self.broker, link, group=GROUP, session_s=session_s, heartbeat_s=3.0)
        letters, metrics = Letters("dead", "parked", SimClock(), convention, REDRIVE), Metrics()
        loop = ConsumerLoop(
            group=group,
            topics=self._topics,
            handler=self.diary.handler(name, work),
            publisher=TransactionalPublisher(
                FakeTransactionsOpener(self.broker, link, group=GROUP),
                group,
                rewrite=letters.rewrite,
                linger_s=limits.transaction_s,
                metrics=metrics,
                rng=random.Random(2),
            )
            if self._transactional
            else DirectPublisher(FakeProducer(self.broker, link), group, metrics),
            parked=FakeParkedLog(self.broker, link, "parked"),
            letters=letters,
            limits=limits,
            lease_s=lease_s or session_s,
            metrics=metrics,
            rng=random.Random(3),
            suspects=suspects,
        )
        return Member(name, link, group, loop, metrics, owned(name, loop.run(), name=name))

    def publish(self, key: str | None, *names: str, partition: int = 0) -> None:
        """Publish records of one key, by their names."""
        encoded = None if key is None else key.encode()
        messages = [Outgoing(INPUT, encoded, name.encode()) for name in names]
        self.broker.append(PartitionId(INPUT, partition), messages)

    def release(self, key: str, partition: int = 0, topic: str = INPUT) -> None:
        """Do what an operator does: ask for a parked key to be worked."""
        message = mark_of("parked", ParkedKey(topic, partition, key.encode()), "release")
        self.broker.append(self.broker.partition_for(message), [message])

    def redrive(self, since: int = 0) -> None:
        """Do what an operator does: send the dead letters from an offset on back."""
        for record in self.broker.read_committed("dead")[since:]:
            place = record.partition, record.offset
            message = message_of(REDRIVE, redriven_letter(place, dead_letter_of(record), "ann"))
            self.broker.append(self.broker.partition_for(message), [message])

    def parked(self) -> Mapping[ParkedKey, Parked]:
        state = ParkedKeys()
        for record in self.broker.read_committed("parked"):
            state.apply(record, read_parked(record))
        return state.keys

    def values(self, topic: str) -> list[str]:
        """Return what readers of a topic see, in order, partition after partition."""
        return [(record.value or b"").decode() for record in self.broker.read_committed(topic)]

    def committed(self, partition: int = 0, topic: str = INPUT) -> Committed | None:
        return self.broker.committed(GROUP, PartitionId(topic, partition))

    def is_through(self, partition: int = 0, topic: str = INPUT) -> bool:
        """Whether the group has committed a partition to its end."""
        at = self.committed(partition, topic)
        return at is not None and at.next_offset == self.broker.log(topic, partition).end

    async def stop(self, *members: Member) -> None:
        """Stop workers in order, and see that they end without an error."""
        for member in members:
            member.loop.stop()
        for member in members:
            await member.task
        self.broker.close()


def now() -> float:
    return asyncio.get_running_loop().time()


async def until(condition: Callable[[], object], within_s: float = 120.0) -> None:
    """Let time pass until something is true."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.05)
