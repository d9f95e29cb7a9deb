"""A model that asks the same again and again: the journal answers, then the model is told, then the run ends."""

from collections import Counter
from typing import Any

import pytest

from consumers.router.exchange import Reply
from consumers.run.repeats import MOST_REPEATS
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import Plan, World, deny, finish, hold, reply, turns
from tests.consumers.run.test_engine import answer, outcome_of

STOCK = ("shop__stock", {"product": "P"})
ORDER = ("shop__order", {"quantity": 2})


def asked(world: World) -> int:
    """How often the shop itself was asked for its stock."""
    return world.ledger.looks


def codes(outcome: Outcome) -> list[str]:
    return [action.status for action in outcome.actions if action.action == "shop.stock"]


async def test_the_journal_answers_the_second_time() -> None:
    world = World(turns(reply(STOCK), reply(STOCK), reply(finish())))
    outcome = await outcome_of(world)
    first, second = (action.result for action in outcome.actions)
    assert asked(world) == 1
    assert first == second
    (again,) = [step.body for step in world.outbox.step_log if "same_as" in step.body]
    assert again["same_as"] == "t1/c0"


async def test_two_alike_in_one_answer_are_asked_once() -> None:
    world = World(turns(reply(STOCK, STOCK), reply(finish())))
    outcome = await outcome_of(world)
    assert outcome.status is Status.SUCCESS
    assert codes(outcome) == ["done", "done"]
    assert asked(world) == 1


async def test_the_third_time_the_model_is_told_and_may_go_on() -> None:
    world = World(turns(reply(STOCK), reply(STOCK), reply(STOCK), reply(ORDER), reply(finish())))
    outcome = await outcome_of(world)
    assert codes(outcome) == ["done", "done", "denied"]
    assert "ends the run" in str(outcome.actions[2].error)
    assert outcome.status is Status.SUCCESS
    assert world.effects == ["order"]


@pytest.mark.parametrize("at_once", [True, False])
async def test_the_fourth_time_ends_the_run_and_undoes_what_was_done(*, at_once: bool) -> None:
    circles = [reply(*[STOCK] * 4)] if at_once else [reply(STOCK)] * 4
    world = World(turns(reply(ORDER), *circles, reply(finish())))
    outcome = await outcome_of(world)
    assert outcome.status is Status.COMPENSATED
    assert "shop.stock 4 times" in outcome.summary
    assert world.effects == ["order", "cancel"]
    assert len(codes(outcome)) == MOST_REPEATS
    assert asked(world) == 1


async def test_other_arguments_are_another_question() -> None:
    def other(number: int) -> Reply:
        return reply(("shop__stock", {"product": f"P-{number}"}))

    world = World(turns(*map(other, range(5)), reply(finish())))
    assert (await outcome_of(world)).status is Status.SUCCESS
    assert asked(world) == 5


@pytest.mark.parametrize("refuse", [frozenset[str](), frozenset({"order"})])
async def test_after_a_write_was_sent_it_is_asked_again_even_if_that_failed(refuse: frozenset[str]) -> None:
    world = World(turns(reply(STOCK), reply(ORDER), reply(STOCK), reply(finish("failed"))), atomic=False)
    world.ledger.refuse = refuse
    await outcome_of(world)
    assert asked(world) == 2


async def test_after_a_person_was_asked_it_is_asked_again() -> None:
    world = World(
        turns(reply(STOCK), reply(ORDER), reply(STOCK), reply(finish("refused"))),
        rules=[hold("true", "shop.order")],
    )
    request: Any = await world.work()
    await world.answer(answer(request, "reject"))
    assert asked(world) == 2


async def test_a_write_that_a_rule_denied_changed_nothing() -> None:
    world = World(
        turns(reply(STOCK), reply(ORDER), reply(STOCK), reply(finish("refused"))),
        rules=[deny("true", "shop.order")],
    )
    await outcome_of(world)
    assert asked(world) == 1


async def test_a_read_that_a_rule_denied_may_be_asked_until_it_is_allowed() -> None:
    rule = deny('!("shop.booking" in session.results)', "shop.stock")
    look = ("shop__booking", {"seat": "1A"})
    world = World(turns(*[reply(STOCK)] * 4, reply(look), reply(STOCK), reply(finish())), rules=[rule])
    outcome = await outcome_of(world)
    assert Counter(codes(outcome)) == {"denied": 4, "done": 1}
    assert outcome.status is Status.SUCCESS
    assert asked(world) == 1


def circling() -> Plan:
    return turns(reply(STOCK))


async def test_a_model_that_does_nothing_else_is_asked_four_times() -> None:
    world = World(circling())
    outcome = await outcome_of(world)
    assert outcome.status is Status.FAILED
    assert world.model.asked == MOST_REPEATS + 1
