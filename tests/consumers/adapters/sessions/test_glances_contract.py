"""What every `Glances` adapter sees: of runs that ended, wait, are under way, were erased, or were never begun."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis

from consumers.adapters.memory_glances import MemoryGlances
from consumers.adapters.memory_sessions import MemorySessions
from consumers.adapters.redis_glances import RedisGlances
from consumers.adapters.redis_sessions import RedisSessions
from consumers.adapters.redis_trust import Trust
from consumers.errors import UnavailableError
from consumers.ports.glances import Glance, Glances
from consumers.ports.sessions import Entry, Sessions
from consumers.run import ending
from consumers.session import place
from consumers.session.context import Context
from consumers.session.key import SessionKey
from schemas.outcome import Outcome, Status

KEY = SessionKey("acme", "order-42")
AT = datetime(2026, 11, 24, tzinfo=UTC)
A = Entry("t1/decision", {"calls": []})
HOLD = Entry("t1/c0/hold", {"reason": "large"})
APPROVAL = Entry("t1/c0/approval", {"answer": "approved"})
DOUBT = Entry("t1/c1/d1/doubt", {"key": "k"})
DOUBT_ANSWER = Entry("t1/c1/d1/doubt.answer", {"answer": "done"})
NEVER_BEGUN = Glance(begun=False)


def outcome_of(run_id: str) -> dict[str, Any]:
    """Return an outcome as a journal has it."""
    ids = (f"o-{run_id}", run_id, "e-1", "order.requested", "/shop", "acme", KEY.session_id, "orders")
    return dict(ending.body_of(Outcome(*ids, Status.SUCCESS, "Done.", (), 1, 10, 2, 0.01, AT, AT)))


@dataclass(frozen=True)
class Store:
    """Sessions, and a look at them."""

    sessions: Sessions
    glances: Glances

    async def work(self, run_id: str, *entries: Entry, key: SessionKey = KEY, ends: bool = False) -> None:
        lease = (await self.sessions.open(key, run_id)).lease
        if ends:
            ended = Entry(place.OUTCOME, outcome_of(run_id))
            await self.sessions.close(lease, [*entries, ended], Context())
        elif entries:
            await self.sessions.park(lease, entries, Context())
        else:
            await self.sessions.release(lease)

    async def look(self, run_id: str, key: SessionKey = KEY) -> Glance:
        (glance,) = await self.glances.look([(key, run_id)])
        return glance


@pytest.fixture(params=["memory", "redis", "redis_cluster", "redis_by_sentinel"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        sessions = MemorySessions()
        return Store(sessions, MemoryGlances(sessions))
    redis = request.getfixturevalue(request.param)
    return Store(RedisSessions(redis), RedisGlances(redis))


async def test_a_run_that_nobody_began_is_not_there(store: Store) -> None:
    assert await store.look("run-1") == NEVER_BEGUN
    await store.work("run-1")
    assert await store.look("run-1") == NEVER_BEGUN, "it was opened, and nothing of it was written"
    assert await store.glances.look([]) == []


async def test_how_a_run_ended_is_given_as_it_is_stored(store: Store) -> None:
    await store.work("run-1", A, ends=True)
    assert await store.look("run-1") == Glance(begun=True, outcome=outcome_of("run-1"))


async def test_many_runs_are_given_in_the_order_they_were_asked_for(store: Store) -> None:
    keys = [SessionKey("acme", f"order-{number}") for number in range(30)]
    for number, key in enumerate(keys):
        if number % 3:
            await store.work(f"run-{number}", A, key=key, ends=number % 3 == 1)
    asked = [(key, f"run-{number}") for number, key in enumerate(keys)]
    asked += asked[:5]
    found = await store.glances.look(asked)
    assert len(found) == 35
    for (_, run_id), glance in zip(asked, found, strict=True):
        match int(run_id.removeprefix("run-")) % 3:
            case 0:
                assert glance == NEVER_BEGUN
            case 1:
                assert glance == Glance(begun=True, outcome=outcome_of(run_id))
            case _:
                assert glance == Glance(begun=True)


async def test_a_run_waits_as_long_as_one_question_of_it_has_no_answer(store: Store) -> None:
    await store.work("run-1", A)
    assert not (await store.look("run-1")).waits
    await store.work("run-1", HOLD, DOUBT)
    assert await store.look("run-1") == Glance(begun=True, waits=True)
    await store.work("run-1", APPROVAL)
    assert await store.look("run-1") == Glance(begun=True, waits=True)
    await store.work("run-1", DOUBT_ANSWER)
    assert await store.look("run-1") == Glance(begun=True)
    await store.work("run-1", Entry("t1/c0/h2/hold", {"reason": "still large"}))
    assert (await store.look("run-1")).waits
    await store.work("run-1", ends=True)
    assert await store.look("run-1") == Glance(begun=True, outcome=outcome_of("run-1"))


async def test_a_cancellation_is_seen_before_a_worker_has_seen_it(store: Store) -> None:
    await store.work("run-1", HOLD)
    await store.sessions.cancel(KEY, "run-1", {"by": "maria"})
    assert await store.look("run-1") == Glance(begun=True, cancelled=True, waits=True)


async def test_an_erased_run_is_there_and_says_nothing(store: Store) -> None:
    await store.work("run-1", A, ends=True)
    await store.sessions.erase(KEY, AT)
    assert await store.look("run-1") == Glance(begun=True, erased=True)


async def test_looking_takes_no_lease(store: Store) -> None:
    lease = (await store.sessions.open(KEY, "run-1")).lease
    await store.sessions.append(lease, [A])
    await store.look("run-1")
    assert await store.sessions.append(lease, [HOLD]) == [HOLD]


@pytest.mark.parametrize("field", ["status", "started_at", "actions"])
async def test_an_outcome_that_lacks_something_is_a_problem_and_no_outcome(store: Store, field: str) -> None:
    lease = (await store.sessions.open(KEY, "run-1")).lease
    body = {name: value for name, value in outcome_of("run-1").items() if name != field}
    await store.sessions.close(lease, [Entry(place.OUTCOME, body)], Context())
    glance = await store.look("run-1")
    assert (glance.begun, glance.outcome) == (True, None)
    assert field in (glance.problem or "")


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff"])
async def test_an_outcome_that_is_no_json_is_the_problem_of_that_run_alone(redis: Redis, data: bytes) -> None:
    store = Store(RedisSessions(redis), RedisGlances(redis))
    for run_id in ("run-1", "run-2"):
        await store.work(run_id, ends=True)
    await redis.hset(KEY.journal("run-1"), place.OUTCOME, data)  # pyright: ignore[reportArgumentType] - bytes are what Redis takes
    hurt, whole = await store.glances.look([(KEY, "run-1"), (KEY, "run-2")])
    assert hurt == Glance(begun=True, problem=f"outcome: is no JSON{' object' if data == b'[]' else ''}")
    assert whole.outcome == outcome_of("run-2")


@pytest.fixture(params=["redis", "redis_cluster"])
def any_redis(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


async def test_a_key_of_another_type_is_the_problem_of_that_run_alone(any_redis: Any) -> None:
    store = Store(RedisSessions(any_redis), RedisGlances(any_redis))
    await store.work("run-2", ends=True)
    await any_redis.set(KEY.journal("run-1"), "a string")
    hurt, whole = await store.glances.look([(KEY, "run-1"), (KEY, "run-2")])
    assert (hurt.begun, hurt.outcome) == (True, None)
    assert KEY.journal("run-1") in (hurt.problem or "")
    assert "WRONGTYPE" in (hurt.problem or "")
    assert whole.outcome == outcome_of("run-2")


async def test_a_store_that_came_back_empty_is_refused_and_not_taken_for_one_without_runs(
    redis: Redis,
) -> None:
    trust = Trust("pointsman:{store}:guard:steps")
    glances = RedisGlances(redis, trust)
    with pytest.raises(UnavailableError, match="it is being checked"):
        await glances.look([(KEY, "run-1")])
    trust.token = "checked-1"
    await redis.hset(trust.guard, "token", trust.token)
    assert await glances.look([(KEY, "run-1")]) == [NEVER_BEGUN]
    await redis.flushall()
    with pytest.raises(UnavailableError, match="it was emptied, and is yet to be checked"):
        await glances.look([(KEY, "run-1")])
    assert trust.doubted.is_set(), "it is looked at now, and not soon"
