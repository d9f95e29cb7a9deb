"""A run of whatever kind becomes a case, and whoever chooses the same does the same: nothing is lost in between."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import orjson
import pytest

from connectors.errors import InDoubtError
from consumers.errors import DeadLetterError, RetryError
from consumers.evaluation.case import Case, line_of, read_cases
from consumers.evaluation.evaluate import evaluate
from consumers.evaluation.recording import case_of
from consumers.evaluation.remembered import Remembered
from consumers.evaluation.trial import Candidate, Trial, attempt
from consumers.policy.rules import Rule
from consumers.router.exchange import Prompt, Reply
from consumers.router.plan import PlannedStep
from consumers.router.route import Budget
from consumers.run.record import envelope_body
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.past import PastRun
from schemas.approval import Answer, ApprovalRequest
from schemas.outcome import Outcome
from schemas.step import Step, StepKind
from tests.consumers.run.shop_world import (
    NOW,
    Fuse,
    Plan,
    PlannedModel,
    World,
    deny,
    finish,
    hold,
    reply,
    turns,
)
from tests.consumers.run.test_engine import LETTER, ORDER, SHIP, answer, ordering
from tests.consumers.run.test_planned_runs import DONE, planned
from tests.consumers.run.test_planned_runs import ORDER as PLANNED_ORDER
from tests.consumers.run.test_planned_runs import STOCK as PLANNED_STOCK

STOCK = ("shop__stock", {"product": "P"})
BOOK = ("shop__book", {"seat": "7"})


def holding(name: str, when: str = "true", **changes: object) -> Rule:
    return replace(hold(when, "shop.order"), name=name, **changes)  # pyright: ignore[reportArgumentType] - by name


async def plain() -> World:
    world = World(ordering())
    await world.work()
    return world


async def repaired() -> World:
    world = World(
        turns(reply(("shop__order", {"quantity": "two"})), reply(STOCK), reply(ORDER), reply(finish()))
    )
    await world.work()
    return world


async def asked_again_and_after_a_change() -> World:
    answers = (reply(STOCK), reply(STOCK), reply(ORDER), reply(STOCK), reply(finish()))
    world = World(turns(*answers))
    await world.work()
    return world


async def going_in_circles() -> World:
    world = World(turns(reply(STOCK)))
    await world.work()
    return world


async def planned_without_a_model() -> World:
    world = planned(PlannedStep(calls=(PLANNED_STOCK,)), PlannedStep(calls=(PLANNED_ORDER,)), DONE)
    await world.work()
    return world


async def looked_up_by_plan() -> World:
    world = planned(PlannedStep(calls=(PLANNED_STOCK,)), otherwise="model")
    world.model.plan = turns(reply(ORDER), reply(ORDER), reply(finish()))
    await world.work()
    return world


async def denied() -> World:
    world = World(ordering(), rules=[deny("arguments.quantity > 1", "shop.order")])
    await world.work()
    return world


async def out_of_budget() -> World:
    world = World(turns(reply(STOCK)), budget=Budget(turns=3))
    await world.work()
    return world


async def undone() -> World:
    world = World(turns(reply(ORDER), reply(SHIP), reply(finish("failed", "No."))))
    world.ledger.refuse = frozenset({"ship"})
    await world.work()
    return world


async def not_undone() -> World:
    world = World(turns(reply(ORDER), reply(SHIP), reply(finish("failed", "No."))))
    world.ledger.refuse = frozenset({"ship", "cancel"})
    await world.work()
    return world


async def undone_by_state() -> World:
    world = World(turns(reply(BOOK), reply(SHIP), reply(finish("failed", "No."))))
    world.ledger.refuse, world.ledger.booking = frozenset({"ship"}), "sold"
    await world.work()
    return world


async def in_doubt_for_a_while() -> World:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.trouble, world.ledger.archive_closed = [InDoubtError("lost")], True
    with pytest.raises(Exception, match="still be under way"):
        await world.work()
    world.clock.pass_by(timedelta(seconds=60))
    asked = await world.work()
    assert isinstance(asked, ApprovalRequest)
    done = asked.answered("done", approver="ann", comment="", at=world.clock.now(), result={"to": "Ann"})
    await world.answer(done)
    return world


def answered(
    *said: tuple[Answer, str, dict[str, int] | None], rules: list[Rule]
) -> Callable[[], Awaitable[World]]:
    async def run() -> World:
        world = World(ordering(), rules=rules)
        asked = await world.work()
        for what, who, arguments in said:
            assert isinstance(asked, ApprovalRequest)
            world.clock.pass_by(timedelta(seconds=5))
            decision = asked.answered(
                what, approver=who, comment="", at=world.clock.now(), arguments=arguments
            )
            asked = await world.answer(decision, who)
        return world

    return run


async def expired() -> World:
    world = World(turns(reply(ORDER), reply(finish("failed", "Nobody."))), rules=[holding("h")])
    await world.work()
    world.clock.pass_by(timedelta(hours=2))
    await world.expire()
    return world


async def escalated() -> World:
    rule = holding("h", approvers=frozenset({"sales"}), escalate_to=frozenset({"board"}))
    world = World(ordering(), rules=[rule])
    await world.work()
    world.clock.pass_by(timedelta(hours=2))
    (asked,) = await world.expire()
    assert isinstance(asked, ApprovalRequest)
    await world.answer(answer(asked), "board")
    return world


RUNS: dict[str, Callable[[], Awaitable[World]]] = {
    "plain": plain,
    "repaired": repaired,
    "asked again and after a change": asked_again_and_after_a_change,
    "going in circles": going_in_circles,
    "planned without a model": planned_without_a_model,
    "looked up by plan": looked_up_by_plan,
    "denied": denied,
    "out of budget": out_of_budget,
    "undone": undone,
    "not undone": not_undone,
    "undone by state": undone_by_state,
    "in doubt for a while": in_doubt_for_a_while,
    "approved": answered(("approve", "ann", None), rules=[holding("h")]),
    "rejected": answered(("reject", "ann", None), rules=[holding("h")]),
    "edited": answered(("edit", "ann", {"quantity": 5}), rules=[holding("h")]),
    "several agree": answered(
        ("approve", "ann", None), ("approve", "bob", None), rules=[holding("h", quorum=2)]
    ),
    "edited into what others decide": answered(
        ("edit", "sales", {"quantity": 1000}),
        ("approve", "board", None),
        rules=[
            holding("h", approvers=frozenset({"sales"})),
            holding("huge", "arguments.quantity > 100", approvers=frozenset({"board"})),
        ],
    ),
    "expired": expired,
    "escalated": escalated,
}


async def recorded(world: World) -> Case:
    """Return the case of a run, through a file and back."""
    event = world.event
    entries = await world.sessions.read(SessionKey(event.tenant, event.session_id), event.run_id)
    made = case_of("orders", envelope_body(event), entries, None)
    (read,) = read_cases([line_of(made)])
    assert read == made
    return read


async def tried(case: Case, world: World, plan: Plan) -> Trial:
    model = PlannedModel(plan, Fuse())
    return await attempt(case, Candidate("planned", {"orders": world.route}, world.catalog, model))


@pytest.mark.parametrize("run", RUNS)
async def test_the_same_choices_do_the_same(run: str) -> None:
    world = await RUNS[run]()
    done, asked = list(world.ledger.sent), world.model.asked
    case = await recorded(world)
    trial = await tried(case, world, world.model.plan)
    assert trial.comparison
    assert (trial.comparison.differences, trial.unrecorded) == ((), ())
    assert trial.status == world.outbox.outcomes[-1].status
    assert trial.summary == world.outbox.outcomes[-1].summary
    assert case.recorded
    assert trial.figures == replace(case.recorded, model_s=trial.figures.model_s)
    assert (world.ledger.sent, world.model.asked) == (done, asked), "nothing was performed again"


@pytest.mark.parametrize(
    "run",
    sorted(
        RUNS.keys()
        - {"denied", "expired", "rejected", "out of budget", "going in circles", "planned without a model"}
    ),
)
async def test_who_does_nothing_misses_all_that_stood(run: str) -> None:
    world = await RUNS[run]()
    case = await recorded(world)
    assert case.expected.effects
    trial = await tried(case, world, turns(reply(finish("refused", "No."))))
    assert trial.comparison
    missed = [each for each in trial.comparison.differences if each.kind == "missed"]
    assert len(missed) == len(case.expected.effects)


async def test_a_session_remembers_for_as_long_as_a_question_waits() -> None:
    world = await expired()
    past = PastRun("order.praised", "e-0", "success", "Thanked.", (), NOW)
    case = replace(await recorded(world), context=orjson.loads(Context((past,)).dump()))
    world.route = replace(world.route, approval_window=timedelta(days=60))
    told: list[bool] = []

    def plan(messages: Sequence[Mapping[str, Any]]) -> Reply:
        told.append("Thanked." in messages[1]["content"])
        return world.model.plan(messages)

    trial = await tried(case, world, plan)
    assert (trial.status, told) == (world.outbox.outcomes[-1].status, [True, True])


async def test_who_may_not_answer_by_the_candidates_rules_has_not_answered() -> None:
    world = await RUNS["approved"]()
    case = await recorded(world)
    world.route = replace(world.route, rules=(holding("h", approvers=frozenset({"board"})),))
    trial = await tried(case, world, world.model.plan)
    assert trial.status == "requires_approval"
    assert trial.comparison
    assert [d.words for d in trial.comparison.differences][:1] == ["shop.order held, not done"]


async def test_a_rule_that_asks_anew_is_not_answered_by_an_old_yes() -> None:
    world = await plain()
    case = await recorded(world)
    world.route = replace(world.route, rules=(holding("new"),))
    trial = await tried(case, world, world.model.plan)
    assert [(each.action, each.state) for each in trial.effects] == [("shop.order", "held")]


def raising(error: Exception, *, at: int) -> Plan:
    """Return the plan of `plain`, in which one answer is an error instead."""
    left = count()

    def plan(messages: Sequence[Mapping[str, Any]]) -> Reply:
        if next(left) == at:
            raise error
        return ordering()(messages)

    return plan


async def test_a_model_that_is_busy_is_asked_again_and_given_up_in_the_end() -> None:
    world = await plain()
    case = await recorded(world)
    once = await tried(case, world, raising(RetryError("busy", after_s=0.0), at=1))
    assert once.comparison
    assert once.comparison.differences == ()

    def always(messages: Sequence[Mapping[str, Any]]) -> Reply:
        raise RetryError("busy", after_s=0.0)

    with pytest.raises(RetryError, match="busy"):
        await tried(case, world, always)


async def test_a_prompt_that_is_refused_after_an_answer_is_not_taken_for_a_persons_refusal() -> None:
    world = await RUNS["approved"]()
    case = await recorded(world)
    with pytest.raises(DeadLetterError, match="too long"):
        await tried(case, world, raising(DeadLetterError("too long", reason="prompt_too_long"), at=2))


async def test_no_more_trials_run_at_once_than_are_asked_for() -> None:
    world = await plain()
    case = await recorded(world)
    model = Crowded(PlannedModel(world.model.plan, Fuse()))
    found = await evaluate(
        [replace(case, id=str(number)) for number in range(12)],
        Candidate("planned", {"orders": world.route}, world.catalog, model),
        concurrency=3,
    )
    assert [each.same for each in found] == [1] * 12
    assert model.most == 3


class Crowded:
    """A model that takes a moment, and knows how many wait for it."""

    def __init__(self, model: PlannedModel) -> None:
        self.model = model
        self.now = self.most = 0

    async def reply(self, prompt: Prompt) -> Reply:
        self.now += 1
        self.most = max(self.most, self.now)
        for _ in range(5):
            await asyncio.sleep(0)
        self.now -= 1
        return await self.model.reply(prompt)


async def test_what_a_plan_decides_is_no_answer_of_the_model() -> None:
    alone, before = await planned_without_a_model(), await looked_up_by_plan()
    figures = [(await recorded(world)).recorded for world in (alone, before)]
    assert [(f.turns, f.model, len(f.model_s), f.reads) for f in figures if f] == [
        (0, "", 0, 1),
        (2, "planned", 2, 1),
    ]


async def test_seconds_of_the_model_are_those_between_the_entries() -> None:
    world = World(ordering())
    ask = world.model.reply

    async def slowly(prompt: object) -> object:
        world.clock.pass_by(timedelta(seconds=3))
        return await ask(prompt)  # pyright: ignore[reportArgumentType] - passed on

    world.model.reply = slowly  # pyright: ignore[reportAttributeAccessIssue] - a slower one
    await world.work()
    case = await recorded(world)
    assert case.recorded
    assert case.recorded.model_s == (3.0, 3.0, 3.0)


async def test_a_run_finds_what_its_session_remembered_when_it_began() -> None:
    world = World(ordering())
    first = await world.work()
    world.event = replace(world.event, id="e-2")
    second = await world.work()
    assert isinstance(first, Outcome)
    assert isinstance(second, Outcome)
    remembered = Remembered({SessionKey("acme", "s-1")})
    for step in world.outbox.step_log:
        remembered.take(step)
    assert remembered.before(first.run_id) is None
    before = remembered.before(second.run_id)
    assert before
    assert [run["event_id"] for run in before["runs"]] == ["e-1"]
    assert before["results"][0][0] == "shop.stock"


def step(run: str, at: str, kind: StepKind = StepKind.DECISION, memory: object = None) -> Step:
    return Step(
        id=f"{run}/{at}",
        run_id=run,
        tenant="acme",
        session_id="s-1",
        event_id=run,
        event_type="order.requested",
        place=at,
        kind=kind,
        action=None,
        body={},
        at=NOW,
        memory=memory,  # pyright: ignore[reportArgumentType] - a broken one as well
    )


def test_an_erased_session_remembers_nothing_and_a_broken_memory_is_left_out() -> None:
    run = {
        "event": "e",
        "event_id": "1",
        "status": "success",
        "summary": "",
        "actions": [],
        "at": NOW.isoformat(),
    }
    remembered = Remembered({SessionKey("acme", "s-1")})
    steps = [
        step("1", "outcome", StepKind.OUTCOME, {"runs": [{**run, "run_id": "1"}]}),
        step("2", "t1/decision", memory={"runs": "broken"}),
        step("1", "replay/1", StepKind.REPLAY),
        step("1", "erased", StepKind.ERASED),
        step("3", "t1/decision"),
    ]
    for each in steps:
        remembered.take(each)
    assert remembered.before("2")
    assert remembered.before("3") is None
    assert remembered.before("unknown") is None
