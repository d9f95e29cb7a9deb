"""Keys that wait for a retry: for how long, and whom they hold up."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from consumers.errors import RetryError, UnavailableError
from consumers.ports.claim import Claim
from consumers.runtime.backoff import delay_s
from consumers.runtime.finished import NEARLY_FULL, ROOM
from consumers.runtime.offsets import OffsetTracker
from consumers.telemetry.metrics import RECORDS_SKIPPED, RETRIES
from schemas.record import Record
from tests.consumers.runtime.loop_stage import INPUT, LIMITS, LoopStage, now, until, virtual
from tests.simulation.fake_broker import CommitSeen

FOR_EVER = replace(LIMITS, retry_total_s=1e9, key_records=100_000)


def stuck_on(*keys: str) -> tuple[Callable[[Record, Claim], Awaitable[None]], set[str]]:
    """Return work that fails for these keys, and the keys: take one out to mend it."""
    stuck = set(keys)

    async def work(record: Record, _claim: Claim) -> None:
        await asyncio.sleep(0.01)
        if (record.key or b"").decode() in stuck:
            raise RetryError("busy")

    return work, stuck


@virtual
@pytest.mark.parametrize("transactional", [False, True])
async def test_a_stuck_key_holds_up_no_other_and_after_a_crash_nothing_finished_is_worked_again(
    transactional: bool,
) -> None:
    stage = LoopStage(transactional=transactional)
    work, stuck = stuck_on("stuck")
    stage.publish("stuck", "stuck0", "stuck1")
    for number in range(1_500):
        stage.publish(f"k{number % 40}", f"e{number}")
    others = [f"e{number}" for number in range(1_500)]
    first = stage.start(work, limits=FOR_EVER)

    def others_are_committed() -> bool:
        at = stage.committed()
        return at is not None and not OffsetTracker.restored(at).take(1_501)

    await until(lambda: len(stage.values("out")) == 1_500 and others_are_committed())
    at = stage.committed()
    assert at is not None
    assert at.next_offset == 0, "the stuck record is not passed"
    assert len(at.metadata) < 60, "two unfinished records, however many are finished above them"
    first.link.crash()

    second = stage.start(work, "b", limits=FOR_EVER)
    await until(lambda: any(call.worker == "b" for call in stage.diary.calls))
    stuck.clear()
    await until(stage.is_through)
    assert {name: stage.diary.times[name] for name in others} == dict.fromkeys(others, 1)
    assert second.metrics.value(RECORDS_SKIPPED, INPUT) == 1_500
    assert stage.values("out")[-2:] == ["stuck0", "stuck1"]
    await stage.stop(second)


@virtual
async def test_hundreds_of_stuck_keys_do_not_outgrow_the_room_in_a_commit() -> None:
    """Each is far from the next, so that saying where they are takes most room."""
    longest = 0

    def look(seen: CommitSeen) -> None:
        nonlocal longest
        longest = max(longest, len(seen.after.metadata.encode()))

    stage = LoopStage()
    stage.broker.on_commit.append(look)
    log = stage.broker.log(INPUT, 0)
    for number in range(2_000):
        stage.publish(f"k{number}", f"e{number}")
        log.end += 150  # compacted away
    work, stuck = stuck_on(*(f"k{number}" for number in range(2_000) if number % 10))
    worker = stage.start(work, limits=replace(FOR_EVER, in_flight=2_000, partition_records=10_000))
    await asyncio.sleep(60)
    assert NEARLY_FULL < longest <= ROOM
    assert [partition.paused for partition in worker.loop.partitions.values()] == [True]
    stuck.clear()
    await until(stage.is_through)
    assert sorted(stage.values("out")) == sorted(f"e{number}" for number in range(2_000))
    await stage.stop(worker)


@virtual
async def test_a_retry_after_is_honoured_up_to_the_longest_that_may_be_asked_for() -> None:
    async def work(record: Record, _claim: Claim) -> None:
        if stage.diary.times[(record.value or b"").decode()] == 1:
            raise RetryError("busy", after_s=30 if record.key == b"short" else 86_400)

    stage = LoopStage()
    stage.publish("short", "short")
    stage.publish("long", "long")
    worker = stage.start(work, limits=replace(LIMITS, retry_asked_s=600))
    await until(stage.is_through, within_s=700)
    waited = {
        name: two.began - one.began for name in ("short", "long") for one, two in [stage.diary.of(name)]
    }
    assert 30 <= waited["short"] <= 33
    assert 600 <= waited["long"] <= 660
    assert worker.metrics.value(RETRIES) == 2
    await stage.stop(worker)


@virtual
async def test_the_waits_double_up_to_the_longest_and_differ() -> None:
    limits = replace(FOR_EVER, retry_first_s=1, retry_max_s=20)
    work, stuck = stuck_on("stuck")
    stage = LoopStage()
    stage.publish("stuck", "stuck")
    worker = stage.start(work, limits=limits)
    await until(lambda: len(stage.diary.calls) == 40, within_s=1_000)
    waits = [two.began - (one.ended or 0) for one, two in pairwise(stage.diary.calls)]
    for attempt, wait in enumerate(waits):
        longest = min(2**attempt, 20)
        assert longest / 2 <= wait <= longest + 0.001
    last = waits[6:]
    assert max(last) - min(last) > 5, "without jitter, keys that failed together come back together"
    stuck.clear()
    await until(stage.is_through)
    await stage.stop(worker)


@pytest.mark.parametrize("attempts", [1, 2, 5, 100, 10_000])
def test_the_wait_is_within_its_bounds_whatever_the_attempt(attempts: int) -> None:
    rng = random.Random(1)
    waits = [delay_s(RetryError("busy"), attempts, LIMITS, rng) for _ in range(300)]
    longest = min(LIMITS.retry_first_s * 2.0 ** min(attempts - 1, 100), LIMITS.retry_max_s)
    assert longest / 2 <= min(waits) < longest * 0.55
    assert longest * 0.95 < max(waits) <= longest


@pytest.mark.parametrize("asked", [-5.0, 0.0])
def test_a_retry_after_of_nothing_still_lets_the_others_in_between(asked: float) -> None:
    assert delay_s(RetryError("busy", after_s=asked), 1, LIMITS, random.Random(1)) >= 0.01


@virtual
async def test_a_key_that_waits_gives_its_slot_back() -> None:
    async def work(record: Record, _claim: Claim) -> None:
        if record.key == b"busy" and now() < opens_at:
            raise RetryError("busy", after_s=60)

    opens_at = now() + 50
    stage = LoopStage()
    stage.publish("busy", "busy0", "busy1")
    stage.publish("other", *(f"other{number}" for number in range(20)))
    worker = stage.start(work, limits=replace(LIMITS, in_flight=1))
    await until(lambda: len(stage.values("out")) == 20, within_s=20)
    assert stage.diary.times["busy0"] == 1
    await until(stage.is_through)
    assert stage.values("out")[-2:] == ["busy0", "busy1"]
    await stage.stop(worker)


@virtual
async def test_a_model_that_is_away_for_long_gives_nothing_up() -> None:
    async def work(_record: Record, _claim: Claim) -> None:
        if now() < back_at:
            raise UnavailableError("the model is away")

    back_at = now() + 400
    stage = LoopStage()
    stage.publish("k", *(f"e{number}" for number in range(5)))
    worker = stage.start(work, limits=replace(LIMITS, retry_total_s=60, stalled_s=120))
    await until(stage.is_through, within_s=600)
    assert stage.values("out") == [f"e{number}" for number in range(5)]
    assert not stage.values("parked") + stage.values("dead")
    await stage.stop(worker)
