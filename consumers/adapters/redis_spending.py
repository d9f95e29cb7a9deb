"""Spending in Redis: a hash for each day, with a field for each tenant, in millionths of a dollar."""

from datetime import date
from typing import Any, Final

from consumers.adapters.redis_connection import Client, busy_when_unreachable

_MICRO: Final = 1_000_000
_KEPT_MS: Final = 8 * 86_400_000
"""A week to look back."""


class RedisSpending:
    """The `Spending` port, on a client that speaks to any server."""

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis

    async def spent(self, tenant: str, day: date) -> float:
        """As the port says."""
        async with busy_when_unreachable():
            return int(await self._redis.hget(_key(day), tenant) or 0) / _MICRO

    async def add(self, tenant: str, day: date, usd: float) -> None:
        """As the port says."""
        async with busy_when_unreachable():
            await self._redis.hincrby(_key(day), tenant, round(usd * _MICRO))
            await self._redis.pexpire(_key(day), _KEPT_MS)


def _key(day: date) -> str:
    return f"pointsman:{{store}}:spent:{day.isoformat()}"
