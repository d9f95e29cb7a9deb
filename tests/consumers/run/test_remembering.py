"""What a run leaves in its session's context: when it ends, and while it waits for a person."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from consumers.policy.rules import Effect, Rule, compile_rule
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.past import PastAction
from schemas.approval import ApprovalRequest
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import NOW, Plan, World, deny, finish, hold, reply, turns
from tests.consumers.run.test_crashes import once_more
from tests.consumers.run.test_engine import LETTER, ORDER, SHIP, answer, ordering

STOCK = ("shop__stock", {"product": "P"})


def remembered(world: World) -> Context:
    (session,) = world.sessions._sessions.values()  # pyright: ignore[reportPrivateUsage] - what the store holds
    return Context.load(session.context)


def follow(world: World, number: int = 2) -> None:
    """Go on with the next event of the session."""
    world.event = replace(world.event, id=f"e-{number}")


async def asked(world: World) -> ApprovalRequest:
    end = await world.work()
    assert isinstance(end, ApprovalRequest)
    return end


async def test_a_finished_run_is_remembered_with_all_that_was_done() -> None:
    world = World(ordering(), rules=[deny("arguments.quantity > 5")])
    world.event = replace(world.event, subject="SO-1")
    await world.work()
    (run,) = remembered(world).runs
    assert (run.event, run.event_id, run.run_id) == ("order.requested", "e-1", world.event.run_id)
    assert (run.subject, run.route, run.status, run.summary) == ("SO-1", "orders", "success", "Done.")
    assert (run.began_at, run.at, run.waits) == (NOW, NOW, False)
    look, order = run.actions
    assert look == PastAction(
        "shop.stock", "done", {"product": "P"}, {"product": "P", "available": 5}, effect="read", ms=0
    )
    assert (order.result, order.ms, order.rules, order.rule) == (
        {"order_id": "O-1", "quantity": 2}, 0, ("deny",), None
    )  # fmt: skip


async def test_what_was_learnt_is_remembered_reads_as_well_and_what_the_event_said() -> None:
    world = World(ordering())
    await world.work()
    context = remembered(world)
    assert {name: learnt.value for name, learnt in context.results.items()} == {
        "shop.stock": {"product": "P", "available": 5},
        "shop.order": {"order_id": "O-1", "quantity": 2},
    }
    assert context.results["shop.stock"].about == {"product": "P"}
    said = context.payloads["order.requested"]
    assert (said.value, said.about, said.run_id) == ({"quantity": 2}, "e-1", world.event.run_id)


async def test_a_field_that_a_route_keeps_from_the_model_is_not_remembered() -> None:
    world = World(ordering())
    world.route = replace(world.route, fields=frozenset({"quantity"}))
    world.event = replace(world.event, payload={"quantity": 2, "note": "secret"})
    await world.work()
    assert "secret" not in remembered(world).dump().decode()


async def test_a_run_that_waits_is_remembered_as_waiting_and_replaced_when_it_ends() -> None:
    world = World(ordering(), rules=[hold("true", "shop.order")])
    request = await asked(world)
    (waiting,) = remembered(world).runs
    assert (waiting.status, waiting.waits, waiting.run_id) == ("requires_approval", True, world.event.run_id)
    assert "shop.order waits for a person: ask first" in waiting.summary
    assert [(a.action, a.status, a.rule) for a in waiting.actions] == [
        ("shop.stock", "done", None),
        ("shop.order", "held", "hold"),
    ]
    assert "shop.stock" in remembered(world).results
    world.clock.pass_by(timedelta(minutes=5))
    assert isinstance(await world.answer(answer(request)), Outcome)
    (ended,) = remembered(world).runs
    assert (ended.status, ended.waits, ended.at - ended.began_at) == ("success", False, timedelta(minutes=5))  # pyright: ignore[reportOperatorIssue] - it began
    assert [a.status for a in ended.actions] == ["done", "done"]


async def test_a_run_in_doubt_is_remembered_as_such() -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.archive_closed = True
    world.ledger.lost = frozenset({"letter"})
    request = await once_more(world, world.work)
    assert isinstance(request, ApprovalRequest)
    assert request.kind == "doubt"
    (waiting,) = remembered(world).runs
    assert (waiting.status, waiting.waits, waiting.actions[0].status) == ("in_doubt", True, "in_doubt")
    assert remembered(world).results == {}


async def test_what_was_undone_is_no_longer_known() -> None:
    world = World(turns(reply(STOCK), reply(ORDER), reply(finish("failed", "No."))))
    end = await world.work()
    assert isinstance(end, Outcome)
    assert end.status is Status.COMPENSATED
    context = remembered(world)
    assert [a.status for a in context.runs[0].actions] == ["done", "compensated"]
    assert list(context.results) == ["shop.stock"]


async def test_what_a_run_had_learnt_while_it_waited_and_then_undid_is_no_longer_known() -> None:
    plan = turns(reply(ORDER), reply(SHIP), reply(finish("refused", "No.")))
    world = World(plan, rules=[hold("true", "shop.ship")])
    request = await asked(world)
    assert "shop.order" in remembered(world).results
    end = await world.answer(answer(request, "reject"))
    assert isinstance(end, Outcome)
    assert end.status is Status.COMPENSATED
    assert remembered(world).results == {}


async def test_what_failed_was_denied_or_skipped_says_why() -> None:
    world = World(turns(reply(SHIP, ORDER), reply(finish("failed"))), rules=[deny("true", "shop.order")])
    world.ledger.refuse = frozenset({"ship"})
    await world.work()
    ship, order = remembered(world).runs[0].actions
    assert (ship.status, ship.error, ship.result) == ("failed", "no ship today", None)
    assert (order.status, order.error) == ("skipped", "an earlier write of the same answer was not done")
    world = World(turns(reply(ORDER), reply(finish("failed"))), rules=[deny("true", "shop.order")])
    await world.work()
    (denied,) = remembered(world).runs[0].actions
    assert (denied.status, denied.rule, denied.rules) == ("denied", "deny", ("deny",))


async def test_what_could_not_be_undone_says_why() -> None:
    world = World(turns(reply(ORDER), reply(finish("failed", "No."))))
    world.ledger.refuse = frozenset({"cancel"})
    await world.work()
    (order,) = remembered(world).runs[0].actions
    assert (order.status, order.error) == ("compensation_failed", "no cancel today")


async def test_answers_that_were_sent_back_are_not_remembered() -> None:
    world = World(turns(reply(("shop__order", {"quantity": "many"}), STOCK), reply(ORDER), reply(finish())))
    await world.work()
    assert [a.action for a in remembered(world).runs[0].actions] == ["shop.order"]


async def test_how_long_an_action_took_is_measured_by_a_clock_that_is_never_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(turns(reply(ORDER), reply(finish())))
    write = world.ledger.write

    def slow(key: str, what: str) -> None:
        world.clock.pass_by(timedelta(milliseconds=250))
        world.clock.jump(timedelta(hours=-2))
        write(key, what)

    monkeypatch.setattr(world.ledger, "write", slow)
    await world.work()
    assert remembered(world).runs[0].actions[0].ms == 250


def seeing(seen: list[str], plan: Plan) -> Plan:
    def look(messages: Any) -> Any:
        seen.append(messages[1]["content"])
        return plan(messages)

    return look


async def test_the_next_event_is_told_and_one_that_goes_on_is_not_told_of_itself() -> None:
    seen: list[str] = []
    world = World(seeing(seen, ordering()), rules=[hold("true", "shop.order")])
    request = await asked(world)
    follow(world)
    await asked(world)
    assert "<session>" not in seen[0]
    assert "- requires_approval (not over) order.requested e-1" in seen[-1]
    assert "waits for a person" in seen[-1]
    await world.answer(answer(request))
    assert "e-2" in seen[-1]
    assert "order.requested e-1" not in seen[-1].partition("</session>")[0]


async def test_a_route_may_tell_less_or_nothing() -> None:
    seen: list[str] = []
    world = World(seeing(seen, ordering()))
    await world.work()
    world.route = replace(world.route, session_tokens=0)
    follow(world)
    await world.work()
    assert "<session>" not in seen[-1]
    world.route = replace(world.route, session_tokens=150)
    follow(world, 3)
    await world.work()
    told = seen[-1].partition("<session>\n")[2].partition("\n</session>")[0]
    assert 0 < len(told.encode()) <= 300


def only_if(when: str) -> Callable[[], Rule]:
    return lambda: compile_rule(
        name="only-if", when=f"!({when})", then=Effect.DENY, message="", actions=frozenset({"shop.order"})
    )


@pytest.mark.parametrize(
    "rule",
    [
        only_if('session.data["shop.stock"].available == 5'),
        only_if('now - session.learnt_at["shop.stock"] < duration("1h")'),
        only_if('session.payloads["order.requested"].quantity == 2'),
        only_if("session.history.exists(h, h.event_id == 'e-1' && h.status == 'success')"),
        only_if("session.history[0].actions.all(a, a.effect == 'write')"),
        only_if("size(session.waiting) == 0"),
    ],
    ids=["data", "learnt_at", "payloads", "history", "only writes in history", "waiting"],
)
async def test_a_rule_of_a_later_event_sees_what_was_learnt(rule: Callable[[], Rule]) -> None:
    world = World(ordering())
    await world.work()
    world.route = replace(world.route, rules=(rule(),))
    world.model.plan = turns(reply(ORDER), reply(finish()))
    follow(world)
    end = await world.work()
    assert isinstance(end, Outcome)
    assert end.actions[0].status == "done", end.actions[0].error


async def test_a_rule_can_keep_a_second_order_from_a_session_whose_first_one_waits() -> None:
    first = hold("size(session.waiting) == 0", "shop.order")
    world = World(ordering(), rules=[first, deny("size(session.waiting) > 0", "shop.order")])
    await asked(world)
    follow(world)
    end = await world.work()
    assert isinstance(end, Outcome)
    assert end.actions[-1].status == "denied"


async def test_a_long_session_keeps_its_latest_runs_and_counts_the_others() -> None:
    world = World(turns(reply(ORDER), reply(finish())))
    for number in range(30):
        follow(world, number)
        await world.work()
    context = remembered(world)
    assert len(context.runs) + context.earlier == 30
    assert context.runs[-1].event_id == "e-29"
    key = SessionKey("acme", "s-1")
    opened = await world.sessions.open(key, "another")
    assert opened.context == context
