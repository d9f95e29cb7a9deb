"""Deadlines in Redis: one sorted set for all sessions of a store, by when each is over."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson

from consumers.adapters.redis_connection import Client, busy_when_unreachable
from consumers.ports.deadlines import AGAIN_S
from schemas.canonical import canonical_json
from schemas.expiry import Expiry


class RedisDeadlines:
    """The `Deadlines` port, on a client that speaks to any server.

    Args:
        redis: the client.
        name: of the sorted set; workers of one steps topic share it.
    """

    def __init__(self, redis: Client, name: str) -> None:
        self._redis: Any = redis
        self._name = name

    async def keep(self, expiry: Expiry) -> None:
        """As the port says."""
        async with busy_when_unreachable():
            await self._redis.zadd(self._name, {_member(expiry): expiry.expires_at.timestamp()}, nx=True)

    async def due(self, now: datetime, most: int) -> Sequence[Expiry]:
        """As the port says. Two workers who ask at once may both be told: whoever is woken goes by the journal."""
        async with busy_when_unreachable():
            found: list[bytes] = await self._redis.zrange(
                self._name, "-inf", now.timestamp(), byscore=True, offset=0, num=most
            )
            if found:
                again = now.timestamp() + AGAIN_S
                await self._redis.zadd(self._name, dict.fromkeys(found, again), xx=True)
        return [_expiry(member) for member in found]

    async def drop(self, expiry: Expiry) -> None:
        """As the port says."""
        async with busy_when_unreachable():
            await self._redis.zrem(self._name, _member(expiry))


def _member(expiry: Expiry) -> bytes:
    return canonical_json(asdict(expiry))


def _expiry(member: bytes) -> Expiry:
    fields: dict[str, Any] = orjson.loads(member)
    fields["expires_at"] = datetime.fromisoformat(fields["expires_at"])
    return Expiry(**fields)
