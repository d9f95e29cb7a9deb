"""How a worker leaves, and that an offset at which nothing lies leaves no lag."""

import asyncio
from dataclasses import replace

import pytest

from consumers.ports.claim import Claim, HandedOverError
from schemas.record import Outgoing, Record
from tests.consumers.runtime.loop_stage import GROUP, INPUT, LIMITS, LoopStage, now, until, virtual

BOTH = pytest.mark.parametrize("transactional", [False, True])


@virtual
@BOTH
async def test_stopping_ends_steps_commits_and_leaves_so_that_another_goes_on_at_once(
    transactional: bool,
) -> None:
    async def work(record: Record, claim: Claim) -> None:
        for step in range(3 if record.key == b"many steps" else 1):
            claim.enter(f"step {step}")
            await asyncio.sleep(8)

    stage = LoopStage(2, transactional=transactional)
    first = stage.start(work, session_s=45)
    await until(lambda: first.partitions)
    second = stage.start(work, "b", session_s=45)
    await until(lambda: len(first.partitions) == len(second.partitions) == 1)
    (mine,) = first.partitions
    stage.publish("one step", "e0", "e1", partition=mine)
    stage.publish("many steps", "e2", partition=mine)
    await until(lambda: len(stage.diary.calls) == 2)

    asked = now()
    first.loop.stop()
    await first.task
    assert now() - asked < 10, "steps that ran have ended, none has begun"
    assert len(stage.broker.group(GROUP).members) == 1, "it has left"
    (ended,), (handed,) = stage.diary.of("e0"), stage.diary.of("e2")
    assert ended.error is None
    assert isinstance(handed.error, HandedOverError)
    await until(lambda: second.partitions == {0, 1}, within_s=5)
    at = stage.committed(mine)
    assert at is not None
    assert at.next_offset == 1, "what had ended is committed, and nothing else"
    await until(lambda: stage.is_through(mine))
    assert stage.diary.times == {"e0": 1, "e1": 1, "e2": 2}
    assert [value for value in stage.values("out") if value != "e2"] == ["e0", "e1"]
    await stage.stop(second)


@virtual
@BOTH
async def test_what_does_not_end_in_time_is_cancelled_and_what_is_finished_is_committed(
    transactional: bool,
) -> None:
    async def work(record: Record, _claim: Claim) -> None:
        await asyncio.sleep(10_000 if record.key == b"endless" else 1)

    stage = LoopStage(transactional=transactional)
    stage.publish("k", "e0", "e1")
    stage.publish("endless", "endless")
    stage.publish("k", "e2")
    limits = replace(LIMITS, drain_s=20, leave_s=5, commit_interval_s=1_000, stalled_s=100_000)
    worker = stage.start(work, limits=limits)
    await until(lambda: len(stage.values("out")) == 3)
    asked = now()
    worker.loop.stop()
    await worker.task
    assert 20 <= now() - asked < 20 + 3 * 5
    assert isinstance(stage.diary.of("endless")[0].error, asyncio.CancelledError)
    await asyncio.sleep(1)  # a transaction's end becomes visible a little later
    at = stage.committed()
    assert at is not None
    assert at.next_offset == 2, "not past the one that was cancelled"

    async def quick(_record: Record, _claim: Claim) -> None:
        pass

    second = stage.start(quick, "b")
    await until(stage.is_through)
    assert (stage.diary.times["e2"], stage.diary.times["endless"]) == (1, 2)
    await stage.stop(second)


@virtual
async def test_stopping_with_no_broker_in_reach_ends_within_its_bounds() -> None:
    async def work(_record: Record, _claim: Claim) -> None:
        await asyncio.sleep(1)

    stage = LoopStage()
    worker = stage.start(work, limits=replace(LIMITS, drain_s=20, leave_s=5))
    await until(lambda: worker.partitions)
    stage.publish("k", *(f"e{number}" for number in range(100)))
    await until(lambda: len(stage.diary.calls) == 5)
    worker.link.cut(10_000)
    asked = now()
    worker.loop.stop()
    await worker.task
    assert now() - asked < 20 + 3 * 5 + 5
    stage.broker.close()


@virtual
@BOTH
async def test_compacted_records_and_markers_of_transactions_leave_no_lag(transactional: bool) -> None:
    async def work(_record: Record, _claim: Claim) -> None:
        pass

    stage = LoopStage(transactional=transactional)
    log = stage.broker.log(INPUT, 0)

    def gap() -> None:
        stage.broker.append(log.pid, [Outgoing(INPUT, b"gone", b"gone")])
        log.compact([log.end - 1])
        log.end_transaction(-7, commit=False)

    gap()
    stage.publish("k", "e0")
    gap()
    stage.publish("k", "e1")
    gap()
    worker = stage.start(work)
    await until(stage.is_through, within_s=10)
    assert log.end == 8
    assert stage.values("out") == ["e0", "e1"]
    gap()  # markers come alone as well, while nothing is worked
    await until(stage.is_through, within_s=10)
    (standing,) = worker.loop.watch.standings()
    assert (standing.committed, standing.end, standing.lag, standing.blocking) == (10, 10, 0, None)
    await stage.stop(worker)


@virtual
async def test_a_gap_behind_unfinished_work_is_not_committed_before_it_ends() -> None:
    async def work(_record: Record, _claim: Claim) -> None:
        await asyncio.sleep(100)

    stage = LoopStage()
    stage.publish("k", "e0")
    stage.broker.log(INPUT, 0).end_transaction(-7, commit=False)
    worker = stage.start(work)
    await until(lambda: stage.diary.calls)
    await asyncio.sleep(50)
    at = stage.committed()
    assert at is None or at.next_offset == 0
    await until(stage.is_through)
    await stage.stop(worker)
