"""Writes of which nobody knows whether they took effect: a person is asked, and what the answer does."""

from datetime import timedelta
from typing import Any

import pytest

from connectors.errors import InDoubtError
from consumers.errors import DeadLetterError, RetryError
from schemas.approval import Answer, ApprovalDecision, ApprovalRequest
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import World, finish, reply, turns
from tests.consumers.run.test_engine import LETTER, ORDER, delist


async def doubtful(world: World) -> ApprovalRequest:
    """Work until a person is asked."""
    world.ledger.archive_closed = True
    with pytest.raises(RetryError, match="still be under way"):
        await world.work()
    world.clock.pass_by(timedelta(seconds=60))
    asked = await world.work()
    assert isinstance(asked, ApprovalRequest)
    return asked


def letter(*, arrives: bool) -> World:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.trouble = [InDoubtError("connection lost")]
    if not arrives:
        write = world.ledger.write
        lost = InDoubtError("connection lost")

        def dropped(key: str, what: str) -> None:
            world.ledger.write = write
            raise lost

        world.ledger.write = dropped
        world.ledger.trouble = []
    return world


def said(asked: ApprovalRequest, answer: Answer, *, result: Any = None) -> ApprovalDecision:
    return asked.answered(answer, approver="ann", comment="I looked", at=asked.requested_at, result=result)


async def ended(world: World, decision: ApprovalDecision) -> Outcome:
    outcome = await world.answer(decision)
    assert isinstance(outcome, Outcome)
    return outcome


async def test_the_question_says_what_to_look_for() -> None:
    world = letter(arrives=True)
    asked = await doubtful(world)
    assert (asked.kind, asked.place, asked.action) == ("doubt", "t1/c0/d1", "shop.letter")
    assert asked.arguments == {"to": "Ann"}
    assert asked.key in world.ledger.effects
    assert asked.expires_at is None
    assert "the archive is closed" in asked.reason


async def test_a_redelivery_asks_the_same_question_again_and_does_nothing() -> None:
    world = letter(arrives=True)
    asked = await doubtful(world)
    assert await world.work() == asked
    assert world.ledger.sent == [("letter", asked.key)]
    assert world.model.asked == 1


async def test_the_session_is_free_while_a_person_is_asked() -> None:
    world = letter(arrives=True)
    await doubtful(world)
    key = next(iter(world.sessions._sessions.values()))  # pyright: ignore[reportPrivateUsage] - what others would find
    assert key.holder is None


async def test_done_goes_on_with_what_the_person_found() -> None:
    world = letter(arrives=True)
    outcome = await ended(world, said(await doubtful(world), "done", result={"to": "Ann", "number": 7}))
    assert outcome.status is Status.SUCCESS
    assert [(a.status, a.result) for a in outcome.actions] == [("done", {"to": "Ann", "number": 7})]
    assert world.effects == ["letter"]


async def test_retry_does_it_once_under_the_same_key() -> None:
    world = letter(arrives=False)
    asked = await doubtful(world)
    outcome = await ended(world, said(asked, "retry"))
    assert outcome.status is Status.SUCCESS
    assert world.ledger.sent == [("letter", asked.key)]


async def test_a_retry_that_is_in_doubt_again_is_asked_about_again() -> None:
    world = letter(arrives=False)
    first = await doubtful(world)
    world.ledger.trouble = [InDoubtError("connection lost")]
    with pytest.raises(RetryError, match="still be under way"):
        await world.answer(said(first, "retry"))
    world.clock.pass_by(timedelta(seconds=60))
    second = await world.answer(said(first, "retry"))
    assert isinstance(second, ApprovalRequest)
    assert (second.place, second.key) == ("t1/c0/d2", first.key)
    assert second.digest != first.digest
    assert (await ended(world, said(second, "done"))).status is Status.SUCCESS
    assert world.effects == ["letter"]


async def test_compensate_undoes_the_whole_run_whatever_the_route_says() -> None:
    world = World(turns(reply(ORDER), reply(LETTER), reply(finish())), atomic=False)
    world.ledger.trouble = [None, InDoubtError("connection lost")]
    outcome = await ended(world, said(await doubtful(world), "compensate"))
    assert world.effects == ["order", "letter", "cancel"]
    assert outcome.status is Status.COMPENSATION_FAILED, "nothing undoes a letter"
    assert "shop.letter" in outcome.summary
    assert "ann" in outcome.summary


@pytest.mark.parametrize("answer", ["done", "retry", "compensate"])
async def test_an_answer_counts_once(answer: Answer) -> None:
    world = letter(arrives=answer != "retry")
    asked = await doubtful(world)
    outcome = await ended(world, said(asked, answer))
    assert await ended(world, said(asked, answer)) == outcome
    assert world.effects == ["letter"]
    other = asked.answered("done", approver="bob", comment="", at=world.clock.now())
    with pytest.raises(DeadLetterError) as raised:
        await world.answer(other)
    assert raised.value.reason == "approval_used"


@pytest.mark.parametrize("answer", ["approve", "reject"])
async def test_a_doubt_is_not_approved(answer: Answer) -> None:
    world = letter(arrives=True)
    asked = await doubtful(world)
    with pytest.raises(DeadLetterError) as raised:
        await world.answer(said(asked, answer))
    assert raised.value.reason == "approval_unknown"


async def test_a_doubt_about_an_action_that_has_left_the_route_is_asked_as_well() -> None:
    world = letter(arrives=True)
    with pytest.raises(RetryError):
        await world.work()
    delist(world, "shop.letter")
    asked = await world.work()
    assert isinstance(asked, ApprovalRequest)
    assert "no longer on the route" in asked.reason
    outcome = await ended(world, said(asked, "done"))
    assert world.effects == ["letter"]
    assert [a.status for a in outcome.actions] == ["done"]
