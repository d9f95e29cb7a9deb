"""What makes a run be undone, and how: by state, within its time, on an operator's word."""

import contextlib
from datetime import timedelta

import pytest

from connectors.errors import BusyError, InDoubtError
from consumers.errors import DeadLetterError, RetryError
from consumers.run.unwinding import UNDO_S
from consumers.session.key import SessionKey
from schemas.approval import ApprovalRequest
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import Crash, World, finish, hold, reply, turns
from tests.consumers.run.test_engine import LETTER, ORDER, SHIP, answer, outcome_of

BOOK = ("shop__book", {"seat": "7"})


def booked(status: str) -> World:
    world = World(turns(reply(BOOK), reply(SHIP), reply(finish("failed", "No."))))
    world.ledger.refuse = frozenset({"ship"})
    world.ledger.booking = status
    return world


@pytest.mark.parametrize(("status", "undo"), [("draft", "drop"), ("sold", "refund")])
async def test_what_undoes_a_write_depends_on_what_has_become_of_it(status: str, undo: str) -> None:
    world = booked(status)
    assert (await outcome_of(world)).status is Status.COMPENSATED
    assert world.effects == ["book", undo]


@pytest.mark.parametrize("status", ["used", "burnt"])
async def test_what_no_state_allows_to_undo_is_reported(status: str) -> None:
    world = booked(status)
    outcome = await outcome_of(world)
    assert outcome.status is Status.COMPENSATION_FAILED
    assert "shop.book" in outcome.summary
    assert world.effects == ["book"]


async def test_a_state_once_found_counts_even_if_it_changes_before_the_undo_is_done() -> None:
    world = booked("draft")
    world.ledger.trouble = [None, BusyError("503")]
    with pytest.raises(RetryError):
        await world.work()
    world.ledger.booking = "sold"
    assert (await outcome_of(world)).status is Status.COMPENSATED
    assert world.effects == ["book", "drop"]


async def test_unwinding_waits_for_a_busy_system_and_then_gives_that_one_up() -> None:
    world = World(turns(reply(ORDER), reply(BOOK), reply(SHIP), reply(finish("failed", "No."))))
    world.ledger.refuse = frozenset({"ship"})
    world.ledger.booking = "busy"
    with pytest.raises(RetryError, match="503"):
        await world.work()
    world.clock.pass_by(timedelta(seconds=UNDO_S - 1))
    with pytest.raises(RetryError, match="503"):
        await world.work()
    assert world.effects == ["order", "book"]
    world.clock.pass_by(timedelta(seconds=1))
    outcome = await outcome_of(world)
    assert outcome.status is Status.COMPENSATION_FAILED
    assert outcome.summary.endswith("Not undone: shop.book; a person must look.")
    assert world.effects == ["order", "book", "cancel"], "what was before it is undone all the same"


async def test_a_reason_to_unwind_once_found_is_kept() -> None:
    world = booked("busy")
    with pytest.raises(RetryError, match="503"):
        await world.work()
    world.ledger.booking = "draft"
    world.ledger.refuse = frozenset()
    assert (await outcome_of(world)).status is Status.COMPENSATED
    assert world.model.asked == 3


async def test_a_refusal_by_a_person_unwinds_an_atomic_run_without_asking_the_model_again() -> None:
    world = World(turns(reply(ORDER), reply(SHIP), reply(ORDER)), rules=[hold("true", "shop.ship")])
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    outcome = await world.answer(answer(request, "reject", comment="not today"))
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.COMPENSATED
    assert "not today" in outcome.summary
    assert world.effects == ["order", "cancel"]
    assert world.model.asked == 2


async def test_an_answer_that_comes_too_late_unwinds_an_atomic_run() -> None:
    world = World(turns(reply(ORDER), reply(SHIP)), rules=[hold("true", "shop.ship")])
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    world.clock.pass_by(timedelta(hours=2))
    await world.answer(answer(request))
    assert world.effects == ["order", "cancel"]


async def test_a_run_that_waits_is_cancelled_and_undone_whatever_the_route_says() -> None:
    world = World(turns(reply(ORDER), reply(SHIP)), rules=[hold("true", "shop.ship")], atomic=False)
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    outcome = await world.cancel("wrong customer")
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.COMPENSATED
    assert "Cancelled by ann: wrong customer." in outcome.summary
    assert world.effects == ["order", "cancel"]
    assert await world.cancel() is None, "it is over already"
    assert await world.answer(answer(request)) == outcome, "an answer comes too late and changes nothing"
    assert world.effects == ["order", "cancel"]


async def test_a_run_that_did_nothing_yet_is_just_cancelled() -> None:
    world = World(turns(reply(ORDER)), rules=[hold()])
    await world.work()
    outcome = await world.cancel()
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.CANCELLED
    assert world.effects == []


async def test_a_run_between_two_attempts_is_ended_by_whoever_works_it_next() -> None:
    world = World(turns(reply(ORDER), reply(SHIP), reply(finish())))
    world.ledger.trouble = [None, BusyError("503")]
    with pytest.raises(RetryError, match="503"):
        await world.work()
    assert await world.cancel() is None
    outcome = await outcome_of(world)
    assert outcome.status is Status.COMPENSATED
    assert world.effects == ["order", "ship", "recall", "cancel"], "what may be under way is first found out"


async def test_a_run_that_is_worked_now_learns_of_it_at_its_next_step() -> None:
    world = World(turns(reply(ORDER), reply(SHIP), reply(finish())))
    plan, asked = world.model.plan, [0]

    def meanwhile(messages: object) -> object:
        asked[0] += 1
        return plan(messages)  # pyright: ignore[reportArgumentType] - handed through

    world.model.plan = meanwhile  # pyright: ignore[reportAttributeAccessIssue] - the same shape
    write = world.ledger.write

    def cancelled_meanwhile(key: str, what: str) -> None:
        if what == "order":
            (journal,) = world.sessions._journals.values()  # pyright: ignore[reportPrivateUsage] - as another process would
            journal.entries["cancel"] = b'{"operator":"ann","reason":"stop","at":"2026-11-22T12:00:00+00:00"}'
        write(key, what)

    world.ledger.write = cancelled_meanwhile
    outcome = await outcome_of(world)
    assert outcome.status is Status.COMPENSATED
    assert world.effects == ["order", "cancel"]
    assert asked == [1]
    assert "cancel" in [step.place for step in world.outbox.step_log]


async def test_a_run_in_doubt_is_not_undone_before_the_doubt_is_answered() -> None:
    world = World(turns(reply(ORDER), reply(LETTER), reply(finish())))
    world.ledger.trouble = [None, InDoubtError("connection lost")]
    world.ledger.archive_closed = True
    with contextlib.suppress(RetryError):
        await world.work()
    world.clock.pass_by(timedelta(seconds=60))
    asked = await world.work()
    assert isinstance(asked, ApprovalRequest)
    assert await world.cancel() == asked, "the question stands"
    assert world.effects == ["order", "letter"]
    outcome = await world.answer(asked.answered("done", approver="ann", comment="", at=world.clock.now()))
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.COMPENSATION_FAILED, "nothing undoes a letter"
    assert world.effects == ["order", "letter", "cancel"]


async def test_a_run_that_nobody_knows_cannot_be_cancelled() -> None:
    world = World(turns(reply(ORDER)))
    with pytest.raises(DeadLetterError) as raised:
        await world.cancel()
    assert raised.value.reason == "run_unknown"


async def test_an_event_of_an_erased_session_does_nothing_and_says_nothing() -> None:
    world = World(turns(reply(ORDER), reply(finish())))
    await world.work()
    (key,) = {lease.key for lease in [(await world.sessions.open(_key(world), world.event.run_id)).lease]}
    await world.sessions.release((await world.sessions.open(key, world.event.run_id)).lease)
    await world.sessions.erase(key, world.clock.now())
    assert await world.engine().work(world.event, world.route, world.claim) is None
    assert world.effects == ["order"]
    assert world.model.asked == 2


@pytest.mark.parametrize("at", range(1, 30))
async def test_a_crash_while_a_cancelled_run_is_undone_changes_nothing(at: int) -> None:
    world = World(turns(reply(ORDER), reply(BOOK), reply(SHIP)), rules=[hold("true", "shop.ship")])
    await world.work()
    world.fuse.crash_at = world.fuse.calls + at
    with contextlib.suppress(Crash):
        await world.cancel()
    world.fuse.crash_at = None
    world.clock.pass_by(timedelta(seconds=31))  # an operator's word waits for the lease of whoever died
    await world.cancel()
    outcome = await outcome_of(world)
    assert outcome.status is Status.COMPENSATED
    assert world.effects == ["order", "book", "drop", "cancel"]


def _key(world: World) -> SessionKey:
    return SessionKey(world.event.tenant, world.event.session_id)
