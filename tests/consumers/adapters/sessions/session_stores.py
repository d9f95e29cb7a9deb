"""The adapters of the `Sessions` port, small enough to be filled, for the tests of this folder."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from consumers.adapters.memory_sessions import MemorySessions
from consumers.adapters.private_sessions import PrivateSessions
from consumers.adapters.redis_connection import Client
from consumers.adapters.redis_restoring import RedisRestoring
from consumers.adapters.redis_sessions import TTL_S, RedisSessions
from consumers.ports.restoring import Restoring
from consumers.ports.sessions import Sessions
from consumers.privacy.register import Register
from consumers.privacy.run import PersonalRun
from consumers.privacy.token import Keys
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.past import PastRun

KEY = SessionKey("acme", "order-{42}")
AT = datetime(2026, 11, 22, tzinfo=UTC)


def context_with(summary: str) -> Context:
    """Return the context of a session with one run that ended like this."""
    return Context((PastRun("order.requested", "e-1", "success", summary, (), AT),))


CONTEXT = context_with("done")
LIMITS: dict[str, Any] = {"lease_s": 30.0, "max_entries": 5, "max_bytes": 400}


class HandClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.time = AT

    def now(self) -> datetime:
        return self.time

    def seconds(self) -> float:
        raise AssertionError("a store lives by the time of day alone")


@dataclass(frozen=True)
class Store:
    """An adapter, and what happens to a server that no method of the port asks for."""

    sessions: Sessions
    restoring: Restoring
    wipe: Callable[[], Awaitable[Any]]
    lapse: Callable[[SessionKey], Awaitable[Any]]
    set_back: Callable[[SessionKey], Awaitable[Any]]
    """Set its clock back by two hours, as far as that session can tell."""
    one_clock: bool = False
    """Leases lapse by a clock, so that those of all sessions do."""


def in_memory() -> Store:
    clock = HandClock()
    sessions = MemorySessions(clock, **LIMITS)

    async def wipe() -> None:
        sessions.wipe()

    async def lapse(_key: SessionKey) -> None:
        clock.time += timedelta(seconds=31)

    async def set_back(_key: SessionKey) -> None:
        clock.time -= timedelta(hours=2)

    return Store(sessions, sessions, wipe, lapse, set_back, one_clock=True)


class AlwaysInHand(Register):
    """Every run is in hand, whoever asks: here, nobody works them."""

    def of(self, run_id: str) -> PersonalRun:
        with self.working(KEY, run_id) as run:
            return run


def in_private(store: Store) -> Store:
    """Return a store behind the decorator that seals personal data."""
    register = AlwaysInHand(Keys(["a key of at least 32 characters, 1"]))
    return replace(store, sessions=PrivateSessions(store.sessions, register))


def in_redis(redis: Client) -> Store:
    async def lapse(key: SessionKey) -> None:
        if await redis.exists(key.meta):
            await redis.hincrby(key.meta, "lease_until", -31_000)

    async def set_back(key: SessionKey) -> None:
        await redis.hincrby(key.meta, "lease_until", 2 * 3_600_000)

    restoring = RedisRestoring(redis, ttl_s=TTL_S)
    return Store(RedisSessions(redis, **LIMITS), restoring, redis.flushall, lapse, set_back)
