"""Replay jobs in Redis, in a namespace of their own: nothing of a session is beside them, and they end by themselves."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from consumers.adapters.redis_connection import Client, busy_when_unreachable
from consumers.adapters.redis_scripts import Script
from consumers.ports.jobs import JobDocument
from schemas.canonical import canonical_json

_KEPT_MS: Final = 90 * 86_400_000
"""How long a job is remembered after its last word: as long as the steps topic tells of its runs."""
_LISTED: Final = 1_000
_INDEX: Final = "pointsman:{replay}:jobs"
_TAKE: Final = Path(__file__).with_name("lua") / "take.lua"


class RedisJobs:
    """The `Jobs` port, on a client that speaks to any server.

    All keys of a job share one hash tag, so that it works on a cluster.
    """

    def __init__(self, redis: Client) -> None:
        self._redis: Any = redis
        self._take = Script(redis, _TAKE.read_text(encoding="utf-8"))

    async def keep(self, job_id: str, document: JobDocument) -> None:
        """As the port says. The index is written first: it may name a job that is gone, but hides none."""
        async with busy_when_unreachable():
            # By name, which begins with the time: all scores are the same.
            await self._redis.zadd(_INDEX, {job_id: 0})
            await self._redis.zremrangebyrank(_INDEX, 0, -_LISTED - 1)
            await self._redis.set(_key(job_id, "job"), canonical_json(document), px=_KEPT_MS)

    async def find(self, job_id: str) -> JobDocument | None:
        """As the port says."""
        async with busy_when_unreachable():
            found = await self._redis.get(_key(job_id, "job"))
        return None if found is None else orjson.loads(found)

    async def listed(self) -> Sequence[JobDocument]:
        """As the port says."""
        async with busy_when_unreachable():
            names = [name.decode() for name in await self._redis.zrange(_INDEX, 0, -1, desc=True)]
        found = [await self.find(name) for name in names]
        return [each for each in found if each is not None]

    async def note(self, job_id: str, run_id: str, how: str) -> None:
        """As the port says."""
        key = _key(job_id, "ends")
        async with busy_when_unreachable():
            await self._redis.hset(key, run_id, how)
            await self._redis.pexpire(key, _KEPT_MS)

    async def ends(self, job_id: str) -> Mapping[str, int]:
        """As the port says."""
        counted: Counter[str] = Counter()
        cursor = None
        # The same field may come twice while the hash grows: each run counts once.
        seen: dict[bytes, bytes] = {}
        while cursor != 0:
            async with busy_when_unreachable():
                cursor, part = await self._redis.hscan(_key(job_id, "ends"), cursor or 0, count=1_000)
            seen.update(part)
        counted.update(how.decode() for how in seen.values())
        return counted

    async def take(self, job_id: str, what: str, thing: str, amount: int, most: int | None) -> bool:
        """As the port says."""
        keys = [_key(job_id, f"taken:{what}"), _key(job_id, "used")]
        about = [what, thing, amount, "" if most is None else most, _KEPT_MS]
        async with busy_when_unreachable():
            return bool(await self._take(keys, about))

    async def used(self, job_id: str) -> Mapping[str, int]:
        """As the port says."""
        async with busy_when_unreachable():
            found: dict[bytes, bytes] = await self._redis.hgetall(_key(job_id, "used"))
        return {what.decode(): int(amount) for what, amount in found.items()}


def _key(job_id: str, of: str) -> str:
    return f"pointsman:{{replay:{job_id}}}:{of}"
