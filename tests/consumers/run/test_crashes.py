"""A worker dies before or after any port call; the next one brings the run to the same end, effects once."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from consumers.errors import RetryError
from schemas.approval import Answer, ApprovalDecision, ApprovalRequest
from schemas.outcome import Outcome
from tests.consumers.run.shop_world import Crash, World, finish, hold, reply, turns
from tests.consumers.run.test_engine import LETTER, ORDER, SHIP, answer, ordering
from tests.consumers.run.test_unwinding import BOOK

Work = Callable[[], Awaitable[Outcome | ApprovalRequest]]


def one_action() -> World:
    return World(ordering())


def undone() -> World:
    world = World(turns(reply(ORDER), reply(SHIP), reply(LETTER), reply(finish("failed", "No letter."))))
    world.ledger.refuse = frozenset({"letter"})
    return world


def approved() -> World:
    return World(ordering(), rules=[hold("true", "shop.order")])


def agreed() -> World:
    """Two people must agree, and both want other arguments than the model."""
    rule = replace(hold("true", "shop.order"), approvers=frozenset({"sales"}), quorum=2)
    return World(ordering(), rules=[rule])


def doubtful() -> World:
    """A letter that arrived and of which nobody knows; a person has the run undone."""
    world = World(turns(reply(ORDER), reply(LETTER), reply(finish())))
    world.ledger.archive_closed = True
    world.ledger.lost = frozenset({"letter"})
    return world


def undone_by_state() -> World:
    world = World(turns(reply(ORDER), reply(BOOK), reply(SHIP), reply(finish("failed", "No shipment."))))
    world.ledger.refuse = frozenset({"ship"})
    return world


async def to_the_end(world: World) -> Outcome:
    end = await once_more(world, world.work)
    people: dict[str, list[str]] = {}
    while isinstance(end, ApprovalRequest):
        decision = decided(world, end, people)
        end = await once_more(world, partial(world.answer, decision, "sales"))
    return end


def decided(world: World, asked: ApprovalRequest, people: dict[str, list[str]]) -> ApprovalDecision:
    """Return what the next person says who is asked; whatever is delivered again is this very answer."""
    person = people.setdefault(asked.id, ["ann", "bob"]).pop(0)
    decision = answer(asked, said(world, asked), approver=person)
    return decision if asked.quorum == 1 else replace(decision, answer="edit", arguments={"quantity": 5})


def said(world: World, asked: ApprovalRequest) -> Answer:
    """Answer as a person who has looked."""
    if asked.kind == "approval":
        return "approve"
    return "compensate" if asked.key in world.ledger.effects else "retry"


async def once_more(world: World, work: Work) -> Outcome | ApprovalRequest:
    """Do what the runtime does with a retry: wait as long as was asked, then work again."""
    for _ in range(2):
        try:
            return await work()
        except RetryError as error:
            world.clock.pass_by(timedelta(seconds=error.after_s or 0))
    return await work()


def ended(outcome: Outcome) -> tuple[object, ...]:
    return outcome.id, outcome.status, [(a.action, a.status, a.arguments, a.result) for a in outcome.actions]


SCENARIOS = {
    "one action": one_action,
    "undone": undone,
    "approved": approved,
    "agreed": agreed,
    "in doubt": doubtful,
    "undone by state": undone_by_state,
}
PORT_CALLS = {
    "one action": 14,
    "undone": 34,
    "approved": 22,
    "agreed": 27,
    "in doubt": 40,
    "undone by state": 40,
}
"""At least so many; the test checks that no scenario has more than are crashed at."""


def crashes() -> Iterator[tuple[str, int, bool]]:
    for name, calls in PORT_CALLS.items():
        for at in range(1, calls + 1):
            yield name, at, False
            yield name, at, True


@pytest.mark.parametrize(("name", "at", "after"), list(crashes()))
async def test_a_crash_changes_neither_outcome_nor_effects(name: str, at: int, after: bool) -> None:
    make: Callable[[], World] = SCENARIOS[name]
    calm = make()
    expected = await to_the_end(calm)
    assert calm.fuse.calls <= PORT_CALLS[name], "raise PORT_CALLS, so that every call is crashed at"

    world = make()
    world.fuse.crash_at, world.fuse.after = at, after
    with contextlib.suppress(Crash, BaseExceptionGroup):
        await to_the_end(world)
    asked = world.model.asked
    world.fuse.crash_at = None
    outcome = await to_the_end(world)

    # The words may differ: what a lost answer would have said, the reconciling read says in its own.
    assert ended(outcome) == ended(expected)
    assert world.effects == calm.effects
    assert all(published == outcome for published in world.outbox.outcomes)
    assert world.model.asked <= calm.model.asked + 1, (
        f"a recorded decision was asked for again ({asked} before)"
    )


STEPS = {"one action": 6, "undone": 10, "approved": 8, "agreed": 9, "in doubt": 9, "undone by state": 10}
"""Steps of each scenario at which it may be handed over; the test checks that there are no more."""


@pytest.mark.parametrize(("name", "at"), [(name, at) for name in STEPS for at in range(1, STEPS[name] + 1)])
async def test_a_run_handed_over_at_a_step_goes_on_as_if_nothing_had_been(name: str, at: int) -> None:
    calm = SCENARIOS[name]()
    expected = await to_the_end(calm)
    assert len(calm.claim.entered) == STEPS[name], "correct STEPS, so that every step is handed over at"
    world = SCENARIOS[name]()
    world.claim.hand_over_at = at
    outcome = await to_the_end(world)
    assert ended(outcome) == ended(expected)
    assert world.effects == calm.effects
    assert world.model.asked == calm.model.asked, "no answer of the model is thrown away"


@pytest.mark.parametrize("name", list(SCENARIOS))
async def test_no_effect_begins_once_the_claim_is_lost(name: str) -> None:
    calm = SCENARIOS[name]()
    expected = await to_the_end(calm)
    for at in range(1, len(calm.claim.held) + 1):
        world = SCENARIOS[name]()
        world.claim.lose_at = at
        done: list[int] = []
        world.claim.lost = lambda world=world, done=done: done.append(len(world.effects))
        outcome = await to_the_end(world)
        assert done[0] <= (at - 1) // 2, "two for each effect: to write its intent, and to perform it"
        assert world.effects == calm.effects
        assert outcome.status == expected.status
