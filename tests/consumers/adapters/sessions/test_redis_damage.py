"""What somebody broke in Redis: named with session, key and fix; the trouble of that session alone."""

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from consumers.adapters.redis_sessions import RedisSessions
from consumers.adapters.redis_sessions_listing import RedisSessionsListing
from consumers.errors import UnavailableError
from consumers.ports.sessions import Entry, SessionDamagedError
from consumers.session.key import SessionKey
from consumers.session.place import OUTCOME
from tests.consumers.adapters.sessions.session_stores import CONTEXT

KEY = SessionKey("acme", "order-42")
OTHER = SessionKey("acme", "order-43")
ENTRY = Entry("t1/c0/result", {"status": "done", "result": 1, "at": "2026-11-22T12:00:00+00:00"})
JOURNAL = KEY.journal("run-1")


@pytest.fixture
async def sessions(redis: Redis) -> RedisSessions:
    """A session with a finished run, and a neighbour."""
    made = RedisSessions(redis)
    for key in (KEY, OTHER):
        await made.close((await made.open(key, "run-1")).lease, [ENTRY], CONTEXT)
    return made


async def refused(sessions: RedisSessions) -> str:
    with pytest.raises(SessionDamagedError) as raised:
        await sessions.open(KEY, "run-1")
    assert not isinstance(raised.value, UnavailableError), "it is given up in the end, and its key is parked"
    said = str(raised.value)
    assert "'order-42' of tenant 'acme'" in said
    assert KEY.tag in said
    assert "Mend it: " in said
    assert (await sessions.open(OTHER, "run-1")).context == CONTEXT
    return said


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "object"),
        (b'{"runs": [{"event": 1}]}', "runs.0.event"),
        (b'{"runs": [], "version": 3}', "newer than 2"),
        (b"\xff\xfe", "JSON"),
    ],
    ids=["empty", "cut", "list", "wrong shape", "newer", "bytes"],
)
async def test_a_context_that_cannot_be_read(
    redis: Redis, sessions: RedisSessions, data: bytes, problem: str
) -> None:
    await redis.set(KEY.context, data)
    said = await refused(sessions)
    assert problem in said
    assert f"{KEY.context}: " in said
    assert await redis.hget(KEY.meta, "holder") == b"", "the lease was given back"
    await redis.delete(KEY.context)
    assert (await sessions.open(KEY, "run-1")).entries == {ENTRY.place: ENTRY.body}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b"\xff"])
async def test_a_journal_entry_that_cannot_be_read(
    redis: Redis, sessions: RedisSessions, body: bytes
) -> None:
    await redis.hset(JOURNAL, ENTRY.place, body)  # pyright: ignore[reportArgumentType] - bytes are what Redis takes
    said = await refused(sessions)
    assert f"{JOURNAL}, field t1/c0/result: is no JSON" in said
    assert "put back what the steps topic has as run-1/t1/c0/result" in said
    with pytest.raises(SessionDamagedError):
        await sessions.read(KEY, "run-1")
    assert (await sessions.open(KEY, "run-2")).context == CONTEXT, "only that run is hurt"


@pytest.mark.parametrize("name", [KEY.meta, KEY.context, KEY.runs, JOURNAL])
async def test_a_key_of_another_type(redis: Redis, sessions: RedisSessions, name: str) -> None:
    await redis.delete(name)
    await redis.lpush(name, "x")
    assert "WRONGTYPE" in await refused(sessions)


@pytest.mark.parametrize("field", ["epoch", "lease_until"])
async def test_a_number_that_is_none(redis: Redis, sessions: RedisSessions, field: str) -> None:
    await redis.hset(KEY.meta, field, "soon")
    await refused(sessions)


async def test_an_error_that_is_about_the_server_is_no_damage(redis: Redis, sessions: RedisSessions) -> None:
    lease = (await sessions.open(KEY, "run-2")).lease
    await redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(UnavailableError, match="maxmemory"):
            await sessions.append(lease, [ENTRY])
        with pytest.raises(UnavailableError, match="maxmemory"):
            await sessions.open(OTHER, "run-1")
    finally:
        await redis.config_set("maxmemory", "0")


async def test_operators_see_what_is_whole_and_what_is_not(redis: Redis, sessions: RedisSessions) -> None:
    await redis.hset(JOURNAL, mapping={OUTCOME: "{}", "t1/decision": "no", "#entries": "3"})
    listing = RedisSessionsListing(redis)
    stored = await listing.journal(KEY, "run-1")
    assert stored.entries == {ENTRY.place: ENTRY.body}
    assert stored.damaged.keys() == {OUTCOME, "t1/decision"}
    await redis.delete(JOURNAL, KEY.meta)
    await redis.lpush(JOURNAL, "x")
    await redis.lpush(KEY.meta, "x")
    assert "WRONGTYPE" in (await listing.journal(KEY, "run-1")).damaged[JOURNAL]
    found = {each.key: each.problem async for each in listing.list_sessions()}
    assert found[OTHER] is None
    assert KEY.meta in (found[None] or "")


async def test_a_session_whose_fields_are_missing_is_listed_with_what_is_wrong(redis: Redis) -> None:
    await redis.hset(KEY.meta, mapping={"tenant": "acme", "session_id": "order-42", "epoch": "x"})
    (found,) = [each async for each in RedisSessionsListing(redis).list_sessions()]
    assert found.problem
    assert found.updated_at == datetime.fromtimestamp(0, UTC)
