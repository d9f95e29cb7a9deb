"""A run whose prompt grows beyond its budget, and what its journal and its outcome say of the prompt."""

from consumers.router.fitting import RESULTS
from consumers.router.route import Budget
from schemas.outcome import Status
from tests.consumers.run.shop_world import World, finish, reply, turns
from tests.consumers.run.test_engine import outcome_of

LOOKS = [reply(("shop__stock", {"product": f"{number}" * 900})) for number in range(4)]


async def test_a_run_goes_on_with_a_prompt_that_fits_and_its_journal_says_what_was_left_out() -> None:
    world = World(turns(*LOOKS, reply(finish())), budget=Budget(prompt_tokens=5000))
    outcome = await outcome_of(world)
    assert outcome.status is Status.SUCCESS
    said = [step.body.get("left_out") for step in world.outbox.step_log if step.place.endswith("decision")]
    assert said[0] is None
    assert said[-1] == [RESULTS]


async def test_what_cannot_be_made_to_fit_ends_the_run_before_anybody_is_asked() -> None:
    world = World(turns(reply(finish())), budget=Budget(prompt_tokens=50))
    outcome = await outcome_of(world)
    assert outcome.status is Status.BUDGET_SPENT
    assert "budget of 50 prompt_tokens" in outcome.summary
    assert world.model.asked == 0
    assert (outcome.model, outcome.prompt) == (None, None)


async def test_what_was_done_before_it_stopped_fitting_is_undone() -> None:
    order = reply(
        ("shop__order", {"quantity": 1}), *(("shop__stock", {"product": f"{n}" * 900}) for n in range(9))
    )
    world = World(turns(order, reply(finish())), budget=Budget(prompt_tokens=5000))
    outcome = await outcome_of(world)
    assert outcome.status is Status.COMPENSATED
    assert world.effects == ["order", "cancel"]


async def test_the_outcome_says_which_model_decided_last_and_what_it_was_told() -> None:
    outcome = await outcome_of(World(turns(reply(finish()))))
    assert outcome.model == "planned"
    assert outcome.prompt is not None
    assert len(outcome.prompt) == 12
