"""Rounds: what ended without success and without any effect is worked once more by a resume, and nothing else is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.errors import InDoubtError
from consumers.adapters.memory_jobs import MemoryJobs
from consumers.errors import RetryError, UnavailableError
from consumers.ports.clock import SystemClock
from consumers.ports.glances import Glance
from consumers.replay.chosen import Chosen
from consumers.replay.evidence import Evidence
from consumers.replay.job import Mode
from consumers.replay.rounds import MOST_ROUNDS, looked_at, may_follow
from consumers.replay.worked import Worked
from consumers.router.exchange import Reply
from consumers.router.route import Budget
from consumers.session.key import SessionKey
from schemas.envelope import in_round
from schemas.outcome import Outcome, Status
from schemas.step import StepKind
from tests.consumers.replay.steps_told import Steps, step
from tests.consumers.replay.worked_stand import ORDER, Stand, record, skipped, world
from tests.consumers.run.shop_world import NOW, CountingClaim, Crash, finish, hold, reply, turns

NO = reply(finish("failed", "The shop says no."))
DONE = reply(finish())
LETTER = reply(("shop__letter", {"to": "Ann"}))
FAILED = Chosen(statuses=frozenset({"failed"}))


def stand_of(evidence: Evidence, *answers: Any, **more: Any) -> Stand:
    """Return a stand whose world answers like this, and whose shop takes no orders."""
    stand = Stand(world(*(answers or (ORDER, NO)), **more), evidence)
    stand.world.ledger.refuse = frozenset({"order"})
    return stand


def mend(stand: Stand, *answers: Any) -> None:
    """Have the shop take orders, and the model answer like this from now on."""
    stand.world.ledger.refuse = frozenset()
    stand.world.model.plan = turns(*(answers or (ORDER, DONE)))


def order_anew(stand: Stand, mode: Mode = Mode.RESUME, **more: Any) -> Worked:
    """Return the handler of another job, ordered some time after all that has happened."""
    stand.jobs = MemoryJobs()
    stand.world.clock.pass_by(timedelta(hours=1))
    return stand.handler(mode, ordered_at=stand.world.clock.now() - timedelta(minutes=5), **more)


async def ended(stand: Stand, number: int = 1) -> Outcome:
    """Have a round of the event worked that has ended, which says its outcome once more."""
    said = await stand.world.engine().work(
        replace(stand.world.event, round=number), stand.world.route, CountingClaim()
    )
    assert isinstance(said, Outcome)
    return said


async def test_a_run_that_failed_is_worked_once_more_under_the_same_keys(nothing_told: Evidence) -> None:
    stand = stand_of(nothing_told)
    await stand.world.work()
    assert stand.world.effects == []
    mend(stand)

    handler = order_anew(stand)
    first = await handler(record(), CountingClaim())

    assert handler.tally == {"read": 1, "success": 1}
    assert stand.world.effects == ["order"]
    ((_, refused), (_, done)) = stand.world.ledger.sent
    assert refused == done
    assert (await ended(stand)).status is Status.FAILED
    assert (await ended(stand)).id != (await ended(stand, 2)).id
    assert await stand.jobs.ends("j") == {"success": 1}
    again = stand.handler(ordered_at=stand.world.clock.now() - timedelta(minutes=5))
    assert await again(record(), CountingClaim()) == first, "it may not have been published"
    assert await skipped(order_anew(stand)) == "ended: success"
    assert stand.world.effects == ["order"]


async def test_a_round_that_a_job_was_killed_in_is_gone_on_with(nothing_told: Evidence) -> None:
    stand = stand_of(nothing_told)
    await stand.world.work()
    mend(stand)
    handler = order_anew(stand)
    stand.world.fuse.crash_at, stand.world.fuse.after = stand.world.fuse.calls + 6, True
    with pytest.raises(Crash):
        await handler(record(), CountingClaim())
    stand.world.fuse.crash_at = None

    later = stand.handler(ordered_at=stand.world.clock.now() - timedelta(minutes=5))
    await later(record(), CountingClaim())

    assert (later.tally, stand.world.effects) == ({"read": 1, "success": 1}, ["order"])


async def test_a_spent_budget_is_no_end_either_and_rounds_have_an_end(nothing_told: Evidence) -> None:
    stand = stand_of(nothing_told, ORDER, budget=Budget(turns=2))
    await stand.world.work()
    for number in range(2, MOST_ROUNDS + 1):
        handler = order_anew(stand)
        await handler(record(), CountingClaim())
        assert handler.tally == {"read": 1, "budget_spent": 1}, number
    over = "worked as often as an event may be, without success: budget_spent"
    assert await skipped(order_anew(stand)) == over
    assert stand.world.effects == []


@pytest.mark.parametrize("mode", [Mode.RESUME, Mode.BACKFILL])
@pytest.mark.parametrize(
    ("answers", "atomic", "how"),
    [
        ((ORDER, NO), False, "failed"),
        ((ORDER, NO), True, "compensated"),
        ((LETTER, NO), True, "compensation_failed"),
        ((ORDER,), False, "budget_spent"),
        ((reply(finish("refused", "Not for us.")),), True, "refused"),
    ],
)
async def test_a_run_of_which_something_took_effect_or_that_ended_as_it_should_is_left_alone(
    nothing_told: Evidence, mode: Mode, answers: Sequence[Any], atomic: bool, how: str
) -> None:
    stand = Stand(world(*answers, atomic=atomic, budget=Budget(turns=3)), nothing_told)
    assert isinstance(said := await stand.world.work(), Outcome)
    assert str(said.status) == how
    effects = list(stand.world.effects)
    assert await skipped(order_anew(stand, mode)) == f"ended: {how}"
    assert stand.world.effects == effects


async def test_a_write_that_the_route_has_lost_since_counts(nothing_told: Evidence) -> None:
    stand = Stand(world(ORDER, NO, atomic=False), nothing_told)
    await stand.world.work()
    actions = {name: action for name, action in stand.world.route.actions.items() if name != "shop.order"}
    stand.world.route = replace(stand.world.route, actions=actions)
    assert await skipped(order_anew(stand)) == "ended: failed"


async def test_a_write_that_was_a_read_to_the_route_by_the_end_counts_by_its_intent(
    nothing_told: Evidence,
) -> None:
    stand = Stand(world(atomic=False), nothing_told)

    def dies_after_the_order(messages: Sequence[Mapping[str, Any]]) -> Reply:
        if any(message["role"] == "assistant" for message in messages):
            raise Crash
        return ORDER

    stand.world.model.plan = dies_after_the_order
    with pytest.raises(Crash):
        await stand.world.work()
    order = replace(stand.world.route.actions["shop.order"], effect="read")
    stand.world.route = replace(stand.world.route, actions={**stand.world.route.actions, "shop.order": order})
    stand.world.model.plan = turns(ORDER, NO)
    said = await stand.world.work()
    assert isinstance(said, Outcome)
    assert (said.status, said.actions[0].effect) == (Status.FAILED, "read")

    assert await skipped(order_anew(stand)) == "ended: failed"
    assert stand.world.effects == ["order"]


async def test_a_run_with_a_write_in_doubt_waits(nothing_told: Evidence) -> None:
    stand = Stand(world(LETTER, NO), nothing_told)
    stand.world.ledger.trouble = [InDoubtError("lost")]
    stand.world.ledger.archive_closed = True
    with pytest.raises(RetryError):
        await stand.world.work()
    stand.world.clock.pass_by(timedelta(hours=1))
    await stand.world.work()
    assert await skipped(order_anew(stand)) == "waits for a person"


async def test_a_backfill_leaves_alone_what_failed(nothing_told: Evidence) -> None:
    stand = stand_of(nothing_told)
    await stand.world.work()
    mend(stand)
    assert await skipped(order_anew(stand, Mode.BACKFILL)) == "ended: failed"


async def test_statuses_choose_by_the_latest_end(nothing_told: Evidence) -> None:
    stand = stand_of(nothing_told)
    other = Chosen(statuses=frozenset({"budget_spent"}))
    assert await skipped(order_anew(stand, chosen=FAILED)) == "not chosen", "nobody has worked it"
    await stand.world.work()
    assert await skipped(order_anew(stand, chosen=other)) == "not chosen"
    mend(stand)
    handler = order_anew(stand, chosen=FAILED)
    await handler(record(), CountingClaim())
    assert handler.tally["success"] == 1
    assert await skipped(order_anew(stand, chosen=FAILED)) == "not chosen"


async def test_a_round_that_waits_for_a_person_goes_on_by_the_answer(nothing_told: Evidence) -> None:
    stand = stand_of(nothing_told, reply(("shop__order", {"quantity": 2})), NO)
    await stand.world.work()
    mend(stand)
    stand.world.route = replace(stand.world.route, rules=(hold(),))
    handler = order_anew(stand)
    await handler(record(), CountingClaim())
    assert handler.tally == {"read": 1, "requires_approval": 1}
    assert await skipped(order_anew(stand)) == "waits for a person"

    event = stand.world.event
    key = SessionKey(event.tenant, event.session_id)
    kept = (await stand.world.sessions.read(key, event.again.run_id))["event"]
    assert kept["round"] == 2
    assert "round" not in await stand.world.sessions.read(key, event.run_id)


async def test_a_round_that_only_the_steps_topic_knows_is_left_alone() -> None:
    with Evidence(SystemClock()) as evidence:
        stand = stand_of(evidence)
        await stand.world.work()
        run_id = stand.world.event.again.run_id
        ends = step(run_id, "outcome", StepKind.OUTCOME)
        await evidence.gather(Steps((NOW, ends)), lambda _done, _total: None)
        mend(stand)
        assert await skipped(order_anew(stand)) == "ended, by the steps topic"
        assert stand.world.effects == []


@pytest.mark.parametrize(("deleted_before", "worked"), [(-3, True), (3, False)])
async def test_steps_need_to_go_back_to_the_end_of_the_round_before(
    deleted_before: int, worked: bool
) -> None:
    with Evidence(SystemClock()) as evidence:
        stand = stand_of(evidence)
        stand.world.event = replace(stand.world.event, time=NOW - timedelta(days=30))
        await stand.world.work()
        since = NOW + timedelta(hours=deleted_before)
        await evidence.gather(Steps((since, step("other")), first=10), lambda _done, _total: None)
        mend(stand)
        handler = order_anew(stand)
        if worked:
            await handler(record(), CountingClaim())
            assert handler.tally["success"] == 1
        else:
            with pytest.raises(UnavailableError, match="may have been worked before"):
                await handler(record(), CountingClaim())
            assert stand.world.effects == []


def outcome(status: str, *actions: tuple[str, str]) -> dict[str, Any]:
    return {"status": status, "actions": [{"effect": effect, "status": how} for effect, how in actions]}


def test_what_may_be_followed() -> None:
    assert may_follow(outcome("failed", ("read", "done"), ("write", "failed"), ("write", "skipped")))
    assert may_follow(outcome("budget_spent", ("write", "denied")))
    assert not may_follow(outcome("failed", ("write", "failed"), ("write", "done")))
    for status in Status:
        assert may_follow(outcome(str(status))) is (status in {Status.FAILED, Status.BUDGET_SPENT})


class Looks:
    """Has runs by their ids, and counts how often it is asked."""

    def __init__(self, found: dict[str, Glance]) -> None:
        self.found = found
        self.asked = 0

    async def look(self, runs: Sequence[tuple[SessionKey, str]]) -> Sequence[Glance]:
        self.asked += 1
        return [self.found.get(run, Glance(begun=False)) for _, run in runs]


async def test_rounds_are_looked_up_where_there_may_be_some_and_up_to_the_last() -> None:
    key = SessionKey("t", "s")
    failed, success = Glance(True, outcome("failed")), Glance(True, outcome("success"))
    begun, none = Glance(True), Glance(False)
    held = {"a": [success], "b": [failed], "c": [failed, failed, begun], "d": [none], "e": [failed, success]}
    looks = Looks(
        {in_round(run, number): glance for run, each in held.items() for number, glance in enumerate(each, 1)}
    )
    assert await looked_at(looks, [(key, run) for run in held]) == list(held.values())
    assert looks.asked == 3
    assert await looked_at(looks, []) == ()
    endless = Looks({in_round("f", number): failed for number in range(1, 99)})
    assert len((await looked_at(endless, [(key, "f")]))[0]) == MOST_ROUNDS
