"""Held actions with people: roles, several people, nobody for himself, other arguments, and each answer once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from consumers.errors import DeadLetterError
from consumers.policy.rules import Rule
from consumers.router.exchange import Reply
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.canonical import canonical_json
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import World, deny, finish, hold, reply, turns
from tests.consumers.run.test_engine import LETTER, ORDER, SHIP, ordering
from tests.consumers.run.test_records import entries_of

_SECONDS = count()


def rule(*approvers: str, quorum: int = 1, when: str = "true", name: str = "hold") -> Rule:
    made = hold(when, "shop.order")
    return replace(made, name=name, approvers=frozenset(approvers), quorum=quorum)


def world(*rules: Rule, requester: str | None = None, **payload: Any) -> World:
    made = World(ordering(), rules=rules)
    made.route = replace(made.route, requester_field=requester)
    made.event = replace(made.event, payload={**made.event.payload, **payload})
    return made


async def asked(played: World) -> ApprovalRequest:
    request = await played.work()
    assert isinstance(request, ApprovalRequest)
    return request


def said(
    request: ApprovalRequest, approver: str, answer: Any = "approve", **arguments: Any
) -> ApprovalDecision:
    at = request.requested_at + timedelta(seconds=next(_SECONDS) % 60)
    return request.answered(answer, approver=approver, comment="", at=at, arguments=arguments or None)


async def refused(played: World, decision: ApprovalDecision, *roles: str) -> str:
    """Return why an answer is refused; the run goes on waiting, and nothing is done."""
    before = dict(entries_of(played))
    with pytest.raises(DeadLetterError) as caught:
        await played.answer(decision, *roles)
    assert entries_of(played) == before
    assert played.effects == []
    (session,) = played.sessions._sessions.values()  # pyright: ignore[reportPrivateUsage] - what the store holds
    assert session.holder is None
    return caught.value.reason


async def ended(played: World, decision: ApprovalDecision, *roles: str) -> Outcome:
    end = await played.answer(decision, *roles)
    assert isinstance(end, Outcome)
    return end


async def test_only_who_has_a_role_may_answer() -> None:
    played = world(rule("sales", "board"))
    request = await asked(played)
    assert (request.approvers, request.quorum) == (("board", "sales"), 1)
    assert await refused(played, said(request, "eve")) == "approval_role"
    assert await refused(played, said(request, "eve", "reject"), "stock") == "approval_role"
    outcome = await ended(played, said(request, "ann"), "sales", "stock")
    assert outcome.status is Status.SUCCESS
    assert played.effects == ["order"]


async def test_the_journal_says_with_which_role_and_key_somebody_answered() -> None:
    played = world(rule("sales"))
    await played.answer(said(await asked(played), "ann"), "sales")
    entry = entries_of(played)["t2/c0/approval"]
    assert (entry["approver"], entry["roles"], entry["key"]) == ("ann", ["sales"], None)


async def test_several_people_must_agree_and_each_counts_once() -> None:
    played = world(rule(quorum=3))
    request = await asked(played)
    first = said(request, "ann")
    assert await played.answer(first) == request, "it goes on waiting"
    assert await played.answer(first) == request, "delivered twice, it changes nothing"
    assert await refused(played, said(request, "ann")) == "approval_used"
    assert await refused(played, said(request, " ANN")) == "approval_used", "by another spelling as well"
    assert await played.answer(said(request, "bob")) == request
    assert played.effects == []
    last = said(request, "cat")
    outcome = await ended(played, last)
    assert played.effects == ["order"]
    assert await ended(played, last) == outcome
    assert await ended(played, first) == outcome
    with pytest.raises(DeadLetterError) as caught:
        await played.answer(said(request, "dan"))
    assert caught.value.reason == "approval_used"


async def test_one_no_ends_it_whoever_agreed_before() -> None:
    played = world(rule(quorum=2))
    request = await asked(played)
    await played.answer(said(request, "ann"))
    await ended(played, said(request, "ann", "reject"))
    assert played.effects == []
    result = entries_of(played)["t2/c0/result"]
    assert (result["status"], result["error"]) == ("denied", "reject by ann")


async def test_who_agreed_in_time_does_not_help_when_the_others_are_late() -> None:
    played = world(rule(quorum=2))
    request = await asked(played)
    await played.answer(said(request, "ann"))
    played.clock.pass_by(timedelta(hours=1))
    await ended(played, said(request, "bob"))
    assert played.effects == []
    assert entries_of(played)["t2/c0/approval"]["answer"] == "expired"


async def test_nobody_answers_for_what_he_asked_for() -> None:
    played = world(rule("sales"), requester="asked_by", asked_by="Ann")
    request = await asked(played)
    assert request.requester == "Ann"
    for name in ("Ann", "ann", "ANN "):
        assert await refused(played, said(request, name), "sales") == "approval_own"
    assert await refused(played, said(request, "ann", "reject"), "sales") == "approval_own"
    await ended(played, said(request, "bob"), "sales")
    assert played.effects == ["order"]


@pytest.mark.parametrize(
    "payload", [{}, {"asked_by": None}, {"asked_by": " "}, {"asked_by": True}, {"asked_by": {}}], ids=str
)
async def test_a_held_action_of_which_nobody_knows_who_asked_is_denied(payload: dict[str, Any]) -> None:
    played = world(rule(), requester="asked_by", **payload)
    played.model.plan = turns(reply(ORDER), reply(finish("refused", "Nobody asked.")))
    outcome = await played.work()
    assert isinstance(outcome, Outcome)
    assert (outcome.actions[0].status, played.effects) == ("denied", [])
    assert "does not say in asked_by" in (outcome.actions[0].error or "")


async def test_a_number_is_a_name_as_well_and_what_no_rule_holds_needs_none() -> None:
    assert (await asked(world(rule(), requester="user", user=17))).requester == "17"
    assert isinstance(await world(requester="user").work(), Outcome)


async def test_an_edited_action_is_performed_with_what_the_person_said() -> None:
    played = world(rule())
    request = await asked(played)
    outcome = await ended(played, said(request, "ann", "edit", quantity=5))
    assert outcome.status is Status.SUCCESS
    (order,) = (a for a in outcome.actions if a.action == "shop.order")
    assert (order.arguments, order.result) == ({"quantity": 5}, {"order_id": "O-1", "quantity": 5})
    entries = entries_of(played)
    assert entries["t2/decision"]["calls"][0]["arguments"] == {"quantity": 2}, "what the model chose stays"
    assert entries["t2/c0/approval"]["arguments"] == {"quantity": 5}
    assert entries["t2/c0/intent"]["arguments"] == {"quantity": 5}
    (session,) = played.sessions._sessions.values()  # pyright: ignore[reportPrivateUsage] - what the store holds
    assert session.context is not None
    assert b'"quantity":5' in session.context, "and so does the session remember it"


async def test_an_edit_does_not_change_the_key_and_the_model_is_told_the_result() -> None:
    plain, edited = world(rule()), world(rule())
    seen: list[Any] = []
    plan = edited.model.plan

    def watched(messages: Sequence[Mapping[str, Any]]) -> Reply:
        seen.append(messages[-1])
        return plan(messages)

    edited.model.plan = watched
    await plain.answer(said(await asked(plain), "ann"))
    await edited.answer(said(await asked(edited), "ann", "edit", quantity=5))
    assert list(plain.ledger.effects) == list(edited.ledger.effects)
    assert '"quantity":5' in seen[-1]["content"]


@pytest.mark.parametrize(
    "arguments",
    [{"quantity": "many"}, {"quantity": 5, "tenant": "other"}, {"amount": 5}, {"quantity": 5.5}],
    ids=str,
)
async def test_an_edit_is_held_to_the_actions_own_arguments(arguments: dict[str, Any]) -> None:
    played = world(rule())
    request = await asked(played)
    assert await refused(played, said(request, "ann", "edit", **arguments)) == "approval_arguments"


async def test_only_an_edit_brings_arguments_and_it_brings_some() -> None:
    played = world(rule())
    request = await asked(played)
    assert await refused(played, said(request, "ann", "approve", quantity=5)) == "approval_arguments"
    assert await refused(played, said(request, "ann", "reject", quantity=5)) == "approval_arguments"
    assert await refused(played, said(request, "ann", "edit")) == "approval_arguments"


async def test_an_edit_of_what_has_left_the_route_is_refused() -> None:
    played = world(rule())
    request = await asked(played)
    actions = {name: action for name, action in played.route.actions.items() if name != "shop.order"}
    played.route = replace(played.route, actions=actions)
    assert await refused(played, said(request, "ann", "edit", quantity=5)) == "approval_arguments"


async def test_a_rule_that_denies_the_new_arguments_wins() -> None:
    played = world(rule(), deny("arguments.quantity > 4", "shop.order"))
    await ended(played, said(await asked(played), "ann", "edit", quantity=5))
    assert played.effects == []
    assert entries_of(played)["t2/c0/result"]["status"] == "denied"


async def test_an_edit_into_what_another_rule_holds_asks_that_rules_people() -> None:
    played = world(rule("sales"), rule("board", when="arguments.quantity > 100", name="huge"))
    request = await asked(played)
    second = await played.answer(said(request, "ann", "edit", quantity=1000), "sales")
    assert isinstance(second, ApprovalRequest)
    assert (second.id, second.place) == (f"{request.run_id}/t2/c0/h2", "t2/c0/h2")
    assert (second.rule, second.approvers, second.arguments) == ("huge", ("board",), {"quantity": 1000})
    assert second.digest != request.digest
    assert played.effects == []
    assert await refused(played, said(second, "ann"), "sales") == "approval_role"
    assert (
        await refused(played, replace(said(request, "kim"), place=second.place), "board")
        == "approval_mismatch"
    )
    outcome = await ended(played, said(second, "kim"), "board")
    assert [a.arguments for a in outcome.actions if a.action == "shop.order"] == [{"quantity": 1000}]


async def test_a_yes_does_not_follow_the_arguments_into_an_edit() -> None:
    played = world(rule("sales"), rule("board", name="second"))
    first = await asked(played)
    second = await played.answer(said(first, "ann"), "sales")
    assert isinstance(second, ApprovalRequest)
    third = await played.answer(said(second, "kim", "edit", quantity=9), "board")
    assert isinstance(third, ApprovalRequest), "sales has not seen nine"
    assert (third.place, third.rule, third.arguments) == ("t2/c0/h3", "hold", {"quantity": 9})
    await ended(played, said(third, "ann"), "sales")
    assert played.effects == ["order"]


async def test_two_rules_that_want_the_same_people_ask_once() -> None:
    played = world(rule(), rule(name="second"), rule("board", name="third"))
    outcome = await ended(played, said(await asked(played), "kim"), "board")
    assert outcome.status is Status.SUCCESS


async def test_several_people_agree_to_the_same_arguments_or_not_at_all() -> None:
    played = world(rule(quorum=2))
    request = await asked(played)
    assert await played.answer(said(request, "ann")) == request
    assert await played.answer(said(request, "bob", "edit", quantity=5)) == request, "that is something else"
    assert await played.answer(said(request, "cat", "edit", quantity=6)) == request
    outcome = await ended(played, said(request, "ann", "edit", quantity=5))
    assert [a.arguments for a in outcome.actions if a.action == "shop.order"] == [{"quantity": 5}]
    assert len(played.ledger.sent) == 1


async def test_a_rule_that_has_become_stricter_is_asked_about_anew() -> None:
    played = world(rule())
    request = await asked(played)
    played.route = replace(played.route, rules=(rule("board"),))
    second = await played.answer(said(request, "ann"))
    assert isinstance(second, ApprovalRequest)
    assert second.approvers == ("board",)
    await ended(played, said(second, "kim"), "board")
    assert played.effects == ["order"]


async def test_a_no_to_the_second_question_is_one() -> None:
    played = world(rule("sales"), rule("board", name="second"))
    second = await played.answer(said(await asked(played), "ann"), "sales")
    assert isinstance(second, ApprovalRequest)
    await ended(played, said(second, "kim", "reject"), "board")
    assert played.effects == []


async def test_an_edited_write_that_is_in_doubt_is_asked_about_and_undone_as_it_was_done() -> None:
    played = World(turns(reply(ORDER), reply(SHIP), reply(LETTER), reply(finish("failed", "No letter."))))
    played.route = replace(played.route, rules=(rule(),))
    played.ledger.refuse = frozenset({"letter"})
    request = await asked(played)
    outcome = await ended(played, said(request, "ann", "edit", quantity=7))
    assert outcome.status is Status.COMPENSATED
    assert played.effects == ["order", "ship", "recall", "cancel"]


async def test_what_an_older_version_held_is_answered_by_anybody() -> None:
    played = world(rule())
    request = await asked(played)
    (journal,) = played.sessions._journals.values()  # pyright: ignore[reportPrivateUsage] - what the store holds
    entries = entries_of(played)
    held = {k: v for k, v in entries["t2/c0/hold"].items() if k not in {"approvers", "quorum", "requester"}}
    journal.entries["t2/c0/hold"] = canonical_json(held)
    assert (await ended(played, said(request, "ann"))).status is Status.SUCCESS
