"""What a run writes for others to read: steps, outcomes, questions to a person, answers to the model."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from connectors.errors import BusyError, InDoubtError
from consumers.errors import RetryError
from consumers.ports.actions import ActionRequest
from consumers.router.prompt import opening
from consumers.session.context import Context
from consumers.telemetry.metrics import VERDICTS, Metrics
from schemas.approval import ApprovalRequest
from schemas.canonical import digest
from schemas.chain import linked
from schemas.outcome import ActionRecord, Outcome, Status
from schemas.step import Step, StepKind
from tests.consumers.run.shop_world import NOW, ShopActions, World, deny, finish, hold, reply, turns
from tests.consumers.run.test_engine import LETTER, ORDER, SHIP, answer, delist, ordering, outcome_of
from tests.consumers.run.test_in_doubt import doubtful
from tests.consumers.run.test_unwinding import BOOK


def entries_of(world: World) -> dict[str, Any]:
    (journal,) = world.sessions._journals.values()  # pyright: ignore[reportPrivateUsage] - what the store holds
    return {at: orjson.loads(body) for at, body in journal.entries.items()}


async def asked(world: World) -> ApprovalRequest:
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    return request


def undone() -> World:
    """An order is placed, a letter fails, what follows it is skipped, and the order is undone."""
    world = World(turns(reply(ORDER), reply(LETTER, SHIP), reply(finish("failed", "No letter."))))
    world.ledger.refuse = frozenset({"letter"})
    return world


async def test_every_entry_is_a_step_that_names_the_action_it_is_about() -> None:
    world = undone()
    await world.work()
    steps = {step.place: step for step in world.outbox.step_log}
    assert {at: step.body for at, step in steps.items()} == entries_of(world)
    assert {at: (step.kind, step.action) for at, step in steps.items()} == {
        "t1/decision": (StepKind.DECISION, None),
        "t1/c0/intent": (StepKind.INTENT, "shop.order"),
        "t1/c0/result": (StepKind.RESULT, "shop.order"),
        "t2/decision": (StepKind.DECISION, None),
        "t2/c0/intent": (StepKind.INTENT, "shop.letter"),
        "t2/c0/result": (StepKind.RESULT, "shop.letter"),
        "t2/c1/result": (StepKind.RESULT, "shop.ship"),
        "t3/decision": (StepKind.DECISION, None),
        "ending": (StepKind.VERDICT, None),
        "t1/c0/undo.intent": (StepKind.UNDO_INTENT, "shop.cancel"),
        "t1/c0/undo.result": (StepKind.UNDO_RESULT, "shop.cancel"),
        "outcome": (StepKind.OUTCOME, None),
    }
    run_id = world.event.run_id
    chained = linked(list(steps.values()), "")
    assert world.outbox.step_log == chained, "each follows the one before"
    assert replace(steps["ending"], previous=None, link=None) == Step(
        id=f"{run_id}/ending",
        run_id=run_id,
        tenant="acme",
        session_id="s-1",
        event_id="e-1",
        event_type="order.requested",
        place="ending",
        kind=StepKind.VERDICT,
        action=None,
        body={"status": "failed", "summary": "No letter.", "at": NOW.isoformat()},
        at=NOW,
        epoch=steps["outcome"].epoch,
    )
    assert steps["outcome"].epoch > 0


async def test_steps_of_questions_and_of_denied_calls_name_their_action() -> None:
    two = reply(("shop__stock", {"product": "secret"}), ("shop__stock", {"product": "P"}), ORDER)
    world = World(
        turns(two, reply(LETTER), reply(finish())),
        rules=[
            deny("arguments.product == 'secret'", "shop.stock"),
            deny("true", "shop.letter"),
            hold("true", "shop.order"),
        ],
    )
    await world.answer(answer(await asked(world)))
    actions = {step.place: step.action for step in world.outbox.step_log}
    assert actions["t1/c0/result"] == actions["t1/c1/result"] == "shop.stock"
    assert actions["t1/c2/hold"] == "shop.order"
    assert actions["t1/c2/approval"] is None
    assert actions["event"] is None
    assert actions["t2/c0/result"] == "shop.letter"


async def test_a_decision_says_what_it_cost_and_when_it_was_asked_for() -> None:
    world = World(turns(reply(ORDER, text="I order."), reply(finish())))
    plan = world.model.plan

    def slow(messages: Any) -> Any:
        world.clock.pass_by(timedelta(seconds=3))
        return plan(messages)

    world.model.plan = slow
    outcome = await outcome_of(world)
    first, second = (entries_of(world)[f"t{turn}/decision"] for turn in (1, 2))
    assert {name: first[name] for name in ("model", "text", "input_tokens", "output_tokens", "cost_usd")} == {
        "model": "planned", "text": "I order.", "input_tokens": 100, "output_tokens": 10, "cost_usd": 0.001
    }  # fmt: skip
    assert (first["started_at"], first["at"]) == (NOW.isoformat(), (NOW + timedelta(seconds=3)).isoformat())
    assert second["started_at"] == NOW.isoformat()
    assert (outcome.started_at, outcome.finished_at) == (NOW, NOW + timedelta(seconds=6))


async def test_an_intent_says_what_is_sent_under_which_key_and_what_undoes_it() -> None:
    world = World(turns(*map(reply, (ORDER, BOOK, ORDER, ORDER, finish()))), rules=[deny("false")])
    await world.work()
    entries = entries_of(world)
    run_id = world.event.run_id
    assert entries["t4/c0/intent"] == {
        "action": "shop.order",
        "arguments": {"quantity": 2},
        "digest": digest({"quantity": 2}),
        "key": digest([run_id, "shop.order", 2])[:40],
        "compensate": "shop.cancel",
        "rule": None,
        "rules": ["deny"],
        "at": NOW.isoformat(),
    }
    assert entries["t1/c0/intent"]["key"] == digest([run_id, "shop.order", 0])[:40]
    assert entries["t2/c0/intent"]["compensate"] == {
        "read": "shop.booking",
        "field": "status",
        "actions": {"draft": "shop.drop", "sold": "shop.refund", "used": None},
    }


async def test_the_intent_of_an_undo_has_a_key_of_its_own_in_its_run() -> None:
    world = undone()
    await world.work()
    assert entries_of(world)["t1/c0/undo.intent"] == {
        "action": "shop.cancel",
        "arguments": {"order_id": "O-1"},
        "key": digest([world.event.run_id, "undo t1/c0 shop.cancel", 0])[:40],
        "at": NOW.isoformat(),
    }


async def test_an_outcome_says_all_that_was_done_and_what_it_cost() -> None:
    world = undone()
    outcome = await outcome_of(world)
    assert outcome == Outcome(
        id=digest(["outcome", world.event.run_id])[:32],
        run_id=world.event.run_id,
        event_id="e-1",
        event_type="order.requested",
        event_source="/shop",
        tenant="acme",
        session_id="s-1",
        route="orders",
        status=Status.COMPENSATED,
        summary="No letter. Undone: shop.order.",
        actions=(
            ActionRecord(
                "shop.order",
                "write",
                "compensated",
                {"quantity": 2},
                {"order_id": "O-1", "quantity": 2},
                None,
            ),
            ActionRecord("shop.letter", "write", "failed", {"to": "Ann"}, None, "no letter today"),
            ActionRecord(
                "shop.ship",
                "write",
                "skipped",
                {"order_id": "O-1"},
                None,
                "an earlier write of the same answer was not done",
            ),
        ),
        turns=3,
        input_tokens=300,
        output_tokens=30,
        cost_usd=0.003,
        started_at=NOW,
        finished_at=NOW,
        model="planned",
        prompt=opening(world.route, world.event, Context()).version,
    )
    assert await outcome_of(world) == outcome, "read back from the journal it is the same"


async def test_a_request_for_approval_says_all_that_a_person_needs() -> None:
    world = World(ordering(), rules=[hold("true", "shop.order")])
    run_id, expires = world.event.run_id, NOW + timedelta(hours=1)
    assert await asked(world) == ApprovalRequest(
        id=f"{run_id}/t2/c0",
        run_id=run_id,
        tenant="acme",
        session_id="s-1",
        event_id="e-1",
        event_type="order.requested",
        event_source="/shop",
        route="orders",
        place="t2/c0",
        action="shop.order",
        description="Place an order.",
        arguments={"quantity": 2},
        digest=digest(
            ["acme", "s-1", run_id, "t2/c0", "shop.order", {"quantity": 2}, expires.isoformat(), "hold", [], 1, None]
        ),
        rule="hold",
        reason="ask first",
        compensation="shop.cancel",
        requested_at=NOW,
        expires_at=expires,
        origins={"quantity": "event.payload.quantity"},
    )  # fmt: skip


async def test_a_question_about_a_doubt_says_what_to_look_for() -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.trouble = [InDoubtError("connection lost")]
    question = await doubtful(world)
    run_id = world.event.run_id
    key = digest([run_id, "shop.letter", 0])[:40]
    assert question == ApprovalRequest(
        id=f"{run_id}/t1/c0/d1",
        run_id=run_id,
        tenant="acme",
        session_id="s-1",
        event_id="e-1",
        event_type="order.requested",
        event_source="/shop",
        route="orders",
        place="t1/c0/d1",
        action="shop.letter",
        description="Send a letter.",
        arguments={"to": "Ann"},
        digest=digest(["acme", "s-1", run_id, "t1/c0/d1/doubt", "shop.letter", {"to": "Ann"}, key]),
        rule="",
        reason="shop.letter: shop.find_letter could not tell: the archive is closed",
        compensation=None,
        requested_at=NOW + timedelta(seconds=60),
        expires_at=None,
        kind="doubt",
        key=key,
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (LETTER, None),
        (BOOK, "status draft: shop.drop, status sold: shop.refund, status used: nothing"),
    ],
    ids=["nothing", "by state"],
)
async def test_who_is_asked_is_told_what_would_undo_it(call: tuple[str, Any], said: str | None) -> None:
    world = World(turns(reply(call), reply(finish())), rules=[hold()])
    assert (await asked(world)).compensation == said


async def test_a_doubt_about_what_is_undone_by_its_state_names_all_that_may_undo_it() -> None:
    world = World(turns(reply(BOOK), reply(finish())))
    world.ledger.trouble = [BusyError("503")]
    with pytest.raises(RetryError, match="503"):
        await world.work()
    delist(world, "shop.book")
    question = await asked(world)
    assert question.compensation == "shop.drop or shop.refund"
    assert question.description == ""


async def test_an_answer_to_a_doubt_says_who_gave_it() -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.trouble = [InDoubtError("connection lost")]
    question = await doubtful(world)
    at = question.requested_at
    await world.answer(question.answered("done", approver="ann", comment="", at=at, result={"to": "Ann"}))
    result = {"status": "done", "result": {"to": "Ann"}, "at": at.isoformat(), "by": "ann"}
    assert entries_of(world)["t1/c0/result"] == result
    actions = {step.place: (step.kind, step.action) for step in world.outbox.step_log}
    assert actions["t1/c0/d1/doubt"] == (StepKind.DOUBT, "shop.letter")
    assert actions["t1/c0/d1/doubt.answer"] == (StepKind.DOUBT_ANSWER, None)


async def test_the_result_of_a_read_says_which_rules_allowed_it() -> None:
    world = World(ordering(), rules=[deny("arguments.product == 'secret'", "shop.stock")])
    await world.work()
    result = entries_of(world)["t1/c0/result"]
    assert (result["rule"], result["rules"]) == (None, ["deny"])
    world = World(ordering())
    await world.work()
    assert "rules" not in entries_of(world)["t1/c0/result"], "none was asked"


async def test_every_request_says_for_whom_and_for_which_run_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[ActionRequest] = []
    perform = ShopActions.perform

    async def noted(self: ShopActions, request: ActionRequest) -> Any:
        requests.append(request)
        return await perform(self, request)

    monkeypatch.setattr(ShopActions, "perform", noted)
    world = World(turns(reply(BOOK), reply(finish("failed", "No."))))
    await world.work()
    run_id = world.event.run_id
    assert [(r.action.name, r.arguments, r.tenant, r.run_id) for r in requests] == [
        (name, {"seat": "7"}, "acme", run_id) for name in ("shop.book", "shop.booking", "shop.drop")
    ]


async def test_whoever_asks_what_a_run_waits_for_is_told_by_name() -> None:
    world = undone()
    await world.work()
    assert world.claim.entered == [
        "opening the session",
        "turn 1: asking the model",
        "performing shop.order",
        "turn 2: asking the model",
        "performing shop.letter",
        "turn 3: asking the model",
        "undoing shop.order",
    ]
    assert world.claim.held == [
        "writing the intent of shop.order",
        "performing shop.order",
        "writing the intent of shop.letter",
        "performing shop.letter",
        "writing the intent of shop.cancel",
        "performing shop.cancel",
    ]
    world = World(ordering(), rules=[hold("true", "shop.order")])
    request = await asked(world)
    for wake in (lambda: world.answer(answer(request)), world.cancel):
        world.claim.entered.clear()
        await wake()
        assert world.claim.entered[0] == "opening the session"


async def test_verdicts_are_counted_by_rule_and_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics()
    monkeypatch.setattr("tests.consumers.run.shop_world.Metrics", lambda: metrics)
    world = World(ordering(), rules=[deny("true", "shop.order")])
    await world.work()
    assert metrics.value(VERDICTS, "", "allow") == 1
    assert metrics.value(VERDICTS, "deny", "deny") == 1
