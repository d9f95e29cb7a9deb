"""Records that may have killed a worker: what is suspect, what is tried, and that nobody else waits for it."""

import asyncio
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import pytest

from consumers.errors import DeadLetterError, UnavailableError
from consumers.ports.claim import Claim
from consumers.ports.consumer_group import PartitionId
from consumers.runtime.suspects import Suspects
from consumers.telemetry.metrics import TRIALS, Metrics
from schemas.dead_letter import dead_letter_of
from schemas.record import Record
from tests.consumers.runtime.loop_stage import INPUT, LoopStage, until, virtual

PID = PartitionId(INPUT, 0)


class FakeAttempts:
    """The `Attempts` port in memory, shared by workers as Redis is."""

    def __init__(self, marks: Mapping[PartitionId, int] | None = None) -> None:
        self.marks = dict(marks or {})
        self.writes = 0
        self.away = False

    async def left(self, partitions: AbstractSet[PartitionId]) -> Mapping[PartitionId, int]:
        await self._answer()
        return {pid: self.marks[pid] for pid in partitions if pid in self.marks}

    async def begin(self, partition: PartitionId, through: int) -> None:
        await self._answer()
        self.writes += 1
        self.marks[partition] = through

    async def end(self, partitions: AbstractSet[PartitionId]) -> None:
        await self._answer()
        for pid in partitions:
            self.marks.pop(pid, None)

    async def _answer(self) -> None:
        await asyncio.sleep(0.001)
        if self.away:
            raise UnavailableError("Redis: away")


class FakeTrial:
    """The `Trial` port: these values kill."""

    def __init__(self, *deadly: str) -> None:
        self.deadly = {value.encode() for value in deadly}
        self.tried: list[int] = []

    async def survive(self, record: Record) -> None:
        self.tried.append(record.offset)
        await asyncio.sleep(0.01)
        if record.value in self.deadly:
            raise DeadLetterError("decoding it kills the process", reason="quarantined")


async def work(_record: Record, _claim: Claim) -> None:
    await asyncio.sleep(0.01)


def record(offset: int) -> Record:
    return Record(INPUT, 0, offset, 0, None, b"x")


@virtual
async def test_a_mark_is_there_before_anything_is_decoded_and_gone_after_an_end_in_order() -> None:
    attempts, trial, stage = FakeAttempts(), FakeTrial(), LoopStage()

    async def look(seen: Record, _claim: Claim) -> None:
        assert attempts.marks[PID] >= seen.offset

    worker = stage.start(look, suspects=Suspects(attempts, trial, Metrics()))
    stage.publish("k", *map(str, range(1500)))
    await until(stage.is_through)
    assert attempts.writes == 2
    await stage.stop(worker)
    assert attempts.marks == {}
    assert trial.tried == []


@virtual
async def test_what_a_dead_worker_left_is_tried_and_only_that() -> None:
    attempts, trial, stage = FakeAttempts({PID: 4}), FakeTrial("3"), LoopStage()
    metrics = Metrics()
    worker = stage.start(work, suspects=Suspects(attempts, trial, metrics))
    for number in range(10):
        stage.publish(f"k{number % 4}", str(number))
    await until(stage.is_through)
    assert sorted(trial.tried) == [0, 1, 2, 3, 4]
    assert sorted(map(int, stage.values("out"))) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    (letter,) = (dead_letter_of(each) for each in stage.broker.read_committed("dead"))
    assert (letter.reason, letter.record.value) == ("quarantined", b"3")
    assert (metrics.value(TRIALS, "killed"), metrics.value(TRIALS, "survived")) == (1, 4)
    await stage.stop(worker)


@virtual
async def test_a_mark_reaches_over_what_was_left_until_the_end_in_order() -> None:
    attempts = FakeAttempts({PID: 5000})
    suspects = Suspects(attempts, FakeTrial(), Metrics())
    await suspects.take_on({PID})
    await suspects.before(record(7))
    assert attempts.marks == {PID: 5000}


@virtual
async def test_a_partition_that_comes_back_is_looked_at_anew() -> None:
    attempts, trial = FakeAttempts(), FakeTrial()
    suspects = Suspects(attempts, trial, Metrics())
    await suspects.take_on({PID})
    await suspects.before(record(1))
    attempts.marks[PID] = 10  # of another worker, which had it meanwhile and died
    await suspects.take_on({PID})
    await suspects.before(record(2))
    assert trial.tried == [2]
    assert attempts.writes == 2


@virtual
async def test_many_at_once_write_one_mark() -> None:
    attempts = FakeAttempts()
    suspects = Suspects(attempts, FakeTrial(), Metrics())
    await suspects.take_on({PID})
    await asyncio.gather(*(suspects.before(record(offset)) for offset in range(200)))
    assert attempts.writes == 1


@virtual
async def test_without_redis_nothing_is_decoded_and_nothing_is_lost() -> None:
    attempts, stage = FakeAttempts(), LoopStage()
    worker = stage.start(work, suspects=Suspects(attempts, FakeTrial(), Metrics()))
    await until(worker.loop.assigned.is_set)
    attempts.away = True
    stage.publish("k", "1", "2")
    await asyncio.sleep(60)
    assert stage.diary.calls == []
    attempts.away = False
    await until(stage.is_through)
    assert stage.values("out") == ["1", "2"]
    attempts.away = True
    await stage.stop(worker)  # a mark that stays behind is no reason not to end in order
    assert PID in attempts.marks


@virtual
async def test_a_suspect_that_cannot_be_tried_waits() -> None:
    class NoTrial(FakeTrial):
        async def survive(self, record: Record) -> None:
            raise UnavailableError("no cell")

    suspects = Suspects(FakeAttempts({PID: 4}), NoTrial(), Metrics())
    await suspects.take_on({PID})
    with pytest.raises(UnavailableError):
        await suspects.before(record(4))
    await suspects.before(record(5))
