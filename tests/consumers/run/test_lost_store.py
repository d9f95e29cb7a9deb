"""A worker dies at any port call, and the store has lost all it knew, or what it learnt last. The steps topic has it."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from consumers.errors import RetryError, UnavailableError
from consumers.ports.sessions import CLOCKS, Entry, Lease
from consumers.session.key import SessionKey
from consumers.session.refold import refold
from schemas.approval import ApprovalRequest
from schemas.outcome import Outcome, Status
from tests.consumers.run.shop_world import NOW, Crash, World, finish, hold, reply, turns
from tests.consumers.run.test_crashes import SCENARIOS, crashes, ended, once_more, to_the_end
from tests.consumers.run.test_engine import LETTER, ORDER


async def go_back(world: World, make: Callable[[], World], at: int) -> None:
    """Leave in the store what was there half of the port calls ago."""
    before = make()
    before.fuse.crash_at = max(1, at // 2)
    with contextlib.suppress(Crash, BaseExceptionGroup):
        await to_the_end(before)
    before.clock.pass_by(world.clock.now() - before.clock.now())
    before.sessions.fuse = world.fuse
    world.sessions, world.clock = before.sessions, before.clock


async def empty(world: World, make: Callable[[], World], at: int) -> None:
    del make, at
    world.sessions.wipe()


async def rebuild(world: World) -> None:
    """Give the store back what is on the steps topic."""
    key = SessionKey(world.event.tenant, world.event.session_id)
    session = refold(world.outbox.step_log)
    epoch = await world.sessions.restore(key, session)
    world.outbox.step_log.extend(session.taken_over(epoch, NOW))


@pytest.mark.parametrize("lose", [empty, go_back])
@pytest.mark.parametrize(("name", "at", "after"), list(crashes()))
async def test_a_store_that_is_rebuilt_changes_neither_outcome_nor_effects(
    name: str, at: int, after: bool, lose: Callable[..., Awaitable[None]]
) -> None:
    make = SCENARIOS[name]
    calm = make()
    expected = await to_the_end(calm)

    world = make()
    world.fuse.crash_at, world.fuse.after = at, after
    with contextlib.suppress(Crash, BaseExceptionGroup):
        await to_the_end(world)
    world.fuse.crash_at = None
    await lose(world, make, at)
    await rebuild(world)
    outcome = await to_the_end(world)

    assert ended(outcome) == ended(expected)
    assert world.effects == calm.effects
    assert all(published == outcome for published in world.outbox.outcomes)


@pytest.mark.parametrize("name", list(SCENARIOS))
async def test_a_store_that_is_rebuilt_remembers_what_it_did(name: str) -> None:
    world = SCENARIOS[name]()
    await to_the_end(world)
    key = SessionKey(world.event.tenant, world.event.session_id)
    before = await world.sessions.open(key, "another")
    run = await world.sessions.read(key, world.event.run_id)
    world.sessions.wipe()
    await rebuild(world)
    assert (await world.sessions.open(key, "another")).context == before.context
    assert await world.sessions.read(key, world.event.run_id) == run


def away_once(world: World, when: Callable[[], object]) -> None:
    """Have the store refuse one append, the first one once that is true."""
    append, refused = world.sessions.append, False

    async def refuse(lease: Lease, entries: Sequence[Entry]) -> Sequence[Entry]:
        nonlocal refused
        if when() and not refused:
            refused = True
            raise UnavailableError("Redis is away")
        return await append(lease, entries)

    world.sessions.append = refuse


async def test_an_effect_under_way_while_the_store_goes_away_is_recorded_when_it_is_back() -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.archive_closed = True
    away_once(world, lambda: world.ledger.sent)
    worker = world.engine()
    with pytest.raises(UnavailableError):
        await worker.work(world.event, world.route, world.claim)
    outcome = await worker.work(world.event, world.route, world.claim)
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.SUCCESS, "and nobody had to be asked"
    assert len(world.ledger.sent) == 1


async def test_a_compensation_under_way_meanwhile_is_as_well() -> None:
    world = World(turns(reply(ORDER), reply(finish("failed", "Changed his mind."))))
    away_once(world, lambda: "cancel" in world.effects)
    worker = world.engine()
    with pytest.raises(UnavailableError):
        await worker.work(world.event, world.route, world.claim)
    outcome = await worker.work(world.event, world.route, world.claim)
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.COMPENSATED
    assert [what for what, _ in world.ledger.sent] == ["order", "cancel"]


async def test_what_is_recorded_is_not_kept_in_memory() -> None:
    world = World(turns(reply(ORDER), reply(finish())))
    worker = world.engine()
    await worker.work(world.event, world.route, world.claim)
    await lost(world)
    await worker.work(world.event, world.route, world.claim)
    assert [what for what, _ in world.ledger.sent] == ["order", "order"], (
        "the shop was asked, under the same key"
    )


async def lost(world: World) -> None:
    """Empty the store, and have no steps topic to rebuild it from."""
    world.sessions.wipe()
    world.sessions.lost_before = world.clock.now()


async def test_without_the_topic_an_action_with_a_key_is_done_again_under_the_same_key() -> None:
    world = World(turns(reply(ORDER), reply(finish())))
    first = await to_the_end(world)
    await lost(world)
    assert ended(await to_the_end(world)) == ended(first)
    assert [what for what, _ in world.ledger.sent] == ["order", "order"]
    assert world.effects == ["order"]


async def test_without_the_topic_what_can_be_asked_about_is() -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    await to_the_end(world)
    await lost(world)
    outcome = await to_the_end(world)
    assert outcome.status is Status.SUCCESS
    assert len(world.ledger.sent) == 1, "it was found, not sent again"


async def test_without_the_topic_a_person_is_asked_about_the_rest() -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    await to_the_end(world)
    world.ledger.archive_closed = True
    await lost(world)
    asked = await once_more(world, world.work)
    assert isinstance(asked, ApprovalRequest)
    assert asked.kind == "doubt"
    assert len(world.ledger.sent) == 1


async def test_without_the_topic_a_key_that_the_system_may_have_forgotten_is_asked_about() -> None:
    world = World(turns(reply(ORDER), reply(finish())))
    await to_the_end(world)
    world.clock.pass_by(timedelta(hours=25))
    await lost(world)
    asked = await once_more(world, world.work)
    assert isinstance(asked, ApprovalRequest)
    assert "lost" in asked.reason
    assert len(world.ledger.sent) == 1


async def test_an_event_from_after_the_loss_is_worked_as_ever() -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.archive_closed = True
    world.sessions.lost_before = world.event.time - CLOCKS
    outcome = await world.work()
    assert isinstance(outcome, Outcome)
    assert outcome.status is Status.SUCCESS


async def test_a_compensation_may_have_been_done_before_the_loss_as_well() -> None:
    world = World(turns(reply(ORDER), reply(LETTER), reply(finish("failed", "No letter."))))
    world.ledger.refuse = frozenset({"letter"})
    await to_the_end(world)
    assert world.effects == ["order", "cancel"]
    await lost(world)
    outcome = await to_the_end(world)
    assert outcome.status is Status.COMPENSATED
    assert world.effects == ["order", "cancel"], "the same keys"


@pytest.mark.parametrize("at", range(1, 12))
async def test_a_run_cancelled_while_it_waits_is_given_back_whole_whenever_its_worker_dies(at: int) -> None:
    world = World(
        turns(reply(ORDER), reply(("shop__order", {"quantity": 7}))),
        rules=[hold("arguments.quantity == 7", "shop.order")],
    )
    assert isinstance(await world.work(), ApprovalRequest)
    world.fuse.calls, world.fuse.crash_at, world.fuse.after = 0, at, True
    with contextlib.suppress(Crash):
        await world.cancel()
    world.fuse.crash_at = None
    with contextlib.suppress(RetryError):  # the dead one's lease
        await world.work()
    world.clock.pass_by(timedelta(seconds=61))
    await world.cancel()
    outcome = await to_the_end(world)
    assert outcome.status is Status.COMPENSATED

    key = SessionKey(world.event.tenant, world.event.session_id)
    ended = await world.sessions.read(key, world.event.run_id)
    world.sessions.wipe()
    await rebuild(world)
    assert await world.sessions.read(key, world.event.run_id) == ended
