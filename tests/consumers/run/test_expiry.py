"""Nobody answers in time: what was asked is refused, or others are asked, without anybody having to say so."""

import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest

from consumers.errors import DeadLetterError
from consumers.policy.rules import Rule
from schemas.approval import ApprovalRequest
from schemas.expiry import Expiry
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import Crash, World, finish, hold, reply, turns
from tests.consumers.run.test_engine import LETTER, ORDER, answer

WINDOW = timedelta(hours=1)
HELD = hold("true", "shop.order")
ESCALATES = replace(HELD, approvers=frozenset({"sales"}), escalate_to=frozenset({"board"}))


def waiting_world(rule: Rule = HELD, *, atomic: bool = True) -> World:
    return World(
        turns(reply(LETTER), reply(ORDER), reply(finish("failed", "Nobody agreed."))),
        rules=[rule],
        atomic=atomic,
    )


async def asked(world: World) -> ApprovalRequest:
    end = await world.work()
    assert isinstance(end, ApprovalRequest)
    return end


async def ended(world: World) -> Outcome:
    (end,) = await world.expire()
    assert isinstance(end, Outcome)
    return end


def deadline(request: ApprovalRequest) -> Expiry:
    assert request.expires_at
    return Expiry(request.run_id, request.tenant, request.session_id, request.place, request.expires_at)


async def test_before_the_time_is_over_nobody_is_woken() -> None:
    world = waiting_world()
    await asked(world)
    world.clock.pass_by(WINDOW - timedelta(seconds=1))
    assert await world.expire() == []


async def test_when_it_is_over_an_atomic_run_is_refused_and_what_it_did_is_undone() -> None:
    world = World(
        turns(reply(ORDER), reply(("shop__order", {"quantity": 7}))),
        rules=[hold("arguments.quantity == 7", "shop.order")],
    )
    await asked(world)
    world.clock.pass_by(WINDOW)
    outcome = await ended(world)
    assert outcome.status is Status.COMPENSATED
    assert "expired by nobody: nobody answered in time" in outcome.summary
    assert world.effects.count("cancel") == 1
    assert await world.expire() == []


async def test_elsewhere_the_model_is_told_and_may_try_something_else() -> None:
    world = waiting_world(atomic=False)
    await asked(world)
    world.clock.pass_by(WINDOW)
    outcome = await ended(world)
    assert outcome.status is Status.FAILED
    assert [a.status for a in outcome.actions] == ["done", "denied"]
    assert "order" not in world.effects


async def test_an_answer_that_came_first_stands_and_nobody_is_woken_later() -> None:
    world = waiting_world(atomic=False)
    request = await asked(world)
    await world.answer(answer(request, "approve"))
    world.clock.pass_by(WINDOW)
    assert await world.expire() == []
    assert world.effects.count("order") == 1


async def test_an_answer_that_comes_after_it_is_too_late() -> None:
    world = waiting_world(atomic=False)
    request = await asked(world)
    world.clock.pass_by(WINDOW)
    await ended(world)
    with pytest.raises(DeadLetterError):
        await world.answer(answer(request, "approve"))
    assert "order" not in world.effects


async def test_an_expiry_that_somebody_forged_before_the_time_does_nothing() -> None:
    world = waiting_world(atomic=False)
    request = await asked(world)
    forged = replace(deadline(request), expires_at=world.clock.now() - WINDOW)
    assert await world.engine().expire(forged, world.claim) is None
    assert await world.engine().expire(replace(forged, place="t9/c9"), world.claim) is None
    assert await world.engine().expire(replace(forged, run_id="another"), world.claim) is None
    await world.answer(answer(request, "approve"))
    assert world.effects.count("order") == 1


async def test_an_expiry_that_is_delivered_twice_changes_nothing() -> None:
    world = waiting_world(atomic=False)
    request = await asked(world)
    world.clock.pass_by(WINDOW)
    outcome = await ended(world)
    assert await world.engine().expire(deadline(request), world.claim) in (None, outcome)


async def test_a_worker_that_dies_when_it_has_told_so_and_no_more_leaves_nobody_waiting() -> None:
    for at in range(1, 9):
        world = waiting_world(atomic=False)
        request = await asked(world)
        world.clock.pass_by(WINDOW)
        world.fuse.calls, world.fuse.crash_at, world.fuse.after = 0, at, True
        with contextlib.suppress(Crash):
            await world.expire()
        world.fuse.crash_at = None
        world.clock.pass_by(timedelta(seconds=61))
        outcome = await world.engine().expire(deadline(request), world.claim)
        assert isinstance(outcome, Outcome), f"it died after call {at}"
        assert "order" not in world.effects


async def test_a_question_that_escalates_is_asked_of_others_once_and_their_word_counts() -> None:
    world = waiting_world(ESCALATES, atomic=False)
    first = await asked(world)
    assert first.approvers == ("sales",)
    world.clock.pass_by(WINDOW)
    (second,) = await world.expire()
    assert isinstance(second, ApprovalRequest)
    assert second.approvers == ("board",)
    assert second.expires_at == world.clock.now() + WINDOW
    assert second.id != first.id
    with pytest.raises(DeadLetterError):
        await world.answer(answer(first, "approve"), "sales")
    with pytest.raises(DeadLetterError):
        await world.answer(answer(second, "approve"), "sales")
    await world.answer(answer(second, "approve"), "board")
    assert world.effects.count("order") == 1


async def test_a_question_that_escalated_is_refused_when_nobody_answers_it_either() -> None:
    world = waiting_world(ESCALATES, atomic=False)
    await asked(world)
    world.clock.pass_by(WINDOW)
    await world.expire()
    world.clock.pass_by(WINDOW)
    outcome = await ended(world)
    assert outcome.status is Status.FAILED
    assert "order" not in world.effects


async def test_a_late_answer_to_a_question_that_escalates_has_others_asked() -> None:
    world = waiting_world(ESCALATES, atomic=False)
    request = await asked(world)
    world.clock.pass_by(WINDOW)
    second = await world.answer(answer(request, "approve"), "sales")
    assert isinstance(second, ApprovalRequest)
    assert second.approvers == ("board",)
    assert "order" not in world.effects
