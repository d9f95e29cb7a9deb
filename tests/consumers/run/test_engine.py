"""What a run does, on fakes that pass the real adapters' contract suites."""

import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.errors import BusyError, InDoubtError
from consumers.errors import DeadLetterError, RetryError, UnavailableError
from consumers.router.route import Budget
from schemas.approval import Answer, ApprovalDecision, ApprovalRequest
from schemas.envelope import Envelope
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import Crash, Plan, World, deny, finish, hold, reply, turns

ORDER = ("shop__order", {"quantity": 2})
SHIP = ("shop__ship", {"order_id": "O-1"})
LETTER = ("shop__letter", {"to": "Ann"})


def ordering() -> Plan:
    return turns(reply(("shop__stock", {"product": "P"})), reply(ORDER), reply(finish()))


def answer(request: ApprovalRequest, answer: Answer = "approve", **change: Any) -> ApprovalDecision:
    decided = request.answered(answer, approver="ann", comment="", at=request.requested_at)
    return replace(decided, **change)


async def outcome_of(world: World) -> Outcome:
    end = await world.work()
    assert isinstance(end, Outcome)
    return end


async def test_reads_then_writes_then_publishes_one_outcome() -> None:
    world = World(ordering())
    outcome = await outcome_of(world)
    assert outcome.status is Status.SUCCESS
    assert [(a.action, a.status) for a in outcome.actions] == [("shop.stock", "done"), ("shop.order", "done")]
    assert world.effects == ["order"]
    assert world.outbox.outcomes == [outcome]
    assert outcome.turns == 3
    assert (outcome.input_tokens, outcome.output_tokens) == (300, 30)


async def test_a_finished_event_gives_the_same_outcome_and_asks_nobody() -> None:
    world = World(ordering())
    first = await outcome_of(world)
    world.clock.pass_by(timedelta(hours=2))
    assert await outcome_of(world) == first
    assert world.model.asked == 3
    assert world.effects == ["order"]


async def test_decision_and_intent_are_published_and_journaled_before_the_effect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(ordering())
    seen: list[tuple[set[str], set[str]]] = []
    write = world.ledger.write

    def watched(key: str, what: str) -> None:
        published = {step.place for step in world.outbox.step_log}
        (journal,) = world.sessions._journals.values()  # pyright: ignore[reportPrivateUsage] - what a successor would find
        seen.append((published, set(journal.entries)))
        write(key, what)

    monkeypatch.setattr(world.ledger, "write", watched)
    await outcome_of(world)
    (at_the_effect,) = seen
    for places in at_the_effect:
        assert {"t1/decision", "t2/decision", "t2/c0/intent"} <= places
        assert "t2/c0/result" not in places


async def test_a_denied_write_is_told_to_the_model_and_not_done() -> None:
    world = World(
        turns(reply(ORDER), reply(finish("refused", "No."))), rules=[deny("arguments.quantity > 1")]
    )
    outcome = await outcome_of(world)
    assert outcome.status is Status.REFUSED
    assert outcome.actions[0].status == "denied"
    assert world.effects == []


async def test_a_rule_that_cannot_be_evaluated_denies() -> None:
    world = World(turns(reply(ORDER), reply(finish("refused"))), rules=[deny("arguments.missing == 1")])
    assert (await outcome_of(world)).actions[0].status == "denied"
    assert world.effects == []


async def test_an_atomic_run_that_fails_half_way_is_undone_in_reverse() -> None:
    letter_fails = turns(reply(ORDER), reply(SHIP), reply(LETTER), reply(finish("failed", "No letter.")))
    world = World(letter_fails)
    world.ledger.refuse = frozenset({"letter"})
    outcome = await outcome_of(world)
    assert outcome.status is Status.COMPENSATED
    assert world.effects == ["order", "ship", "recall", "cancel"]


async def test_a_model_that_claims_success_after_a_failed_write_is_not_believed() -> None:
    world = World(turns(reply(ORDER), reply(SHIP), reply(finish("completed", "All good."))))
    world.ledger.refuse = frozenset({"ship"})
    assert (await outcome_of(world)).status is Status.COMPENSATED
    assert world.effects == ["order", "cancel"]


async def test_an_alternative_after_a_failed_write_counts_as_success() -> None:
    world = World(turns(reply(SHIP), reply(ORDER), reply(finish())))
    world.ledger.refuse = frozenset({"ship"})
    assert (await outcome_of(world)).status is Status.SUCCESS


async def test_what_cannot_be_undone_is_reported() -> None:
    world = World(turns(reply(ORDER), reply(finish("failed", "Changed our mind."))))
    world.ledger.refuse = frozenset({"cancel"})
    outcome = await outcome_of(world)
    assert outcome.status is Status.COMPENSATION_FAILED
    assert "shop.order" in outcome.summary


async def test_a_write_after_a_broken_write_of_the_same_answer_is_skipped() -> None:
    world = World(turns(reply(ORDER, SHIP), reply(finish("failed"))))
    world.ledger.refuse = frozenset({"order"})
    outcome = await outcome_of(world)
    assert [a.status for a in outcome.actions] == ["failed", "skipped"]
    assert world.effects == []


@pytest.mark.parametrize(
    "bad",
    [
        reply(("shop__order", '{"quantity": 2, "quantity": 3}')),
        reply(("shop__order", '{"quantity": "many"}')),
        reply(("shop__order", '{"quantity": 2, "tenant": "other"}')),
        reply(("shop__order", "{")),
        reply(("shop__order", "{}")),
        reply(("shop__steal", {})),
        reply(("finish", {"status": "great", "summary": ""})),
        reply(text=""),
        reply(ORDER, finish_reason="length"),
        reply(text="", finish_reason="content_filter"),
    ],
    ids=str,
)
async def test_a_bad_answer_is_repaired_and_nothing_of_it_is_done(bad: object) -> None:
    world = World(turns(bad, reply(ORDER), reply(finish())))  # pyright: ignore[reportArgumentType] - a Reply
    outcome = await outcome_of(world)
    assert outcome.status is Status.SUCCESS
    assert world.effects == ["order"]


async def test_a_model_that_never_mends_its_answers_ends_the_run_within_its_repairs() -> None:
    world = World(turns(reply(("shop__steal", {}))), budget=Budget(repairs=2))
    assert (await outcome_of(world)).status is Status.BUDGET_SPENT
    assert world.model.asked == 2


async def test_a_model_that_never_ends_is_ended_and_undone() -> None:
    world = World(turns(reply(ORDER), reply(("shop__stock", {"product": "P"}))), budget=Budget(turns=4))
    assert (await outcome_of(world)).status is Status.COMPENSATED
    assert world.model.asked == 4


async def test_text_without_a_call_ends_the_run() -> None:
    world = World(turns(reply(ORDER), reply(text="Ordered.", finish_reason="stop")))
    outcome = await outcome_of(world)
    assert (outcome.status, outcome.summary) == (Status.SUCCESS, "Ordered.")


async def test_a_lost_reply_is_resolved_with_the_same_key() -> None:
    world = World(ordering())
    world.ledger.trouble = [InDoubtError("connection lost")]
    assert (await outcome_of(world)).status is Status.SUCCESS
    assert world.effects == ["order"]


async def test_a_busy_system_makes_the_event_wait_and_then_go_on() -> None:
    world = World(ordering())
    world.ledger.trouble = [BusyError("429", retry_after_s=7)]
    with pytest.raises(RetryError) as caught:
        await world.work()
    assert caught.value.after_s == 7
    assert (await outcome_of(world)).status is Status.SUCCESS
    assert world.effects == ["order"]
    assert world.model.asked == 3


async def test_a_lost_reply_without_key_is_found_by_reconciling() -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.trouble = [InDoubtError("connection lost")]
    with pytest.raises(RetryError, match="still be under way") as caught:
        await world.work()
    assert caught.value.after_s == 60
    world.clock.pass_by(timedelta(seconds=60))
    assert (await outcome_of(world)).status is Status.SUCCESS
    assert world.ledger.sent == [("letter", next(iter(world.ledger.effects)))]


async def test_a_held_write_waits_for_a_person_and_is_done_once() -> None:
    world = World(ordering(), rules=[hold("arguments.quantity > 1")])
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    assert world.outbox.requests == [request]
    assert world.effects == []
    assert await world.work() == request  # a redelivery asks again, with the same request
    end = await world.answer(answer(request))
    assert isinstance(end, Outcome)
    assert end.status is Status.SUCCESS
    assert world.effects == ["order"]
    again = await world.answer(answer(request))  # the answer is delivered twice
    assert again == end
    assert world.effects == ["order"]


async def test_a_rejected_write_is_not_done() -> None:
    plan = turns(reply(ORDER), reply(finish("refused", "A person said no.")))
    world = World(plan, rules=[hold()])
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    end = await world.answer(answer(request, "reject"))
    assert isinstance(end, Outcome)
    assert end.status is Status.REFUSED
    assert world.effects == []


async def test_an_expired_approval_is_a_no() -> None:
    world = World(turns(reply(ORDER), reply(finish("refused"))), rules=[hold()])
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    world.clock.pass_by(timedelta(hours=2))
    await world.answer(answer(request))
    assert world.effects == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"digest": "0" * 64}, "approval_mismatch"),
        ({"place": "t9/c0"}, "approval_unknown"),
        ({"run_id": "f" * 32}, "approval_unknown"),
        ({"tenant": "other"}, "approval_unknown"),
        ({"session_id": "other"}, "approval_unknown"),
    ],
    ids=str,
)
async def test_a_forged_approval_does_nothing(change: dict[str, Any], reason: str) -> None:
    world = World(ordering(), rules=[hold()])
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    with pytest.raises(DeadLetterError) as caught:
        await world.answer(answer(request, **change))
    assert caught.value.reason == reason
    assert world.effects == []


async def test_a_second_different_answer_is_refused() -> None:
    world = World(ordering(), rules=[hold()])
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    await world.answer(answer(request))
    with pytest.raises(DeadLetterError):
        await world.answer(answer(request, "reject", approver="bob"))


async def test_the_next_event_of_the_session_sees_what_was_done() -> None:
    seen: list[str] = []

    def plan(messages: object) -> object:
        seen.append(messages[1]["content"])  # type: ignore[index] # pyright: ignore - messages are a list
        return ordering()(messages)  # pyright: ignore[reportArgumentType]

    world = World(plan)  # pyright: ignore[reportArgumentType]
    await world.work()
    first = world.event
    world.event = Envelope(
        id="e-2",
        type=first.type,
        source=first.source,
        time=first.time,
        tenant=first.tenant,
        session_id=first.session_id,
        payload=first.payload,
    )
    await world.work()
    assert "<session>" not in seen[0]
    assert 'shop.order({"quantity":2}) done' in seen[-1]


async def test_a_full_journal_ends_the_run_and_says_what_stands() -> None:
    world = World(turns(reply(ORDER), reply(("shop__stock", {"product": "P"}))))
    world.sessions._max_entries = 8  # pyright: ignore[reportPrivateUsage] - smaller than any budget
    outcome = await outcome_of(world)
    assert outcome.status is Status.COMPENSATION_FAILED
    assert "shop.order" in outcome.summary
    assert world.effects == ["order"]


async def test_a_lease_that_cannot_be_given_back_hides_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(ordering())
    world.ledger.trouble = [BusyError("429", retry_after_s=7)]

    async def unreachable(_lease: object) -> None:
        raise UnavailableError("Redis is away")

    monkeypatch.setattr(world.sessions, "release", unreachable)
    with pytest.raises(RetryError, match="429"):
        await world.work()


async def test_a_read_that_a_rule_denies_is_not_performed_and_the_others_are() -> None:
    two = reply(("shop__stock", {"product": "secret"}), ("shop__stock", {"product": "P"}))
    world = World(
        turns(two, reply(finish("refused"))), rules=[deny("arguments.product == 'secret'", "shop.stock")]
    )
    outcome = await outcome_of(world)
    assert [(a.arguments["product"], a.status) for a in outcome.actions] == [
        ("secret", "denied"),
        ("P", "done"),
    ]


def delist(world: World, action: str) -> None:
    """Change the route as a new configuration would."""
    kept = {name: a for name, a in world.route.actions.items() if name != action}
    world.route = replace(world.route, actions=kept)


async def test_what_was_done_is_undone_even_if_its_action_has_left_the_route_since() -> None:
    world = World(turns(reply(ORDER), reply(SHIP), reply(finish("failed"))))
    world.ledger.refuse = frozenset({"ship"})
    world.fuse.crash_at = 9  # after the order was placed and recorded
    with contextlib.suppress(Crash):
        await world.work()
    assert world.effects == ["order"]
    world.fuse.crash_at = None
    delist(world, "shop.order")
    assert (await outcome_of(world)).status is Status.COMPENSATED
    assert world.effects == ["order", "cancel"]


async def test_a_chosen_action_that_has_left_the_route_is_not_performed() -> None:
    world = World(ordering(), rules=[hold("true", "shop.order")])
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    delist(world, "shop.order")
    end = await world.answer(answer(request))
    assert isinstance(end, Outcome)
    assert end.status is not Status.SUCCESS
    assert world.effects == []


@pytest.mark.parametrize("beside", [(), (ORDER,)], ids=["alone", "beside a good call"])
async def test_a_bad_answer_between_does_not_make_a_failed_write_forgotten(
    beside: tuple[tuple[str, dict[str, Any]], ...],
) -> None:
    bad = reply(*beside, ("shop__order", {"quantity": "many"}))
    world = World(turns(reply(ORDER), bad, reply(finish("completed", "All good."))))
    world.ledger.refuse = frozenset({"order"})
    assert (await outcome_of(world)).status is Status.FAILED
