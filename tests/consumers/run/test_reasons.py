"""Why a run did not do something, waits or has ended: what the model, a person or an operator is told."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.errors import BusyError, FailedError, InDoubtError, NotSentError
from consumers.errors import DeadLetterError, RetryError
from consumers.policy.rules import Effect, compile_rule
from consumers.ports.actions import ActionRequest
from consumers.ports.claim import HandedOverError
from consumers.ports.sessions import SessionBusyError
from consumers.router.decision import FINISH_TOOL
from consumers.router.exchange import Prompt, Reply
from consumers.router.route import Budget
from consumers.run.deciding import MAX_OUTPUT_TOKENS
from consumers.run.journal import RunJournal
from consumers.run.unwinding import UNDO_S
from consumers.session.key import SessionKey
from schemas.canonical import canonical_json
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import NOW, Plan, ShopActions, World, deny, finish, hold, reply, turns
from tests.consumers.run.test_engine import LETTER, ORDER, SHIP, answer, delist, ordering, outcome_of
from tests.consumers.run.test_in_doubt import doubtful
from tests.consumers.run.test_records import asked, entries_of, undone
from tests.consumers.run.test_unwinding import BOOK

STOCK = ("shop__stock", {"product": "P"})


def told(world: World) -> list[tuple[Any, Any]]:
    """Return what the model is told of each call that was not done."""
    answers = [call.answer for call in RunJournal(entries_of(world)).calls()]
    return [(said["code"], said["error"]) for said in answers if not said["ok"]]


def failing(monkeypatch: pytest.MonkeyPatch, action: str, error: Exception) -> None:
    """Let an action fail once."""
    perform = ShopActions.perform

    async def failed(self: ShopActions, request: ActionRequest) -> Any:
        if request.action.name != action:
            return await perform(self, request)
        monkeypatch.setattr(ShopActions, "perform", perform)
        raise error

    monkeypatch.setattr(ShopActions, "perform", failed)


def booked(status: str) -> World:
    """A seat is booked and is to be dropped again, as far as its state allows."""
    world = World(turns(reply(BOOK), reply(finish("failed", "No."))))
    world.ledger.booking = status
    return world


def denied_without_words() -> World:
    rule = compile_rule(name="quiet", when="true", then=Effect.DENY, message="", actions=frozenset())
    return World(turns(reply(ORDER), reply(finish("refused"))), rules=[rule])


def denied() -> World:
    return World(turns(reply(ORDER), reply(finish("refused"))), rules=[deny("true")])


def busy() -> World:
    world = World(turns(reply(LETTER), reply(finish("failed"))))
    world.ledger.trouble = [BusyError("503 come back later")]
    return world


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (denied, [("denied", "not allowed")]),
        (denied_without_words, [("denied", "rule quiet forbids it")]),
        (busy, [("busy", "503 come back later")]),
        (
            undone,
            [
                ("refused", "no letter today"),
                ("skipped", "an earlier write of the same answer was not done"),
            ],
        ),
    ],
    ids=["denied", "denied without words", "busy", "failed and skipped"],
)
async def test_the_model_is_told_why_something_was_not_done(
    made: Callable[[], World], said: list[tuple[str, str]]
) -> None:
    world = made()
    await world.work()
    assert told(world) == said


async def test_the_model_is_told_that_an_action_has_left_the_route() -> None:
    world = World(ordering(), rules=[hold("true", "shop.order")])
    request = await asked(world)
    delist(world, "shop.order")
    await world.answer(answer(request))
    assert told(world) == [("delisted", "shop.order is no longer on the route's list")]
    (step,) = (step for step in world.outbox.step_log if step.place == "t2/c0/result")
    assert step.action == "shop.order"


@pytest.mark.parametrize(
    ("late", "comment", "said"),
    [
        (timedelta(minutes=59), "not today", "reject by ann: not today"),
        (timedelta(minutes=59), "", "reject by ann"),
        (timedelta(hours=1), "", "expired by ann"),
        (timedelta(hours=1, seconds=1), "", "expired by ann"),
    ],
    ids=["with a comment", "without one", "at the last moment", "late"],
)
async def test_the_model_is_told_who_said_no(late: timedelta, comment: str, said: str) -> None:
    world = World(turns(reply(ORDER), reply(finish("refused"))), rules=[hold()])
    request = await asked(world)
    world.clock.pass_by(late)
    await world.answer(answer(request, "reject", comment=comment))
    assert told(world) == [("rejected", said)]


async def test_an_answer_to_something_else_says_so() -> None:
    world = World(ordering(), rules=[hold()])
    request = await asked(world)
    with pytest.raises(DeadLetterError, match=f"answer to {request.id} carries another digest"):
        await world.answer(answer(request, digest="0" * 64))


async def test_what_took_no_effect_is_told_to_the_model() -> None:
    world = World(turns(reply(LETTER), reply(finish("failed"))))

    def dropped(key: str, what: str) -> None:
        raise InDoubtError("connection lost")

    world.ledger.write = dropped
    with pytest.raises(RetryError, match=r"shop\.find_letter is asked later"):
        await world.work()
    world.clock.pass_by(timedelta(seconds=60))
    await world.work()
    assert told(world) == [("not_executed", "shop.find_letter found no trace of it")]


async def test_a_system_that_was_not_reached_makes_the_event_wait_and_then_go_on() -> None:
    world = World(ordering())
    write = world.ledger.write

    def refused(key: str, what: str) -> None:
        world.ledger.write = write
        raise NotSentError("connection refused")

    world.ledger.write = refused
    with pytest.raises(RetryError, match=r"^shop\.order: connection refused$") as caught:
        await world.work()
    assert caught.value.after_s is None
    assert (await outcome_of(world)).status is Status.SUCCESS
    assert world.effects == ["order"]


def filling(plan: Plan, entries: int, *, atomic: bool = True) -> World:
    """Return a world whose journals take only so many entries, and the end of the run."""
    world = World(plan, atomic=atomic)
    world.sessions._max_entries = entries  # pyright: ignore[reportPrivateUsage] - smaller than any budget
    return world


@pytest.mark.parametrize(
    ("atomic", "entries", "status", "said"),
    [
        (False, 8, Status.FAILED, r"its journal would hold 9 entries in \d+ bytes; the limits are 8 and \d+\.$"),
        (True, 8, Status.COMPENSATION_FAILED, r"\d\. Not undone: shop\.order, shop\.ship; a person must look\.$"),
        (True, 5, Status.IN_DOUBT, r"\d\. Nobody can say whether shop\.ship took effect\.$"),
    ],
    ids=["not atomic", "atomic", "full before a result"],
)  # fmt: skip
async def test_the_end_of_a_full_journal_says_what_stands(
    atomic: bool, entries: int, status: Status, said: str
) -> None:
    looks = [reply(("shop__stock", {"product": f"P-{number}"})) for number in range(entries)]
    world = filling(turns(reply(ORDER), reply(SHIP), *looks), entries, atomic=atomic)
    outcome = await outcome_of(world)
    assert outcome.status is status
    assert re.search(said, outcome.summary), outcome.summary
    assert world.effects == ["order", "ship"]


async def test_what_is_left_of_an_atomic_run_that_did_nothing_has_failed() -> None:
    outcome = await outcome_of(filling(turns(reply(STOCK)), 4))
    assert outcome.status is Status.FAILED


async def test_a_full_journal_does_not_hide_that_a_run_is_handed_over() -> None:
    world = filling(turns(reply(STOCK), reply(STOCK)), 0)
    world.claim.hand_over_at = 3
    with pytest.raises(HandedOverError):
        await world.work()


async def test_a_run_taken_over_meanwhile_does_not_hide_that_it_is_handed_over() -> None:
    world = World(ordering())
    plan = world.model.plan

    def zombie(messages: Any) -> Any:
        (session,) = world.sessions._sessions.values()  # pyright: ignore[reportPrivateUsage] - as another worker would
        session.epoch += 1
        world.claim.hand_over_at = len(world.claim.entered) + 1
        return plan(messages)

    world.model.plan = zombie
    with pytest.raises(HandedOverError):
        await world.work()


async def test_nobody_is_to_be_cancelled_where_there_is_no_run() -> None:
    world = World(ordering())
    run_id = world.event.run_id
    with pytest.raises(DeadLetterError, match=f"^there is no run {run_id} to cancel$"):
        await world.cancel()


async def test_an_operators_word_does_not_take_a_run_from_its_worker() -> None:
    world = World(ordering(), rules=[hold("true", "shop.order")])
    await asked(world)
    (session,) = world.sessions._sessions.values()  # pyright: ignore[reportPrivateUsage] - a worker that has it now
    session.holder, session.lease_until = world.event.run_id, world.clock.now().timestamp() + 30
    with pytest.raises(SessionBusyError):
        await world.cancel()


@pytest.mark.parametrize(
    ("comment", "said"), [("I looked", "took effect: I looked."), ("", "took effect.")], ids=["words", "none"]
)
async def test_a_run_that_a_person_had_undone_says_who_and_why(comment: str, said: str) -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.trouble = [InDoubtError("connection lost")]
    question = await doubtful(world)
    at = question.requested_at
    await world.answer(question.answered("compensate", approver="ann", comment=comment, at=at))
    assert entries_of(world)["ending"] == {
        "status": "failed",
        "summary": f"ann had it undone, for shop.letter {said}",
        "at": at.isoformat(),
    }


async def test_an_answer_to_another_doubt_does_nothing() -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.trouble = [InDoubtError("connection lost")]
    question = await doubtful(world)
    with pytest.raises(DeadLetterError, match=f"answer to {question.id} carries another digest") as caught:
        await world.answer(answer(question, "done", digest="0" * 64))
    assert caught.value.reason == "approval_mismatch"


async def test_an_answer_that_fits_no_question_or_comes_second_is_named() -> None:
    world = World(ordering(), rules=[hold("true", "shop.order")])
    request = await asked(world)
    with pytest.raises(DeadLetterError, match=f"^nobody asked what {request.id} answers with done$"):
        await world.answer(answer(request, "done"))
    with pytest.raises(DeadLetterError, match=f"^no run waits for the answer to {request.id}$"):
        await world.answer(answer(request, run_id="f" * 32))
    await world.answer(answer(request))
    with pytest.raises(DeadLetterError, match=f"^{request.id} was answered before$"):
        await world.answer(answer(request, approver="bob"))


async def test_reads_of_one_answer_are_all_performed_and_keep_their_order() -> None:
    two = reply(("shop__stock", {"product": "A"}), ("shop__stock", {"product": "B"}))
    outcome = await outcome_of(World(turns(two, reply(finish()))))
    assert [action.result["product"] for action in outcome.actions if action.result] == ["A", "B"]


async def test_a_busy_system_behind_one_of_several_reads_makes_the_event_wait() -> None:
    world = World(turns(reply(STOCK, ("shop__booking", {"seat": "7"})), reply(finish())))
    world.ledger.booking = "busy"
    with pytest.raises(RetryError, match=r"^shop\.booking: 503$"):
        await world.work()
    world.ledger.booking = "sold"
    assert [action.status for action in (await outcome_of(world)).actions] == ["done", "done"]


async def test_what_cannot_be_undone_by_its_state_says_which_that_is() -> None:
    world = booked("used")
    await world.work()
    result = entries_of(world)["t1/c0/undo.result"]
    why = "nothing undoes it: by shop.booking, its status is used"
    assert (result["status"], result["code"], result["error"]) == ("failed", "not_undoable", why)


async def test_what_cannot_be_undone_because_its_state_is_not_known_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failing(monkeypatch, "shop.booking", FailedError("no such seat"))
    world = booked("draft")
    await world.work()
    result = entries_of(world)["t1/c0/undo.result"]
    why = "shop.booking could not tell its state: no such seat"
    assert (result["code"], result["error"]) == ("not_undoable", why)


async def test_what_is_given_up_at_the_end_of_the_time_says_what_did_not_answer() -> None:
    world = booked("busy")
    with pytest.raises(RetryError, match="503"):
        await world.work()
    world.clock.pass_by(timedelta(seconds=UNDO_S))
    await world.work()
    result = entries_of(world)["t1/c0/undo.result"]
    assert (result["code"], result["error"]) == ("undo_deadline", "shop.booking: 503")


async def test_an_atomic_run_whose_seconds_are_spent_is_undone() -> None:
    world = World(turns(reply(ORDER), reply(STOCK)), budget=Budget(seconds=10))
    plan = world.model.plan

    def slow(messages: Any) -> Any:
        world.clock.pass_by(timedelta(seconds=6))
        return plan(messages)

    world.model.plan = slow
    outcome = await outcome_of(world)
    said = "The budget of 10 seconds is spent before the goal was reached. Undone: shop.order."
    assert (outcome.status, outcome.summary) == (Status.COMPENSATED, said)
    assert world.effects == ["order", "cancel"]


async def test_a_system_is_asked_about_a_lost_answer_no_moment_too_early() -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.trouble = [InDoubtError("connection lost")]
    for left_s in (60.0, 0.5):
        with pytest.raises(RetryError, match="still be under way") as caught:
            await world.work()
        assert caught.value.after_s == left_s
        world.clock.pass_by(timedelta(seconds=59.5))
    assert (await outcome_of(world)).status is Status.SUCCESS


async def test_a_write_whose_answers_are_all_lost_is_sent_three_times_before_its_event_waits() -> None:
    world = World(ordering())
    world.ledger.lost = frozenset({"order"})
    with pytest.raises(RetryError, match=r"^shop\.order: connection lost$"):
        await world.work()
    (sent,) = set(world.ledger.sent)
    assert world.ledger.sent == [sent] * 3
    world.ledger.lost = frozenset()
    assert (await outcome_of(world)).status is Status.SUCCESS
    assert world.effects == ["order"]


async def test_the_model_is_told_why_a_read_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(turns(reply(STOCK), reply(finish("failed"))))
    failing(monkeypatch, "shop.stock", FailedError("no such product", code="unknown"))
    await world.work()
    assert told(world) == [("unknown", "no such product")]


async def test_what_is_found_of_a_lost_answer_is_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.trouble = [InDoubtError("connection lost")]
    with pytest.raises(RetryError, match="still be under way"):
        await world.work()
    world.clock.pass_by(timedelta(seconds=60))
    failing(monkeypatch, "shop.find_letter", BusyError("503", retry_after_s=7))
    with pytest.raises(RetryError, match=r"^shop\.letter: 503$") as caught:
        await world.work()
    assert caught.value.after_s == 7
    assert [action.result for action in (await outcome_of(world)).actions] == [{"to": "Ann"}]


@pytest.mark.parametrize(
    "when",
    [
        "event.id == 'e-1' && event.type == 'order.requested' && event.source == '/shop'",
        "event.subject == 'SO-1' && event.tenant == 'acme' && event.payload.quantity == 2",
        "event.time == now && now == timestamp('2026-11-22T12:00:00Z')",
        "action.name == 'shop.order' && action.effect == 'write'",
        "session.results['shop.stock'].available == 5",
        "arguments.quantity == 2",
    ],
)
async def test_a_rule_sees_the_event_the_action_and_what_the_run_has_found_out(when: str) -> None:
    world = World(ordering(), rules=[deny(when, "shop.order")])
    world.event = replace(world.event, subject="SO-1")
    await world.work()
    assert told(world) == [("denied", "not allowed")], "and it is the rule that says so, not a mistake in it"


async def test_the_model_is_shown_the_tools_of_the_route_and_the_way_to_end() -> None:
    world = World(ordering())
    prompts: list[Prompt] = []
    answered = world.model.reply

    async def noted(prompt: Prompt) -> Reply:
        prompts.append(prompt)
        return await answered(prompt)

    world.model.reply = noted
    await world.work()
    for prompt in prompts:
        assert prompt.tools == [*world.route.tools, FINISH_TOOL]
        assert prompt.max_output_tokens == MAX_OUTPUT_TOKENS


async def test_a_run_that_went_on_later_began_with_its_first_turn() -> None:
    world = World(ordering())
    world.ledger.trouble = [BusyError("503")]
    with pytest.raises(RetryError, match="503"):
        await world.work()
    world.clock.pass_by(timedelta(minutes=5))
    outcome = await outcome_of(world)
    assert outcome.finished_at - outcome.started_at == timedelta(minutes=5)
    assert entries_of(world)["t3/decision"]["started_at"] == outcome.started_at.isoformat()


async def test_a_run_that_waits_for_a_busy_system_does_not_keep_its_session_from_others() -> None:
    world = World(ordering())
    world.ledger.trouble = [BusyError("503")]
    with pytest.raises(RetryError, match="503"):
        await world.work()
    assert (await world.sessions.open(SessionKey("acme", "s-1"), "another")).lease.run_id == "another"


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(turns=2), "2 turns"),
        (Budget(calls=2), "2 calls"),
        (Budget(tokens=220), "220 tokens"),
        (Budget(usd=0.002), "0.002 usd"),
    ],
    ids=["turns", "calls", "tokens", "usd"],
)
async def test_a_budget_that_is_spent_is_named(budget: Budget, said: str) -> None:
    world = World(turns(reply(STOCK)), budget=budget)
    outcome = await outcome_of(world)
    assert outcome.status is Status.BUDGET_SPENT
    assert outcome.summary == f"The budget of {said} is spent before the goal was reached."
    assert world.model.asked == 2


async def test_repairs_that_are_spent_are_named() -> None:
    outcome = await outcome_of(World(turns(reply(("shop__steal", {}))), budget=Budget(repairs=2)))
    assert outcome.summary == "The budget of 2 repairs is spent before the goal was reached."


@pytest.mark.parametrize(
    ("reason", "said"),
    [("wrong customer", "Cancelled by ann: wrong customer."), ("", "Cancelled by ann.")],
    ids=["words", "none"],
)
async def test_a_run_that_was_cancelled_says_by_whom_and_why(reason: str, said: str) -> None:
    world = World(turns(reply(ORDER)), rules=[hold()])
    await asked(world)
    outcome = await world.cancel(reason)
    assert isinstance(outcome, Outcome)
    assert (outcome.status, outcome.summary) == (Status.CANCELLED, said)


async def test_where_nothing_was_done_yet_the_model_hears_of_a_no_and_says_how_it_ends() -> None:
    world = World(turns(reply(ORDER), reply(finish("refused", "A person said no."))), rules=[hold()])
    outcome = await world.answer(answer(await asked(world), "reject"))
    assert isinstance(outcome, Outcome)
    assert (outcome.status, outcome.summary) == (Status.REFUSED, "A person said no.")


@pytest.mark.parametrize(("refused", "times"), [(set[str](), 1), ({"order"}, 2)], ids=["done", "failed"])
async def test_an_answer_that_acts_and_ends_the_run_counts_only_if_all_of_it_was_done(
    refused: set[str], times: int
) -> None:
    world = World(turns(reply(ORDER, finish()), reply(finish("failed", "No."))))
    world.ledger.refuse = frozenset(refused)
    await world.work()
    assert world.model.asked == times


async def test_what_another_worker_wrote_first_is_followed_at_once() -> None:
    world = World(ordering())
    write = world.ledger.write

    def overtaken(key: str, what: str) -> None:
        (journal,) = world.sessions._journals.values()  # pyright: ignore[reportPrivateUsage] - as another worker would
        theirs = {"status": "done", "result": {"order_id": "O-2", "quantity": 2}, "at": NOW.isoformat()}
        journal.entries["t2/c0/result"] = canonical_json(theirs)
        write(key, what)

    world.ledger.write = overtaken
    said = f"^run {world.event.run_id}: t2/c0/result was already written; following it$"
    with pytest.raises(RetryError, match=said) as caught:
        await world.work()
    assert caught.value.after_s == 0.0
    outcome = await outcome_of(world)
    assert outcome.actions[1].result == {"order_id": "O-2", "quantity": 2}
    assert world.effects == ["order"]
