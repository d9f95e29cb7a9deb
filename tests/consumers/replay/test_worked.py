"""What a job does with each record: worked, left alone with a reason, or the end of the job."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import BusyError
from consumers.errors import UnavailableError
from consumers.policy.expressions import compiled
from consumers.replay.chosen import VARIABLES, Chosen
from consumers.replay.evidence import Evidence
from consumers.replay.job import Mode
from consumers.session.key import SessionKey
from schemas.record import Outgoing
from schemas.step import StepKind
from tests.consumers.replay.steps_told import Steps, step
from tests.consumers.replay.worked_stand import PATIENCE_S, Stand, record, skipped, world
from tests.consumers.run.shop_world import NOW, CountingClaim, Crash, World, hold


async def told(evidence: Evidence, *places: str, world: World, first: int = 0, at: datetime = NOW) -> None:
    """Have the steps topic tell of the world's run."""
    kinds = {"outcome": StepKind.OUTCOME}
    steps = [step(world.event.run_id, place, kinds.get(place, StepKind.DECISION)) for place in places]
    await evidence.gather(Steps(*((at, each) for each in steps), first=first), lambda _done, _total: None)


async def test_a_missing_run_is_worked_by_either_mode(nothing_told: Evidence) -> None:
    for mode in (Mode.RESUME, Mode.BACKFILL):
        stand = Stand(world(), nothing_told)
        handler = stand.handler(mode)
        assert len(await handler(record(), CountingClaim())) == 1
        assert (handler.tally, stand.world.effects) == ({"read": 1, "success": 1}, ["order"])
        assert await stand.jobs.ends("j") == {"success": 1}


async def test_an_event_that_was_published_twice_is_worked_and_counted_once(nothing_told: Evidence) -> None:
    stand = Stand(world(), nothing_told)
    handler = stand.handler()
    first = await handler(record(offset=3), CountingClaim())
    assert await handler(record(offset=4), CountingClaim()) == ()
    assert handler.tally == {"read": 2, "success": 1, "skipped: published more than once": 1}
    assert await handler(record(offset=3), CountingClaim()) == first, "it may not have been published"


async def test_what_ended_before_the_order_is_left_alone(nothing_told: Evidence) -> None:
    stand = Stand(world(), nothing_told)
    await stand.world.work()
    for mode in (Mode.RESUME, Mode.BACKFILL):
        assert await skipped(stand.handler(mode)) == "ended: success"


async def test_what_the_job_ended_but_may_not_have_published_is_said_again(nothing_told: Evidence) -> None:
    stand = Stand(world(), nothing_told)
    first = await stand.handler(Mode.BACKFILL)(record(), CountingClaim())
    again = await stand.handler(Mode.BACKFILL)(record(), CountingClaim())
    assert again == first
    assert (stand.world.effects, stand.world.model.asked) == (["order"], 2)


async def test_after_redis_lost_whose_it_was_what_ended_since_the_order_is_said_again(
    nothing_told: Evidence,
) -> None:
    stand = Stand(world(), nothing_told)
    await stand.world.work()
    handler = stand.handler(Mode.BACKFILL, ordered_at=NOW - timedelta(minutes=1))
    assert len(await handler(record(), CountingClaim())) == 1
    assert handler.tally["success"] == 1


async def test_a_run_in_the_middle_is_known_to_a_backfill_and_goes_on_by_a_resume(
    nothing_told: Evidence,
) -> None:
    stand = Stand(world(), nothing_told)
    stand.world.fuse.crash_at, stand.world.fuse.after = 5, True
    with pytest.raises(Crash):
        await stand.world.work()
    stand.world.fuse.crash_at = None
    key = SessionKey(stand.world.event.tenant, stand.world.event.session_id)
    assert await stand.world.sessions.read(key, stand.world.event.run_id)

    assert await skipped(stand.handler(Mode.BACKFILL)) == "begun, not ended"
    resumed = stand.handler(Mode.RESUME)
    await resumed(record(), CountingClaim())
    assert (resumed.tally["success"], stand.world.effects) == (1, ["order"])


async def test_a_run_that_waits_keeps_waiting_unless_the_job_asked_and_may_not_have_said_so(
    nothing_told: Evidence,
) -> None:
    stand = Stand(world(rules=[hold()]), nothing_told)
    await stand.world.work()
    assert await skipped(stand.handler(Mode.RESUME)) == "waits for a person"

    other = Stand(world(rules=[hold()]), nothing_told)
    first = await other.handler()(record(), CountingClaim())
    assert await other.handler()(record(), CountingClaim()) == first == [Outgoing("out", None, b"asked")]


async def test_a_run_that_only_the_steps_topic_knows_is_left_alone(nothing_told: Evidence) -> None:
    stand = Stand(world(), nothing_told)
    await told(nothing_told, "t1/decision", "outcome", world=stand.world)
    assert await skipped(stand.handler()) == "ended, by the steps topic"
    assert stand.world.effects == []


async def test_a_run_whose_steps_came_further_than_its_journal_is_worked_by_the_job_that_began_it(
    nothing_told: Evidence,
) -> None:
    stand = Stand(world(), nothing_told)
    await told(nothing_told, "t1/decision", "outcome", world=stand.world)
    await stand.jobs.take("j", "events", stand.world.event.run_id, 1, None)
    handler = stand.handler()
    await handler(record(), CountingClaim())
    assert handler.tally["success"] == 1


async def test_steps_without_a_journal_are_of_a_worker_that_died_unless_the_store_may_have_lost_it(
    nothing_told: Evidence,
) -> None:
    stand = Stand(world(), nothing_told)
    await told(nothing_told, "t1/decision", world=stand.world)
    stand.lost_before = NOW + timedelta(minutes=5)
    assert await skipped(stand.handler()) == "begun, and lost by Redis: see `pointsman sessions rebuild`"
    stand.lost_before = NOW - timedelta(days=1)
    handler = stand.handler()
    await handler(record(), CountingClaim())
    assert handler.tally["success"] == 1


async def test_a_run_that_redis_lost_is_left_alone_although_its_publisher_dated_it_ahead(
    nothing_told: Evidence,
) -> None:
    stand = Stand(world(), nothing_told)
    await told(nothing_told, "t1/decision", world=stand.world)
    stand.lost_before = NOW + timedelta(minutes=5)
    stand.world.event = replace(stand.world.event, time=NOW + timedelta(days=1))
    assert await skipped(stand.handler()) == "begun, and lost by Redis: see `pointsman sessions rebuild`"
    assert stand.world.effects == []


async def test_an_event_that_is_older_than_the_steps_ends_the_job_unless_somebody_answers_for_it(
    nothing_told: Evidence,
) -> None:
    stand = Stand(world(), nothing_told)
    await told(nothing_told, "t1/decision", world=world(), first=10, at=NOW)
    stand.evidence = nothing_told
    handler = stand.handler()
    other = replace(stand.world.event, id="e-2")
    stand.world.event = other
    with pytest.raises(UnavailableError, match="may have been worked before"):
        await handler(record(), CountingClaim())
    assert (handler.stopping.is_set(), handler.tally) == (True, {})
    assert "orders[0]@3" in handler.tally.why
    with pytest.raises(UnavailableError, match="is ending"):
        await handler(record(offset=4), CountingClaim())

    handler = stand.handler(allow_older=True)
    await handler(record(), CountingClaim())
    assert handler.tally["success"] == 1


async def test_what_is_not_chosen_unreadable_unrouted_or_live_is_left_alone(nothing_told: Evidence) -> None:
    stand = Stand(world(), nothing_told)
    stand.live = {0: 5}
    keys = Chosen(keys=frozenset({b"other"}))
    types = Chosen(types=frozenset({"other"}))
    where = Chosen(where=compiled("event.payload.quantity > 9", VARIABLES))
    no_value = Chosen(where=compiled("event.payload.missing > 9", VARIABLES))
    for chosen in (keys, types, where):
        assert await skipped(stand.handler(chosen=chosen)) == "not chosen"
    assert await skipped(stand.handler(chosen=no_value)) == "`where` has no value on it"
    assert await skipped(stand.handler(), record(b"bad")) == "unreadable"
    assert await skipped(stand.handler(), record(b"other")) == "no route"
    assert (await skipped(stand.handler(), record(offset=5))).startswith("left to the live workers")
    assert stand.world.model.asked == 0


async def test_a_damaged_and_an_erased_run_are_left_alone(nothing_told: Evidence) -> None:
    stand = Stand(world(), nothing_told)
    await stand.world.work()
    key = SessionKey(stand.world.event.tenant, stand.world.event.session_id)
    await stand.world.sessions.erase(key, datetime.now(UTC))
    assert await skipped(stand.handler()) == "of an erased session"


async def test_a_system_that_stays_busy_ends_the_job_and_gives_nothing_up(nothing_told: Evidence) -> None:
    stand = Stand(world(), nothing_told)
    stand.world.ledger.trouble = [BusyError("503")] * 100
    handler = stand.handler()
    for _ in range(2):
        with pytest.raises(UnavailableError):
            await handler(record(), CountingClaim())
        assert not handler.stopping.is_set()
        stand.world.clock.pass_by(timedelta(seconds=PATIENCE_S / 2 + 1))
    with pytest.raises(UnavailableError):
        await handler(record(), CountingClaim())
    assert handler.stopping.is_set()
    assert handler.tally.why.startswith("orders[0]@3 could not be worked for 900 s: shop.order: ")
    assert not handler.tally.at_bound

    stand.world.ledger.trouble = []
    later = stand.handler()
    await later(record(), CountingClaim())
    assert (later.tally["success"], stand.world.effects) == (1, ["order"])


async def test_a_job_that_is_older_than_what_the_store_remembers_ends(nothing_told: Evidence) -> None:
    stand = Stand(world(), nothing_told)
    handler = stand.handler()
    stand.world.clock.pass_by(timedelta(days=7))
    with pytest.raises(UnavailableError, match="order a new one"):
        await handler(record(), CountingClaim())
    assert stand.world.effects == []
