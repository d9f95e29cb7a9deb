"""What is Redis's alone: times to live, scripts, leases kept in the background, servers we refuse."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError

from consumers.adapters import redis_sessions
from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sessions import RedisSessions
from consumers.adapters.redis_sessions_listing import RedisSessionsListing
from consumers.errors import RetryError
from consumers.local.program import free_port
from consumers.local.redis_server import local_redis
from consumers.ports.sessions import Entry, SessionLostError
from consumers.session.context import Context
from consumers.session.key import SessionKey
from tests.consumers.adapters.sessions.session_stores import CONTEXT, context_with

KEY = SessionKey("acme", "order-42")
ENTRY = Entry("outcome", {"status": "success"})
TTL_S = 100.0


@pytest.fixture
def sessions(redis: Redis) -> RedisSessions:
    return RedisSessions(redis, ttl_s=TTL_S)


@pytest.fixture
async def unreachable() -> AsyncIterator[Redis]:
    with socket.socket() as taken:  # bound and not listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        async with connect(f"redis://127.0.0.1:{taken.getsockname()[1]}/0", timeout_s=1) as redis:
            yield redis


async def ttls(redis: Redis, run_id: str = "run-1") -> list[int]:
    """Seconds left of meta, context, runs and journal; -1 lives for ever, -2 is not there."""
    return [await redis.ttl(name) for name in (KEY.meta, KEY.context, KEY.runs, KEY.journal(run_id))]


async def test_nothing_of_an_open_run_can_expire(redis: Redis, sessions: RedisSessions) -> None:
    await sessions.close((await sessions.open(KEY, "run-0")).lease, [ENTRY], Context())
    lease = (await sessions.open(KEY, "run-1")).lease
    await sessions.append(lease, [ENTRY])
    assert await ttls(redis) == [-1, -1, -1, -1]


async def test_a_closed_session_lives_as_long_as_it_was_told(redis: Redis, sessions: RedisSessions) -> None:
    await sessions.close((await sessions.open(KEY, "run-1")).lease, [ENTRY], Context())
    assert all(TTL_S - 5 < left <= TTL_S for left in await ttls(redis))


async def test_the_journal_of_a_run_that_waits_for_a_person_never_expires(
    redis: Redis, sessions: RedisSessions
) -> None:
    lease = (await sessions.open(KEY, "run-1")).lease
    await sessions.append(lease, [ENTRY])
    await sessions.release(lease)
    meta, _context, runs, journal = await ttls(redis)
    assert (meta, runs, journal) == (TTL_S, TTL_S, -1)


async def test_a_finished_run_that_is_read_again_still_expires(redis: Redis, sessions: RedisSessions) -> None:
    await sessions.close((await sessions.open(KEY, "run-1")).lease, [ENTRY], Context())
    await redis.expire(KEY.journal("run-1"), 1)
    opened = await sessions.open(KEY, "run-1")
    assert await redis.ttl(KEY.journal("run-1")) > TTL_S - 5
    await sessions.release(opened.lease)
    assert all(left > 0 for left in await ttls(redis))


async def test_epochs_grow_even_when_the_server_clock_is_set_back(
    redis: Redis, sessions: RedisSessions
) -> None:
    await sessions.open(KEY, "run-1")
    future = 4_000_000_000_000_000
    await redis.hset(KEY.meta, "epoch", future)
    assert (await sessions.open(KEY, "run-1")).lease.epoch == future + 1


async def test_scripts_that_redis_forgot_are_sent_again(redis: Redis, sessions: RedisSessions) -> None:
    assert await sessions.check() == []
    lease = (await sessions.open(KEY, "run-1")).lease
    await redis.script_flush()
    assert await sessions.append(lease, [ENTRY]) == [ENTRY]
    await redis.script_flush()
    await sessions.renew_leases()
    await redis.script_flush()
    await sessions.close(lease, [], Context())


async def test_all_keys_of_a_session_share_a_slot_whatever_it_is_called() -> None:
    key = SessionKey("te{nant}", "}{" * 300)
    names = [key.meta, key.context, key.runs, key.journal("a"), key.journal("b")]
    assert len({key_slot(name.encode()) for name in names}) == 1


async def test_leases_are_kept_until_told_otherwise(redis: Redis) -> None:
    sessions = RedisSessions(redis, lease_s=0.3)
    await sessions.open(KEY, "run-1")
    before = await redis.hget(KEY.meta, "lease_until")
    keeping = asyncio.create_task(sessions.keep_leases())
    async with asyncio.timeout(5):
        while await redis.hget(KEY.meta, "lease_until") == before:
            pass
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping


async def test_a_lease_that_was_given_back_or_lost_is_not_kept(redis: Redis, sessions: RedisSessions) -> None:
    released = (await sessions.open(KEY, "run-1")).lease
    await sessions.release(released)
    other = SessionKey("acme", "order-43")
    lost = (await sessions.open(other, "run-1")).lease
    await RedisSessions(redis).open(other, "run-1")
    await redis.hset(other.meta, "lease_until", "5")
    await sessions.renew_leases()
    assert await redis.hget(KEY.meta, "lease_until") == b"0"
    assert await redis.hget(other.meta, "lease_until") == b"5"
    await redis.flushall()
    await sessions.renew_leases()
    with pytest.raises(SessionLostError):
        await sessions.append(lost, [ENTRY])


@pytest.fixture
def warned() -> Iterator[asyncio.Event]:
    """Set once the adapter logs something."""
    heard = asyncio.Event()
    logger = logging.getLogger(redis_sessions.__name__)

    def hear(_record: logging.LogRecord) -> bool:
        heard.set()
        return True

    logger.addFilter(hear)
    yield heard
    logger.removeFilter(hear)


async def test_keeping_leases_outlives_an_outage(tmp_path: Path, warned: asyncio.Event) -> None:
    port = free_port()
    async with local_redis(tmp_path, port=port) as url:
        redis = connect(url)
        sessions = RedisSessions(redis, lease_s=0.03)
        await sessions.open(KEY, "run-1")
    keeping = asyncio.create_task(sessions.keep_leases())
    await asyncio.wait_for(warned.wait(), 10)
    async with local_redis(tmp_path, port=port), asyncio.timeout(10):
        before = await redis.hget(KEY.meta, "lease_until")
        while await redis.hget(KEY.meta, "lease_until") == before:
            pass
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping
        await redis.aclose()


async def test_an_unreachable_redis_means_try_later(unreachable: Redis) -> None:
    sessions = RedisSessions(unreachable)
    for call in (sessions.open(KEY, "run-1"), sessions.read(KEY, "run-1"), sessions.check()):
        with pytest.raises(RetryError, match="Redis: ConnectionError"):
            await call


async def test_more_callers_than_connections_wait_their_turn(redis_url: str, redis: Redis) -> None:
    async with connect(redis_url, max_connections=2) as narrow:
        sessions = RedisSessions(narrow)
        await asyncio.gather(*(sessions.open(SessionKey("acme", str(n)), "run") for n in range(300)))
    assert len({name async for name in redis.scan_iter(match="*:meta")}) == 300


async def test_a_connection_that_is_closed_while_it_is_written_to_is_a_lost_connection(redis: Redis) -> None:
    # As the client of a cluster does to one that was taken while it closed all that were free.
    connection = await redis.connection_pool.get_connection()
    writing = asyncio.create_task(connection.send_packed_command(connection.pack_command("PING")))
    await asyncio.sleep(0)
    await connection.disconnect(nowait=True)
    with suppress(RedisConnectionError):  # from Python 3.12 on, it is written at once
        await writing
    await redis.connection_pool.release(connection)


async def test_operators_see_sessions_and_their_runs(redis: Redis, sessions: RedisSessions) -> None:
    await sessions.close((await sessions.open(KEY, "run-1")).lease, [ENTRY], CONTEXT)
    await sessions.open(KEY, "run-2")
    await sessions.open(SessionKey("other", "order-7"), "run-3")
    listing = RedisSessionsListing(redis)
    found = {summary.key: summary async for summary in listing.list_sessions()}
    assert set(found) == {KEY, SessionKey("other", "order-7")}
    assert found[KEY].holder == "run-2"
    assert found[KEY].updated_at < found[KEY].lease_until
    assert await listing.run_ids(KEY) == ["run-2", "run-1"]
    assert await listing.context(KEY) == CONTEXT
    assert await listing.run_ids(SessionKey("nobody", "x")) == []


async def test_a_listing_ends_at_its_limit(redis: Redis, sessions: RedisSessions) -> None:
    for number in range(500):
        await sessions.open(SessionKey("acme", str(number)), "run-1")
    listing = RedisSessionsListing(redis)
    assert len([summary async for summary in listing.list_sessions(250)]) == 250
    assert len([summary async for summary in listing.list_sessions(1000)]) >= 500


async def test_a_server_that_went_back_behind_what_it_acknowledged_is_noticed(
    redis: Redis, sessions: RedisSessions
) -> None:
    lease = (await sessions.open(KEY, "run-1")).lease
    await sessions.append(lease, [ENTRY])
    before = await redis.hgetall(KEY.meta)
    await sessions.append(lease, [Entry("t1/decision", {})])
    await redis.hset(KEY.meta, mapping=before)  # pyright: ignore[reportArgumentType] - bytes are what Redis gave
    with pytest.raises(SessionLostError, match="went back in time"):
        await sessions.append(lease, [Entry("t2/decision", {})])


async def test_nothing_of_an_erased_session_is_left_but_names_that_say_nothing(
    redis: Redis, sessions: RedisSessions
) -> None:
    key = SessionKey("acme", "ann@example.com")
    secret = Entry("outcome", {"to": "ann@example.com"})
    told = context_with("A letter to ann@example.com.")
    await sessions.close((await sessions.open(key, "run-1")).lease, [secret], told)
    await sessions.erase(key, datetime(2026, 11, 24, tzinfo=UTC))
    names = [name async for name in redis.scan_iter()]
    assert names
    for name in names:
        held = await (redis.zrange(name, 0, -1) if name.endswith(b"runs") else redis.hgetall(name))
        assert "ann" not in f"{name} {held}"
        assert "acme" not in f"{name} {held}"
        assert await redis.ttl(name) > 0
    (summary,) = [each async for each in RedisSessionsListing(redis).list_sessions()]
    assert summary.key is None
