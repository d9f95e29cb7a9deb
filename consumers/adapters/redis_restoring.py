"""Giving Redis back what it has forgotten of a session."""

from collections.abc import Mapping
from typing import Any

from consumers.adapters.redis_connection import Client, busy_when_unreachable
from consumers.adapters.redis_damage import context_of
from consumers.adapters.redis_scripts import Scripts
from consumers.ports.sessions import Body, SessionDamagedError
from consumers.session import place
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.refold import Refolded
from schemas.canonical import canonical_json


class RedisRestoring:
    """The `Restoring` port, on a client that speaks to any server."""

    def __init__(self, redis: Client, ttl_s: float) -> None:
        self._redis: Any = redis
        self._scripts = Scripts.of(redis)
        self._ttl_ms = int(ttl_s * 1000)

    async def restore(self, key: SessionKey, session: Refolded) -> None:
        """As the port says."""
        damaged = None
        try:
            tells = session.memories or session.forgets
            context = session.context(await self._context(key)).dump() if tells else b""
        except SessionDamagedError as error:
            context, damaged = b"", error
        for run_id, entries in session.runs.items():
            await self._restore(key, run_id, entries, context)
        if damaged:
            raise damaged

    async def _context(self, key: SessionKey) -> Context:
        async with busy_when_unreachable():
            stored = await self._redis.get(key.context)
        return context_of(key, stored)

    async def _restore(
        self, key: SessionKey, run_id: str, entries: Mapping[str, Body], context: bytes
    ) -> None:
        how = "erased" if place.ERASED in entries else "ended" if place.OUTCOME in entries else "open"
        keys = [key.meta, key.context, key.journal(run_id), key.runs]
        about: list[Any] = [run_id, key.tenant, key.session_id, how, self._ttl_ms, context]
        for at, body in entries.items():
            about += (at, canonical_json(body))
        async with busy_when_unreachable():
            await self._scripts.restore(keys, about)
