"""Both adapters of the `Sessions` port, small enough to be filled, for the tests of this folder."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.asyncio import Redis

from consumers.adapters.memory_sessions import MemorySessions
from consumers.adapters.redis_sessions import RedisSessions
from consumers.ports.sessions import Sessions
from consumers.session.context import Context
from consumers.session.key import SessionKey

KEY = SessionKey("acme", "order-{42}")
CONTEXT = Context(({"event": "order.requested", "summary": "done"},))
LIMITS: dict[str, Any] = {"lease_s": 30.0, "max_entries": 5, "max_bytes": 400}


class HandClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@dataclass(frozen=True)
class Store:
    """An adapter, and what happens to a server that no method of the port asks for."""

    sessions: Sessions
    wipe: Callable[[], Awaitable[Any]]
    lapse: Callable[[SessionKey], Awaitable[Any]]
    one_clock: bool = False
    """Leases lapse by a clock, so that those of all sessions do."""


def in_memory() -> Store:
    clock = HandClock()
    sessions = MemorySessions(clock, **LIMITS)

    async def wipe() -> None:
        sessions.wipe()

    async def lapse(_key: SessionKey) -> None:
        clock.time += timedelta(seconds=31)

    return Store(sessions, wipe, lapse, one_clock=True)


def in_redis(redis: Redis) -> Store:
    async def lapse(key: SessionKey) -> None:
        if await redis.exists(key.meta):
            await redis.hset(key.meta, "lease_until", "1")

    return Store(RedisSessions(redis, **LIMITS), redis.flushall, lapse)
