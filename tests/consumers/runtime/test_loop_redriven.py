"""Redriven records: worked in the order of the redrive, and dead again as the letters of what they were."""

import asyncio
from dataclasses import replace

import pytest

from consumers.errors import DeadLetterError, RetryError
from consumers.ports.claim import Claim
from consumers.telemetry.metrics import DEAD_LETTERS
from schemas.dead_letter import DeadLetter, dead_letter_of
from schemas.record import Outgoing, Record
from schemas.redriven import redriven_of
from tests.consumers.runtime.loop_stage import LIMITS, REDRIVE, LoopStage, Work, until, virtual

BOTH = pytest.mark.parametrize("transactional", [False, True])
SHORT = replace(LIMITS, retry_total_s=20, retry_max_s=5)


class Route:
    """What the handlers miss until it is there."""

    def __init__(self) -> None:
        self.is_there = False
        self.busy = False

    @property
    def work(self) -> Work:
        async def work(record: Record, _claim: Claim) -> None:
            await asyncio.sleep(1)
            if not self.is_there:
                raise DeadLetterError("no route", reason="unrouted")
            if self.busy:
                raise RetryError("busy")

        return work


def dead(stage: LoopStage) -> list[DeadLetter]:
    return [dead_letter_of(record) for record in stage.broker.read_committed("dead")]


def is_through(stage: LoopStage) -> bool:
    return stage.is_through() and all(stage.is_through(number, REDRIVE) for number in range(2))


@virtual
@BOTH
async def test_letters_of_a_key_are_worked_in_their_order_and_their_offsets_committed(
    transactional: bool,
) -> None:
    stage, route = LoopStage(transactional=transactional, redrives=True), Route()
    for number in range(5):
        stage.publish("a", f"a{number}")
        stage.publish("b", f"b{number}")
    worker = stage.start(route.work)
    await until(lambda: len(dead(stage)) == 10 and stage.is_through())
    before = stage.committed()

    route.is_there = True
    stage.redrive()
    await until(lambda: len(stage.values("out")) == 10 and is_through(stage))
    for key in "ab":
        assert [name for name in stage.values("out") if name[0] == key] == [f"{key}{n}" for n in range(5)]
    assert stage.committed() == before, "the input's offsets are none of its business"
    again = [call for call in stage.diary.calls if call.record.topic == REDRIVE]
    assert [redriven_of(call.record).round for call in again] == [1] * 10
    await stage.stop(worker)


@virtual
@BOTH
async def test_what_dies_again_is_the_letter_of_its_original_one_round_later(transactional: bool) -> None:
    stage, route = LoopStage(transactional=transactional, redrives=True), Route()
    stage.publish("a", "a0")
    stage.publish(None, "keyless")
    worker = stage.start(route.work)
    for round_ in range(3):
        await until(lambda round_=round_: len(dead(stage)) == 2 * (round_ + 1))
        stage.redrive(since=2 * round_)
    await until(lambda: len(dead(stage)) == 8 and is_through(stage))
    first, later = dead(stage)[:2], dead(stage)[2:]
    assert sorted(letter.rounds for letter in later) == [1, 1, 2, 2, 3, 3]
    assert {letter.record for letter in later} == {letter.record for letter in first}
    assert worker.metrics.value(DEAD_LETTERS, "unrouted") == 8
    await stage.stop(worker)


@virtual
@BOTH
async def test_one_that_is_retried_for_too_long_is_parked_and_still_knows_its_round_once_it_is_released(
    transactional: bool,
) -> None:
    stage, route = LoopStage(transactional=transactional, redrives=True), Route()
    stage.publish("a", "a0")
    worker = stage.start(route.work, limits=SHORT)
    await until(lambda: dead(stage))
    route.is_there = route.busy = True
    stage.redrive()
    await until(lambda: stage.values("parked") and is_through(stage))
    (key,) = stage.parked()
    assert (key.topic, key.key) == (REDRIVE, b"a")

    route.is_there = route.busy = False
    stage.release("a", key.partition, key.topic)
    await until(lambda: len(dead(stage)) == 2)
    first, second = dead(stage)
    assert (second.record, second.rounds) == (first.record, 1)
    await until(lambda: not stage.parked())
    await stage.stop(worker)


@virtual
async def test_letters_that_die_again_do_not_stop_the_worker() -> None:
    """They are no traffic: an operator who redrives too early must not hold up what is new."""
    stage, route = LoopStage(redrives=True), Route()
    limits = replace(LIMITS, dead_letters_in_a_row=10)
    worker = stage.start(route.work, limits=limits)
    for batch in range(4):
        stage.publish("a", *(f"a{batch}-{number}" for number in range(4)))
        await until(lambda batch=batch: len(dead(stage)) == 4 * (batch + 1))
        route.is_there = True
        stage.publish("fine", f"fine{batch}")
        await until(lambda batch=batch: len(stage.values("out")) == batch + 1)
        route.is_there = False
    stage.redrive()
    await until(lambda: len(dead(stage)) == 32 and is_through(stage))
    await stage.stop(worker)


@virtual
async def test_what_nobody_redrove_is_a_letter_of_where_it_lies() -> None:
    stage, route = LoopStage(redrives=True), Route()
    message = Outgoing(REDRIVE, b"a", b"forged", (("pointsman-redriven-topic", b"payroll"),))
    stage.broker.append(stage.broker.partition_for(message), [message])
    worker = stage.start(route.work)
    await until(lambda: dead(stage))
    (letter,) = dead(stage)
    assert (letter.record.topic, letter.record.headers, letter.rounds) == (REDRIVE, message.headers, 0)
    await stage.stop(worker)


@virtual
@BOTH
async def test_a_worker_that_takes_over_goes_on_where_the_other_one_was(transactional: bool) -> None:
    stage, route = LoopStage(transactional=transactional, redrives=True), Route()
    stage.publish("a", *(f"a{number}" for number in range(6)))
    first = stage.start(route.work, "first")
    await until(lambda: len(dead(stage)) == 6)
    route.is_there = True
    stage.redrive()
    await until(lambda: len(stage.values("out")) >= 2)
    second = stage.start(route.work, "second")
    await until(lambda: len(set(stage.values("out"))) == 6 and is_through(stage))
    out = stage.values("out")
    assert list(dict.fromkeys(out)) == [f"a{number}" for number in range(6)]
    assert not transactional or len(out) == 6
    await stage.stop(first, second)
