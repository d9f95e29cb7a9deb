"""A key past its retry budget is parked with all that follows on it, and released in order."""

import asyncio
from dataclasses import replace

import pytest

from consumers.errors import RetryError
from consumers.ports.claim import Claim
from consumers.telemetry.metrics import DEAD_LETTERS, PARKED, PARKED_KEYS
from schemas.dead_letter import dead_letter_of
from schemas.parked import ParkedKey
from schemas.record import Outgoing, Record
from tests.consumers.runtime.loop_stage import INPUT, LIMITS, LoopStage, Work, now, until, virtual

SHORT = replace(LIMITS, retry_total_s=20, retry_max_s=5)
KEY = ParkedKey(INPUT, 0, b"bad")
BOTH = pytest.mark.parametrize("transactional", [False, True])


class System:
    """What the handlers call: it is busy for some keys until it is mended."""

    def __init__(self, *busy: str) -> None:
        self.busy = set(busy)

    @property
    def work(self) -> Work:
        async def work(record: Record, _claim: Claim) -> None:
            await asyncio.sleep(1)
            if (record.key or b"").decode() in self.busy:
                raise RetryError("busy")

        return work


@virtual
@BOTH
async def test_a_key_is_parked_with_what_follows_and_worked_in_order_once_it_is_released(
    transactional: bool,
) -> None:
    stage, system = LoopStage(transactional=transactional), System("bad")
    began = now()
    stage.publish("bad", "bad0", "bad1", "bad2")
    stage.publish("good", "good0", "good1")
    worker = stage.start(system.work, limits=SHORT)
    await until(stage.is_through)
    assert SHORT.retry_total_s <= now() - began < 2 * SHORT.retry_total_s
    assert stage.values("out") == ["good0", "good1"]
    assert stage.values("parked") == ["bad0", "bad1", "bad2"]
    assert (stage.diary.times["bad1"], stage.diary.times["bad2"]) == (0, 0), "they are parked unworked"
    letters = [dead_letter_of(record) for record in stage.broker.read_committed("parked")]
    assert [letter.reason for letter in letters] == ["retries_exhausted", "behind_parked", "behind_parked"]
    assert letters[0].attempts == stage.diary.times["bad0"] > 3
    assert [worker.metrics.value(PARKED, letter.reason) for letter in letters] == [1, 2, 2]

    stage.publish("bad", "bad3")
    await until(lambda: stage.values("parked")[3:] == ["bad3"])
    assert worker.metrics.value(PARKED_KEYS) == 1

    system.busy.clear()
    stage.release("bad")
    await until(lambda: len(stage.diary.calls) and stage.diary.calls[-1].name == "bad1")
    stage.publish("bad", "bad4")
    stage.publish("good", "good2")
    await until(lambda: stage.is_through() and not stage.parked())
    mine = [value for value in stage.values("out") if value.startswith("bad")]
    assert mine == [f"bad{number}" for number in range(5)]
    assert stage.values("out").index("good2") < stage.values("out").index("bad3"), "others do not wait"
    assert worker.metrics.value(PARKED_KEYS) == 0
    await stage.stop(worker)


@virtual
async def test_parked_records_are_as_they_were_byte_for_byte() -> None:
    stage, system = LoopStage(), System("bad")
    headers = (("a", b"1"), ("a", b"\xff\x00"), ("pointsman-reason", b"an earlier death"))
    stage.broker.publish(INPUT, b"bad", b"\x00\xff", headers=headers)
    worker = stage.start(system.work, limits=SHORT)
    await until(stage.is_through)
    (record,) = stage.broker.read_committed("parked")
    assert (record.key, record.value) == (b"bad", b"\x00\xff")
    assert dead_letter_of(record).record.headers == headers[:2]
    await stage.stop(worker)


@virtual
@BOTH
async def test_a_release_that_fails_parks_the_key_again_with_its_order(transactional: bool) -> None:
    stage, system = LoopStage(transactional=transactional), System("bad")
    stage.publish("bad", "bad0", "bad1")
    worker = stage.start(system.work, limits=SHORT)
    await until(stage.is_through)
    before = stage.diary.times["bad0"]
    stage.release("bad")
    await until(
        lambda: (
            KEY in stage.parked() and not stage.parked()[KEY].releasing and stage.diary.times["bad0"] > before
        )
    )
    await asyncio.sleep(60)
    assert stage.parked()[KEY].letters == 2
    assert stage.diary.times["bad1"] == 0
    system.busy.clear()
    stage.release("bad")
    await until(lambda: not stage.parked())
    assert stage.values("out") == ["bad0", "bad1"]
    await stage.stop(worker)


@virtual
async def test_whoever_has_the_partition_next_knows_what_is_parked_and_works_what_is_released() -> None:
    stage, system = LoopStage(), System("bad")
    stage.publish("bad", "bad0", "bad1")
    first = stage.start(system.work, limits=SHORT)
    await until(stage.is_through)
    first.link.crash()
    stage.publish("bad", "bad2")
    second = stage.start(system.work, "b", limits=SHORT)
    await until(stage.is_through)
    assert stage.values("parked") == ["bad0", "bad1", "bad2"]
    assert not stage.diary.of("bad2")
    system.busy.clear()
    stage.release("bad")
    await until(lambda: not stage.parked())
    assert stage.values("out") == ["bad0", "bad1", "bad2"]
    await stage.stop(second)


@virtual
async def test_a_record_without_a_key_becomes_a_dead_letter_since_nothing_is_behind_it() -> None:
    async def work(record: Record, _claim: Claim) -> None:
        if record.value == b"bad":
            raise RetryError("busy")

    stage = LoopStage()
    stage.publish(None, "bad", "good")
    worker = stage.start(work, limits=SHORT)
    await until(stage.is_through)
    (record,) = stage.broker.read_committed("dead")
    letter = dead_letter_of(record)
    assert (letter.reason, letter.record.value, letter.record.offset) == ("retries_exhausted", b"bad", 0)
    assert letter.error.endswith(f"after {letter.attempts} attempts: busy")
    assert worker.metrics.value(DEAD_LETTERS, "retries_exhausted") == 1
    assert (stage.values("out"), stage.values("parked")) == (["good"], [])
    await stage.stop(worker)


@virtual
async def test_beyond_the_bound_on_parked_keys_a_key_goes_on_waiting_until_there_is_room() -> None:
    stage, system = LoopStage(), System("bad", "worse")
    stage.publish("bad", "bad0")
    worker = stage.start(system.work, limits=replace(SHORT, parked_keys=1))
    await until(lambda: stage.values("parked"))
    stage.publish("worse", "worse0", "worse1")
    stage.publish("good", "good0")
    await asyncio.sleep(300)
    assert stage.values("parked") == ["bad0"]
    assert stage.values("out") == ["good0"]
    tried = stage.diary.times["worse0"]
    await asyncio.sleep(30)
    assert stage.diary.times["worse0"] > tried, "it is still tried"

    system.busy.remove("bad")
    stage.release("bad")
    await until(stage.is_through)
    assert [key.key for key in stage.parked()] == [b"worse"]
    assert stage.parked()[ParkedKey(INPUT, 0, b"worse")].letters == 2
    await stage.stop(worker)


@virtual
async def test_a_key_with_too_much_behind_it_is_parked_early_so_that_it_does_not_fill_its_partition() -> None:
    stage, system = LoopStage(), System("bad")
    stage.publish("bad", *(f"bad{number}" for number in range(30)))
    stage.broker.append(stage.broker.log(INPUT, 0).pid, [Outgoing(INPUT, b"good", b"good")])
    limits = replace(LIMITS, key_records=20, partition_records=25, retry_total_s=1e9)
    worker = stage.start(system.work, limits=limits)
    await until(stage.is_through)
    assert len(stage.values("parked")) == 30
    assert stage.values("out") == ["good"]
    await stage.stop(worker)
