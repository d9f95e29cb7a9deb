"""Marks of attempts in Redis: one short text for each partition, beside the sessions."""

import asyncio
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, cast

from consumers.adapters.redis_connection import Client, busy_when_unreachable
from consumers.ports.consumer_group import PartitionId

_KEPT_S: Final = 7 * 86_400
"""How long a mark is kept that nobody takes away: longer than anybody leaves a worker dead."""


class RedisAttempts:
    """The `Attempts` port, for one consumer group."""

    def __init__(self, redis: Client, group: str) -> None:
        self._redis = cast("Any", redis)
        self._group = group

    async def left(self, partitions: AbstractSet[PartitionId]) -> Mapping[PartitionId, int]:
        """As the port says."""
        pids = list(partitions)
        async with busy_when_unreachable():
            found = await asyncio.gather(*(self._redis.get(self._key(pid)) for pid in pids))
        return {pid: int(said) for pid, said in zip(pids, found, strict=True) if said is not None}

    async def begin(self, partition: PartitionId, through: int) -> None:
        """As the port says."""
        async with busy_when_unreachable():
            await self._redis.set(self._key(partition), through, ex=_KEPT_S)

    async def end(self, partitions: AbstractSet[PartitionId]) -> None:
        """As the port says."""
        async with busy_when_unreachable():
            await asyncio.gather(*(self._redis.delete(self._key(pid)) for pid in partitions))

    def _key(self, pid: PartitionId) -> str:
        return f"pointsman:decoding:{self._group}:{pid.topic}:{pid.number}"
