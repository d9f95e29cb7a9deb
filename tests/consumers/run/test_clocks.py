"""Clocks that are set, by two hours either way: nothing is done twice, and nobody waits until they are right again."""

import contextlib
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.errors import InDoubtError
from consumers.errors import RetryError
from consumers.policy.approvers import Approver
from consumers.ports.clock import SystemClock
from consumers.router.route import Budget
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import Crash, World, finish, hold, reply, turns
from tests.consumers.run.test_crashes import PORT_CALLS, SCENARIOS, decided
from tests.consumers.run.test_engine import LETTER, ORDER, answer, ordering

TWO_HOURS = timedelta(hours=2)
JUMPS = [TWO_HOURS, -TWO_HOURS]
MOST_WAITED = timedelta(minutes=10)


@pytest.mark.parametrize("jump", JUMPS, ids=["ahead", "back"])
async def test_a_budget_of_seconds_counts_seconds_and_not_the_time_of_day(jump: timedelta) -> None:
    world = World(ordering(), budget=Budget(seconds=60))
    plan = world.model.plan

    def jumping(messages: object) -> object:
        world.clock.jump(jump)
        return plan(messages)  # pyright: ignore[reportArgumentType] - passed through

    world.model.plan = jumping  # pyright: ignore[reportAttributeAccessIssue] - the same
    end = await world.work()
    assert isinstance(end, Outcome)
    assert end.status is Status.SUCCESS


async def test_a_clock_that_is_set_back_does_not_give_more_seconds() -> None:
    world = World(ordering(), budget=Budget(seconds=60))
    plan = world.model.plan

    def slow(messages: object) -> object:
        world.clock.pass_by(timedelta(seconds=61))
        world.clock.jump(-TWO_HOURS)
        return plan(messages)  # pyright: ignore[reportArgumentType] - passed through

    world.model.plan = slow  # pyright: ignore[reportAttributeAccessIssue] - the same
    end = await world.work()
    assert isinstance(end, Outcome)
    assert end.status is Status.BUDGET_SPENT


@given(
    hours=st.floats(0, 40),
    jump_hours=st.floats(-2, 2),
    before=st.booleans(),
)
@example(hours=0.0, jump_hours=-2.0, before=False)
@example(hours=24.0, jump_hours=-2.0, before=False)
async def test_a_key_is_never_sent_again_once_the_system_may_have_forgotten_it(
    hours: float, jump_hours: float, before: bool
) -> None:
    """A shop that honours keys for 24 real hours, and a clock that is set while a worker is dead."""
    world = World(turns(reply(ORDER), reply(finish())))
    world.fuse.crash_at, world.fuse.after = 5, True  # the effect is done, and its result is not written
    with contextlib.suppress(Crash):
        await world.work()
    assert [what for what, _ in world.ledger.sent] == ["order"], "crash_at is the call that orders"
    world.fuse.crash_at = None
    if before:
        world.clock.jump(timedelta(hours=jump_hours))
    world.clock.pass_by(timedelta(hours=hours))
    if not before:
        world.clock.jump(timedelta(hours=jump_hours))
    end = await world.work()
    if len(world.ledger.sent) > 1:
        assert hours < 24
        assert isinstance(end, Outcome)
    else:
        assert isinstance(end, ApprovalRequest)
        assert end.kind == "doubt"
        assert hours > 20, "well inside, the same key is sent"


async def lost_letter() -> World:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.trouble = [InDoubtError("connection lost")]
    return world


@pytest.mark.parametrize("jump", [*JUMPS, timedelta()], ids=["ahead", "back", "not"])
async def test_whether_a_write_took_effect_is_asked_after_a_minute_of_real_time(jump: timedelta) -> None:
    world = await lost_letter()
    engine = world.engine()

    async def work() -> object:
        return await engine.work(world.event, world.route, world.claim)

    with pytest.raises(RetryError) as first:
        await work()
    assert first.value.after_s == 60
    world.clock.jump(jump)
    world.clock.pass_by(timedelta(seconds=20))
    with pytest.raises(RetryError) as second:
        await work()
    assert second.value.after_s == 40
    world.clock.pass_by(timedelta(seconds=40))
    end = await work()
    assert isinstance(end, Outcome)
    assert end.status is Status.SUCCESS
    assert len(world.ledger.sent) == 1


async def test_a_clock_that_is_set_while_a_write_is_under_way_does_not_let_it_be_asked_about_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await lost_letter()
    write = world.ledger.write

    def jumping(key: str, what: str) -> None:
        world.clock.pass_by(timedelta(seconds=5))
        world.clock.jump(TWO_HOURS)
        write(key, what)

    monkeypatch.setattr(world.ledger, "write", jumping)
    with pytest.raises(RetryError, match="still be under way") as waits:
        await world.work()
    assert waits.value.after_s == 55


async def test_another_worker_whose_clock_is_behind_waits_no_longer_than_that() -> None:
    world = await lost_letter()
    with pytest.raises(RetryError):
        await world.work()
    world.clock.jump(-TWO_HOURS)
    engine = world.engine()
    with pytest.raises(RetryError) as waits:
        await engine.work(world.event, world.route, world.claim)
    assert waits.value.after_s == 60
    world.clock.pass_by(timedelta(seconds=60))
    assert isinstance(await engine.work(world.event, world.route, world.claim), Outcome)
    assert len(world.ledger.sent) == 1


@pytest.mark.parametrize("jump", JUMPS, ids=["ahead", "back"])
async def test_an_approval_counts_once_or_is_expired_and_the_run_ends(jump: timedelta) -> None:
    world = World(ordering(), rules=[hold("true", "shop.order")])
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    world.clock.jump(jump)
    end = await world.answer(answer(request))
    assert isinstance(end, Outcome)
    ordered = end.actions[-1].status
    assert (ordered, world.effects) == (("denied", []) if jump > timedelta() else ("done", ["order"]))
    world.clock.jump(-jump)
    assert await world.answer(answer(request)) == end
    assert len(world.effects) <= 1


@pytest.mark.parametrize("jump", JUMPS, ids=["ahead", "back"])
@pytest.mark.parametrize("name", sorted(SCENARIOS))
async def test_a_crash_and_another_clock_after_it_do_nothing_twice_and_end(
    name: str, jump: timedelta
) -> None:
    for at in range(1, PORT_CALLS[name] + 1):
        for after in (False, True):
            world = SCENARIOS[name]()
            world.fuse.crash_at, world.fuse.after = at, after
            with contextlib.suppress(Crash, BaseExceptionGroup):
                await to_the_end(world)
            world.fuse.crash_at = None
            world.clock.jump(jump)
            began = world.clock.seconds()
            end = await to_the_end(world)
            assert end.status.terminal
            assert max(Counter(world.effects).values(), default=0) <= 1, f"call {at}, after: {after}"
            assert world.clock.seconds() - began <= MOST_WAITED.total_seconds(), f"call {at}, after: {after}"


async def to_the_end(world: World) -> Outcome:
    """Work with one worker, as the runtime does, waiting as long as it asks; people answer at once."""
    engine = world.engine()
    people: dict[str, list[str]] = {}
    answers: ApprovalDecision | None = None
    for _ in range(50):
        try:
            if answers:
                by = Approver(answers.approver, frozenset({"sales"}))
                end = await engine.answer(answers, by, world.claim)
            else:
                end = await engine.work(world.event, world.route, world.claim)
        except RetryError as error:
            world.clock.pass_by(timedelta(seconds=error.after_s or 1))
            continue
        if isinstance(end, Outcome):
            return end
        assert isinstance(end, ApprovalRequest)
        answers = decided(world, end, people)
    raise AssertionError("no end after 50 attempts")


def test_the_machines_clock_of_durations_never_goes_back() -> None:
    clock = SystemClock()
    seen = [clock.seconds() for _ in range(1000)]
    assert seen == sorted(seen)
