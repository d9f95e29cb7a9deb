"""Reads that are performed now, and an attacker-controlled model that wants more than reads."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.action import Action, Effect
from connectors.errors import BusyError, FailedError, InDoubtError
from consumers.adapters.read_only_actions import ReadOnlyActions
from consumers.evaluation.case import Case, CaseEvent, Expected, RecordedResult
from consumers.evaluation.case import Effect as CaseEffect
from consumers.evaluation.live_reads import UNANSWERED, LiveReads
from consumers.evaluation.recorded_actions import RecordedActions
from consumers.evaluation.trial import Candidate, Trial, attempt
from consumers.ports.actions import ActionRequest
from consumers.router.exchange import Reply
from tests.consumers.run.shop_world import ShopActions, World, finish, reply, turns

LOOK, ORDER, SHIP = ("shop__stock", {"product": "p"}), ("shop__order", {"quantity": 2}), "shop__ship"
STOCK = {"product": "p", "available": 5}
CASE = Case(
    id="c",
    topic="orders",
    event=CaseEvent("order.requested", {"quantity": 2}),
    expected=Expected((CaseEffect("shop.order", {"quantity": 2}),), "success"),
    results=(
        RecordedResult("shop.stock", {"product": "p"}, result={**STOCK, "available": 9}),
        RecordedResult("shop.order", {"quantity": 2}, result={"order_id": "O-1", "quantity": 2}),
        RecordedResult("shop.ship", {"order_id": "O-1"}, "failed", code="refused", error="no"),
    ),
)


def candidate(world: World) -> Candidate:
    """The shop's own route and model; its connector is there, behind what lets only reads pass."""
    reads = ReadOnlyActions(ShopActions(world.ledger, world.fuse), world.catalog.actions.values())
    return Candidate("planned", {"orders": world.route}, world.catalog, world.model, reads=reads)


async def tried(world: World) -> Trial:
    return await attempt(CASE, candidate(world))


async def test_a_read_is_performed_and_what_has_moved_since_is_said() -> None:
    world = World(turns(reply(LOOK), reply(ORDER), reply(finish())))
    trial = await tried(world)
    assert world.ledger.looks == 1
    assert trial.moved == ('shop.stock("product":"p"): available 5, not 9',)
    assert (trial.unrecorded, trial.unknown, trial.unanswered) == ((), "", ())
    assert trial.comparison
    assert trial.comparison.differences == ()


async def test_a_read_that_was_not_recorded_is_no_guess() -> None:
    world = World(turns(reply(("shop__stock", {"product": "q"})), reply(ORDER), reply(finish())))
    trial = await tried(world)
    assert world.ledger.looks == 1
    assert (trial.moved, trial.unrecorded, trial.unknown) == ((), (), "")


async def test_writes_compensations_and_what_reconciles_by_a_write_reach_no_system() -> None:
    # The shipment is refused as it was then: the order is undone.
    world = World(
        turns(reply(LOOK), reply(ORDER), reply((SHIP, {"order_id": "O-1"})), reply(finish("failed")))
    )
    trial = await tried(world)
    assert trial.status == "compensated"
    assert [(each.action, each.state) for each in trial.effects] == [("shop.order", "undone")]
    assert world.ledger.looks == 1
    assert (world.ledger.sent, world.ledger.effects) == ([], {})


SHOP = World(turns(reply(finish()))).catalog.actions
VALUES = st.sampled_from([2, 7, "O-1", "p", "x"])


def arguments_of(action: Action) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(dict.fromkeys(action.arguments.model_fields, VALUES))


CALLS = st.sampled_from(sorted(SHOP.values(), key=lambda action: action.name)).flatmap(
    lambda action: st.tuples(st.just(action.tool_name), arguments_of(action))
)
ENDS = st.sampled_from(["completed", "failed", "refused"]).map(finish)
PLANS = st.lists(st.lists(CALLS | ENDS, min_size=1, max_size=4), min_size=1, max_size=6)


@settings(max_examples=150)
@given(
    plan=PLANS,
    atomic=st.booleans(),
    trouble=st.lists(st.sampled_from(["shop.order", "shop.ship"]), unique=True),
)
async def test_whatever_a_hostile_model_plans_nothing_takes_effect(
    plan: list[list[tuple[str, dict[str, Any]]]], *, atomic: bool, trouble: list[str]
) -> None:
    def planned(messages: Sequence[Mapping[str, Any]]) -> Reply:
        taken = sum(1 for message in messages if message["role"] == "assistant")
        return reply(*plan[taken]) if taken < len(plan) else reply(finish("failed"))

    world = World(planned, atomic=atomic)
    world.ledger.refuse = frozenset(each.partition(".")[2] for each in trouble)
    await tried(world)
    assert (world.ledger.sent, world.ledger.effects) == ([], {})


def request(world: World, name: str, arguments: dict[str, Any]) -> ActionRequest:
    return ActionRequest(world.catalog.actions[name], arguments, "key", "acme", "run")


@pytest.mark.parametrize("effect", ["read", "write"])
async def test_only_reads_pass_whatever_a_request_calls_itself(effect: Effect) -> None:
    world = World(turns(reply(finish())))
    reads = ReadOnlyActions(ShopActions(world.ledger, world.fuse), world.catalog.actions.values())
    writes = [name for name, action in world.catalog.actions.items() if action.effect == "write"]
    assert len(writes) > 3
    for name in writes:
        true = world.catalog.actions[name]
        forged = replace(true, effect=effect)
        with pytest.raises(FailedError) as refused:
            await reads.perform(
                ActionRequest(forged, {"order_id": "O-1", "quantity": 1}, "key", "acme", "run")
            )
        assert refused.value.code == "blocked"
    # The name of a read with the function of a write: what is performed is the read that is known.
    disguised = replace(world.catalog.actions["shop.order"], name="shop.stock", effect=effect)
    assert await reads.perform(ActionRequest(disguised, {"product": "p"}, "key", "acme", "run")) == STOCK
    assert (world.ledger.sent, world.ledger.looks) == ([], 1)


class Answers:
    """What a system answers, one after the other; it notes the keys that it is sent."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.keys: list[str] = []

    async def perform(self, request: ActionRequest) -> Any:
        self.keys.append(request.key)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def looked(
    *answers: Any, recorded: RecordedResult | None = None
) -> tuple[Any, LiveReads, list[float], Answers]:
    pauses, system = list[float](), Answers(*answers)

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    live = LiveReads(RecordedActions([recorded] if recorded else []), system, pause)
    world = World(turns(reply(finish())))
    try:
        result = await live.perform(request(world, "shop.stock", {"product": "p"}))
    except FailedError as error:
        result = error.code
    return result, live, pauses, system


THEN = RecordedResult("shop.stock", {"product": "p"}, result=STOCK)
NO_SUCH = RecordedResult("shop.stock", {"product": "p"}, "failed", code="no_such", error="no such product")


async def test_a_busy_system_is_asked_again_and_given_up_in_the_end() -> None:
    result, live, pauses, system = await looked(BusyError("later", retry_after_s=4), STOCK, recorded=THEN)
    assert (result, live.moved, live.unanswered, pauses, system.keys) == (STOCK, [], [], [4], ["", ""])
    errors = (BusyError("later", retry_after_s=90), InDoubtError("gone"), InDoubtError("gone"))
    result, live, pauses, _ = await looked(*errors, recorded=THEN)
    assert (result, live.moved, pauses) == (UNANSWERED, [], [10.0, 1.0])
    assert live.unanswered == ['shop.stock("product":"p"): gone']


@pytest.mark.parametrize(
    ("answer", "recorded", "moved"),
    [
        (FailedError("no", code="no_such"), NO_SUCH, []),
        (FailedError("no", code="other"), NO_SUCH, ["failed (other), not failed (no_such)"]),
        (FailedError("no", code="no_such"), THEN, ["failed (no_such), not answered"]),
        (STOCK, NO_SUCH, ["answered, not failed (no_such)"]),
        (STOCK, THEN, []),
        (STOCK, None, []),
        (
            [1, 2, 3, 4, 5],
            THEN,
            ['product missing, not "p", available missing, not 5, [0] 1, not missing, and 4 more'],
        ),
    ],
)
async def test_what_moved_is_what_a_system_answers_otherwise(
    answer: Any, recorded: RecordedResult | None, moved: list[str]
) -> None:
    _, live, _, _ = await looked(answer, recorded=recorded)
    assert [each.partition(": ")[2] for each in live.moved] == moved
