"""What was decided counts, also if the model goes away before anything of it is done."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from consumers.errors import DeadLetterError, PointsmanError, RetryError, UnavailableError
from consumers.router.exchange import Reply
from consumers.router.route import Budget
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import World, reply

BAD = reply(("shop__order", {"quantity": "many"}))


@pytest.mark.parametrize(
    "error", [UnavailableError("503"), DeadLetterError("too long", reason="prompt_too_long")]
)
async def test_a_decision_is_written_before_the_run_waits_for_the_next_one(error: PointsmanError) -> None:
    def plan(messages: Sequence[Mapping[str, Any]]) -> Reply:
        if any(message["role"] == "assistant" for message in messages):
            raise error
        return BAD

    world = World(plan)
    for asked in (2, 3):
        with pytest.raises(type(error)):
            await world.work()
        assert world.model.asked == asked, "the first turn is not asked again"
    assert sum(step.place == "t1/decision" for step in world.outbox.step_log) >= 1


async def test_bad_answers_end_a_run_however_often_it_waits_between_them() -> None:
    asked = 0

    def plan(_: Sequence[Mapping[str, Any]]) -> Reply:
        nonlocal asked
        asked += 1
        if asked % 2 == 0:
            raise UnavailableError("503")
        return BAD

    world = World(plan, budget=Budget(repairs=3))
    outcome = None
    for _ in range(4):
        try:
            outcome = await world.work()
        except RetryError:
            continue
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.BUDGET_SPENT
    assert outcome.turns == 3
