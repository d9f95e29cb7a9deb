"""The loop of a shadow replay, in virtual time: whatever is away, stops or dies, each record ends once."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from consumers.errors import HaltError, RetryError, UnavailableError
from consumers.ports.claim import HandedOverError
from consumers.ports.consumer_group import Committed, Listener, PartitionId
from consumers.replay.chosen import Chosen
from consumers.replay.job import Job, Mode
from consumers.replay.shadow import Shadow
from consumers.router.route import Route, RouteTable
from schemas.codec.records import RecordCodec
from schemas.difference import Difference, DifferenceVerdict
from schemas.envelope import Envelope
from schemas.record import Record
from schemas.registry.folder import FolderRegistry
from tests.consumers.replay.differences import difference
from tests.consumers.run.shop_world import World, finish, reply, turns
from tests.integration.stage import order
from tests.simulation.virtual_time import run

TOPIC, PARTITIONS, EACH = "orders", 2, 12
ROUTE = World(turns(reply(finish()))).route


class Log:
    """A topic and what a group has committed of it; it outlives whoever reads."""

    def __init__(self, codec: RecordCodec) -> None:
        self.away = False
        self.records: dict[PartitionId, list[Record]] = {}
        self.committed: dict[PartitionId, Committed] = {}
        for number in range(PARTITIONS):
            events = [order(f"{number}-{at}") for at in range(EACH)]
            events[7] = events[2]  # delivered again
            messages = [codec.encode(event) for event in events]
            self.records[PartitionId(TOPIC, number)] = [
                # Every third offset is missing, as after compaction.
                Record(TOPIC, number, at + at // 2, 0, each.key, each.value, each.headers)
                for at, each in enumerate(messages)
            ]

    @property
    def end(self) -> int:
        return EACH + EACH // 2 + 3


class HandedGroup:
    """The `ConsumerGroup` port over a log, for one reader that has all of it."""

    def __init__(self, log: Log, trouble: random.Random) -> None:
        self._log = log
        self._trouble = trouble
        self._at: dict[PartitionId, int] = {}
        self._open: set[PartitionId] = set()

    async def start(self, topics: AbstractSet[str], listener: Listener) -> None:
        listener.on_assigned(set(self._log.records), 1)

    async def stop(self) -> None:
        self._open.clear()

    async def poll(self, *, timeout_s: float, max_records: int) -> Mapping[PartitionId, Sequence[Record]]:
        await asyncio.sleep(self._trouble.random() * timeout_s)
        if self._log.away or self._trouble.random() < 0.1:
            raise UnavailableError("no broker")
        fetched: dict[PartitionId, list[Record]] = {}
        for pid in sorted(self._open):
            ahead = [each for each in self._log.records[pid] if each.offset >= self._at[pid]]
            taken = ahead[: self._trouble.randint(0, max_records)]
            if taken:
                fetched[pid] = taken
                self._at[pid] = taken[-1].offset + 1
            elif not ahead:
                self._at[pid] = self._log.end
        return fetched

    def pause(self, partitions: AbstractSet[PartitionId]) -> None:
        self._open -= partitions

    def resume(self, partitions: AbstractSet[PartitionId]) -> None:
        self._open |= partitions

    def seek(self, partition: PartitionId, offset: int) -> None:
        self._at[partition] = offset

    def position(self, partition: PartitionId) -> int | None:
        return self._at.get(partition)

    def end(self, partition: PartitionId) -> int | None:
        return self._log.end

    async def committed(self, partitions: AbstractSet[PartitionId]) -> Mapping[PartitionId, Committed]:
        return {pid: self._log.committed[pid] for pid in partitions if pid in self._log.committed}

    async def start_offset(self, partition: PartitionId) -> int:
        return 0

    async def commit(self, offsets: Mapping[PartitionId, Committed]) -> None:
        await asyncio.sleep(self._trouble.random() * 0.1)
        self._log.committed |= offsets

    async def confirm(self) -> bool:
        return True


@dataclass
class Stage:
    """A log, what is published of it, and who decides; runs of one job come and go."""

    codec: RecordCodec
    log: Log
    random: random.Random
    busy: float = 0.0
    """How often a decision meets somebody who is away."""
    error: Exception | None = None
    published: list[Difference] = field(default_factory=list[Difference])
    asked: Counter[str] = field(default_factory=Counter[str])
    in_hand: int = 0
    most: int = 0

    async def decide(
        self, record: Record, event: Envelope, route: Route, begin: Callable[[], Awaitable[None]]
    ) -> Difference | str:
        if event.id.endswith("-4"):
            return "not finished"
        await begin()
        self.asked[event.run_id] += 1
        self.in_hand += 1
        self.most = max(self.most, self.in_hand)
        try:
            await asyncio.sleep(self.random.random() * 5)
        finally:
            self.in_hand -= 1
        if self.error is not None:
            raise self.error
        if self.random.random() < self.busy:
            raise RetryError("busy", after_s=2.0)
        same = not event.id.endswith("-5")
        verdict = DifferenceVerdict.SAME if same else DifferenceVerdict.OTHER_END
        at = {"partition": record.partition, "offset": record.offset}
        return difference(event.run_id, event_id=event.id, verdict=verdict, **at)

    async def publish(self, found: Difference) -> None:
        await asyncio.sleep(self.random.random() * 0.2)
        self.published.append(found)
        await asyncio.sleep(self.random.random() * 0.2)

    async def ready(self, records: int) -> None:
        await asyncio.sleep(self.random.random() * records)

    def shadow(
        self, *, topic: str = TOPIC, patience_s: float = 600.0, drain_s: float = 10.0, empty: bool = False
    ) -> Shadow:
        job = Job(
            id="job",
            mode=Mode.SHADOW,
            topic=topic,
            spans={0: (3, 3)} if empty else dict.fromkeys(range(PARTITIONS), (0, self.log.end)),
            chosen=Chosen(),
            output=None,
            operator="ann",
            ordered_at=datetime(2026, 3, 2, tzinfo=UTC),
        )
        made = Shadow(
            job,
            group=HandedGroup(self.log, self.random),
            codec=self.codec,
            routes=RouteTable([ROUTE]),
            decides=self,
            publish=self.publish,
            ready=self.ready,
            at_once=3,
            patience_s=patience_s,
            drain_s=drain_s,
        )
        for each in self.published:
            made.remember(each)
        return made


WHOLE = {
    "same": 2 * (EACH - 3),
    "other_end": 2,
    "skipped: not finished": 2,
    "skipped: delivered more than once": 2,
}


def virtually(seed: int, play: Callable[[Stage], Awaitable[None]]) -> None:
    """Play with a stage of its own, in virtual time."""

    async def played() -> None:
        codec = RecordCodec(FolderRegistry())
        await codec.ready()
        await play(Stage(codec, Log(codec), random.Random(seed)))

    run(played(), shuffle=random.Random(seed))


def told(_done: int, _total: int) -> None:
    """Nobody looks."""


@pytest.mark.parametrize("seed", range(40))
def test_stopped_and_killed_at_random_each_record_ends_once(seed: int) -> None:
    async def play(stage: Stage) -> None:
        stage.busy = 0.2
        for _ in range(4):
            stop = asyncio.Event()
            task = asyncio.create_task(stage.shadow().run(told, stop))
            await asyncio.wait([task], timeout=stage.random.random() * 15)
            if stage.random.random() < 0.5:
                stop.set()
            else:
                task.cancel()
            await asyncio.wait([task])
            assert stage.in_hand == 0
        done: list[tuple[int, int]] = []

        def progress(now: int, total: int) -> None:
            done.append((now, total))

        tally = await stage.shadow().run(progress, asyncio.Event())
        assert tally == WHOLE
        assert done[-1] == (PARTITIONS * stage.log.end,) * 2
        assert done == sorted(done)
        assert len({each.id for each in stage.published}) == len(stage.published) == 2 * (EACH - 2)
        assert stage.most <= 3

    virtually(seed, play)


def test_who_stays_away_ends_the_job_with_what_is_finished() -> None:
    async def play(stage: Stage) -> None:
        stage.busy = 1.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(RetryError, match="busy"):
            await stage.shadow(patience_s=60.0).run(told, asyncio.Event())
        assert 50 < loop.time() - began < 120
        assert stage.published == []
        stage.busy = 0.0
        assert await stage.shadow().run(told, asyncio.Event()) == WHOLE

    virtually(1, play)


@pytest.mark.parametrize("error", [HandedOverError("at its bound"), HaltError("no key"), ValueError("a bug")])
def test_an_error_that_waiting_does_not_mend_ends_the_job_at_once(error: Exception) -> None:
    async def play(stage: Stage) -> None:
        stage.error = error
        with pytest.raises(type(error), match=str(error)):
            await stage.shadow().run(told, asyncio.Event())
        assert max(stage.asked.values()) == 1
        assert sum(stage.asked.values()) <= 3
        stage.error = None
        assert await stage.shadow().run(told, asyncio.Event()) == WHOLE

    virtually(2, play)


def test_a_stop_lets_end_what_is_asked_already_and_cuts_what_takes_too_long() -> None:
    async def play(stage: Stage, drain_s: float) -> int:
        stop = asyncio.Event()
        task = asyncio.create_task(stage.shadow(drain_s=drain_s).run(told, stop))
        while not stage.in_hand:
            await asyncio.sleep(0.1)
        asked = sum(stage.asked.values())
        stop.set()
        await task
        assert sum(stage.asked.values()) <= asked + 1
        return len(stage.published)

    async def patiently(stage: Stage) -> None:
        assert await play(stage, 30.0) >= 1

    async def hastily(stage: Stage) -> None:
        assert await play(stage, 0.0) == 0

    virtually(3, patiently)
    virtually(3, hastily)


def test_a_stop_does_not_wait_for_a_broker_that_is_away() -> None:
    async def play(stage: Stage) -> None:
        stage.log.away = True
        stop = asyncio.Event()
        task = asyncio.create_task(stage.shadow(patience_s=600.0).run(told, stop))
        await asyncio.wait([task], timeout=10.0)
        stop.set()
        async with asyncio.timeout(5.0):
            assert await task == {}

    virtually(5, play)


def test_a_topic_of_no_route_is_refused_and_an_empty_job_is_over() -> None:
    async def play(stage: Stage) -> None:
        with pytest.raises(HaltError, match="elsewhere is the input of no route"):
            await stage.shadow(topic="elsewhere").run(told, asyncio.Event())
        assert await stage.shadow(empty=True).run(told, asyncio.Event()) == {}

    virtually(4, play)
