"""Partitions move while work is under way: what stays goes on, what moves is handed over at a step, and nothing doubles."""

import asyncio
from dataclasses import replace

import pytest

from consumers.ports.claim import Claim, ClaimLostError, HandedOverError
from consumers.runtime.partition import Phase
from consumers.telemetry.metrics import COMMIT_LAG, HANDED_OVER, READOPTED
from schemas.record import Record
from tests.consumers.runtime.loop_stage import GROUP, INPUT, LIMITS, LoopStage, Work, now, until, virtual

BOTH = pytest.mark.parametrize("transactional", [False, True])


def filled(*, partitions: int, transactional: bool = False) -> LoopStage:
    """Return a stage with one event in each partition."""
    stage = LoopStage(partitions, transactional=transactional)
    for partition in range(partitions):
        stage.publish(f"k{partition}", f"e{partition}", partition=partition)
    return stage


@virtual
@BOTH
async def test_a_step_that_outlasts_the_rebalance_goes_on_where_its_partition_stays(
    transactional: bool,
) -> None:
    """What stays is adopted again with its work; what moved is cancelled, and its new owner works it."""

    async def work(_record: Record, claim: Claim) -> None:
        claim.enter("a long step")
        await asyncio.sleep(30)

    stage = filled(partitions=4, transactional=transactional)
    limits = replace(LIMITS, drain_s=4)
    first = stage.start(work, limits=limits)
    await until(lambda: stage.diary.most == 4)
    second = stage.start(work, "b", limits=limits)
    await until(lambda: len(second.partitions) == 2, within_s=20)
    assert first.metrics.value(READOPTED) == 2
    assert first.partitions | second.partitions == {0, 1, 2, 3}
    await until(lambda: all(stage.is_through(partition) for partition in range(4)))
    for partition in first.partitions:
        (call,) = stage.diary.of(f"e{partition}")
        assert (call.worker, call.error) == ("a", None)
    for partition in second.partitions:
        cut, worked = stage.diary.of(f"e{partition}")
        assert (cut.worker, worked.worker, worked.error) == ("a", "b", None)
        assert isinstance(cut.error, asyncio.CancelledError)
        assert cut.ended is not None
        assert cut.ended <= worked.began
    assert sorted(stage.values("out")) == [f"e{partition}" for partition in range(4)]
    await stage.stop(first, second)


@virtual
@BOTH
async def test_work_is_handed_over_at_its_next_step_and_goes_on_with_whoever_has_it_next(
    transactional: bool,
) -> None:
    steps: dict[str, list[str]] = {}

    async def work(record: Record, claim: Claim) -> None:
        done = steps.setdefault((record.value or b"").decode(), [])
        for step in ("read", "decide", "act", "tell")[len(done) :]:
            claim.enter(step)
            await asyncio.sleep(5)
            done.append(step)

    stage = filled(partitions=4, transactional=transactional)
    first = stage.start(work)
    await until(lambda: stage.diary.most == 4)
    second = stage.start(work, "b")
    await until(lambda: len(second.partitions) == 2, within_s=20)
    handed = [call for call in stage.diary.calls if isinstance(call.error, HandedOverError)]
    assert len(handed) == first.metrics.value(HANDED_OVER) == 4
    assert {call.worker for call in handed} == {"a"}
    await until(lambda: all(stage.is_through(partition) for partition in range(4)))
    assert steps == {f"e{partition}": ["read", "decide", "act", "tell"] for partition in range(4)}, (
        "no step was begun twice or left out"
    )
    moved = {call.name for call in stage.diary.calls if call.worker == "b"}
    assert moved == {f"e{partition}" for partition in second.partitions}
    await stage.stop(first, second)


@virtual
async def test_what_waits_in_a_partition_that_stays_is_not_fetched_again() -> None:
    async def work(_record: Record, _claim: Claim) -> None:
        await asyncio.sleep(1)

    stage = LoopStage(2)
    for partition in range(2):
        stage.publish(
            f"k{partition}", *(f"{partition}-{number}" for number in range(40)), partition=partition
        )
    first = stage.start(work)
    await until(lambda: len(stage.values("out")) > 10)
    second = stage.start(work, "b")
    await until(lambda: second.partitions, within_s=20)
    await until(lambda: stage.is_through(0) and stage.is_through(1))
    (kept,) = first.partitions
    assert all(stage.diary.times[f"{kept}-{number}"] == 1 for number in range(40))
    assert set(stage.diary.times.values()) == {1}, "and what moved was committed before it moved"
    for partition in range(2):
        mine = [value for value in stage.values("out") if value.startswith(f"{partition}-")]
        assert mine == [f"{partition}-{number}" for number in range(40)]
    await stage.stop(first, second)


@virtual
async def test_gauges_of_a_partition_that_went_away_are_forgotten() -> None:
    async def work(_record: Record, _claim: Claim) -> None:
        await asyncio.sleep(1000)

    stage = filled(partitions=2)
    first = stage.start(work, limits=replace(LIMITS, drain_s=1, stalled_s=10_000))
    await until(lambda: stage.diary.most == 2)
    await asyncio.sleep(3)
    assert [first.metrics.value(COMMIT_LAG, INPUT, str(number)) for number in range(2)] == [1, 1]
    second = stage.start(work, "b", limits=replace(LIMITS, drain_s=1, stalled_s=10_000))
    await until(lambda: second.partitions, within_s=20)
    await asyncio.sleep(3)
    (gone,) = second.partitions
    assert [first.metrics.value(COMMIT_LAG, INPUT, str(number)) for number in (1 - gone, gone)] == [1, 0]
    await stage.stop(first, second)


@virtual
@BOTH
async def test_a_frozen_worker_begins_no_effect_once_its_partition_may_be_another_ones(
    transactional: bool,
) -> None:
    effects: list[str] = []

    def works_as(name: str) -> Work:
        async def work(_record: Record, claim: Claim) -> None:
            claim.enter("asking the model")
            await asyncio.sleep(5)
            claim.hold("performing it")
            effects.append(name)

        return work

    stage = LoopStage(transactional=transactional)
    first = stage.start(works_as("a"))
    await until(lambda: first.partitions)
    stage.publish("k", "e0")
    await until(lambda: stage.diary.calls)
    first.link.freeze(60)
    second = stage.start(works_as("b"), "b")
    await until(stage.is_through, within_s=59)
    assert effects == ["b"]
    await until(lambda: len(stage.broker.group(GROUP).members) == 2)
    (frozen,) = [call for call in stage.diary.calls if call.worker == "a"]
    assert isinstance(frozen.error, ClaimLostError)
    await asyncio.sleep(60)
    assert effects == ["b"]
    assert stage.values("out") == ["e0"]
    await stage.stop(first, second)


@virtual
async def test_a_worker_alone_that_was_frozen_acts_again_only_after_the_group_has_confirmed_it() -> None:
    effects: list[float] = []

    async def work(_record: Record, claim: Claim) -> None:
        await asyncio.sleep(5)
        claim.hold("performing it")
        effects.append(now())

    stage = LoopStage()
    worker = stage.start(work)
    await until(lambda: worker.partitions)
    stage.publish("k", "e0")
    await until(lambda: stage.diary.calls)
    members = list(stage.broker.group(GROUP).members)
    worker.link.freeze(60)
    thawed = now() + 60
    await until(lambda: effects)
    assert isinstance(stage.diary.calls[0].error, ClaimLostError)
    assert effects[0] > thawed + 4, "it was worked anew, not gone on with"
    assert list(stage.broker.group(GROUP).members) != members, "as a new member"
    await until(stage.is_through)
    assert stage.values("out") == ["e0"]
    await stage.stop(worker)


@virtual
async def test_a_short_freeze_costs_nothing() -> None:
    async def work(_record: Record, claim: Claim) -> None:
        claim.enter("asking the model")
        await asyncio.sleep(5)
        claim.hold("performing it")

    stage = LoopStage()
    worker = stage.start(work)
    await until(lambda: worker.partitions)
    stage.publish("k", "e0")
    await until(lambda: stage.diary.calls)
    worker.link.freeze(4)
    await until(stage.is_through)
    assert stage.diary.times["e0"] == 1
    assert [partition.phase for partition in worker.loop.partitions.values()] == [Phase.OPEN]
    await stage.stop(worker)
