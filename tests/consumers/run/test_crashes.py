"""A worker dies before or after any port call; the next one brings the run to the same end, effects once."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from consumers.errors import RetryError
from schemas.approval import ApprovalRequest
from schemas.outcome import Outcome
from tests.consumers.run.shop_world import Crash, World, finish, hold, reply, turns
from tests.consumers.run.test_engine import LETTER, ORDER, SHIP, answer, ordering


def one_action() -> World:
    return World(ordering())


def undone() -> World:
    world = World(turns(reply(ORDER), reply(SHIP), reply(LETTER), reply(finish("failed", "No letter."))))
    world.ledger.refuse = frozenset({"letter"})
    return world


def approved() -> World:
    return World(ordering(), rules=[hold("true", "shop.order")])


async def to_the_end(world: World) -> Outcome:
    try:
        end = await world.work()
    except RetryError as error:
        world.clock.pass_by(timedelta(seconds=error.after_s or 0))
        end = await world.work()
    if isinstance(end, ApprovalRequest):
        end = await world.engine().answer(answer(end))
    assert isinstance(end, Outcome)
    return end


def ended(outcome: Outcome) -> tuple[object, ...]:
    return outcome.id, outcome.status, [(a.action, a.status, a.arguments, a.result) for a in outcome.actions]


SCENARIOS = {"one action": one_action, "undone": undone, "approved": approved}
PORT_CALLS = {"one action": 14, "undone": 34, "approved": 22}
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
