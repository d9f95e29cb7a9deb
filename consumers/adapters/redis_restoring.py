"""Giving Redis back what it has forgotten of a session."""

from collections.abc import Mapping
from typing import Any

from consumers.adapters.redis_connection import Client, busy_when_unreachable
from consumers.adapters.redis_damage import context_of
from consumers.adapters.redis_scripts import Scripts
from consumers.ports.sessions import SessionDamagedError
from consumers.session import place
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.refold import Refolded
from schemas.canonical import canonical_json
from schemas.step import Step


class RedisRestoring:
    """The `Restoring` port, on a client that speaks to any server."""

    def __init__(self, redis: Client, ttl_s: float) -> None:
        self._redis: Any = redis
        self._scripts = Scripts.of(redis)
        self._ttl_ms = int(ttl_s * 1000)

    async def restore(self, key: SessionKey, session: Refolded) -> int:
        """As the port says."""
        damaged = None
        try:
            tells = session.memories or session.forgets
            context = session.context(await self._context(key)).dump() if tells else b""
        except SessionDamagedError as error:
            context, damaged = b"", error
        epoch = 0
        for number, (run_id, steps) in enumerate(session.runs.items(), start=1):
            order = "more" if number < len(session.runs) else "last"
            epoch = await self._restore(key, run_id, steps, context, order)
        if damaged:
            raise damaged
        return epoch

    async def _context(self, key: SessionKey) -> Context:
        async with busy_when_unreachable():
            stored = await self._redis.get(key.context)
        return context_of(key, stored)

    async def _restore(
        self, key: SessionKey, run_id: str, steps: Mapping[str, Step], context: bytes, order: str
    ) -> int:
        how = "erased" if place.ERASED in steps else "ended" if place.OUTCOME in steps else "open"
        keys = [key.meta, key.context, key.journal(run_id), key.runs]
        about: list[Any] = [run_id, key.tenant, key.session_id, how, self._ttl_ms, context]
        about += (max((step.epoch for step in steps.values()), default=0), order)
        for at, step in steps.items():
            about += (at, canonical_json(step.body))
        async with busy_when_unreachable():
            return int(await self._scripts.restore(keys, about))
