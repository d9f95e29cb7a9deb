"""Sessions for who works beside the live workers: it waits for them, and never takes a run from one."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from consumers.ports.sessions import Body, Entry, Lease, Opened, Sessions
from consumers.session.context import Context
from consumers.session.key import SessionKey


class SessionsBeside:
    """The `Sessions` port on another one. A run that somebody works is busy, its own of an earlier life as well."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def open(self, key: SessionKey, run_id: str, *, take_over: bool = True) -> Opened:
        """As the port says, without taking over: a live worker that has the run's record takes it from us at once."""
        del take_over
        return await self._sessions.open(key, run_id, take_over=False)

    async def read(self, key: SessionKey, run_id: str) -> Mapping[str, Body]:
        """As the port says."""
        return await self._sessions.read(key, run_id)

    async def append(self, lease: Lease, entries: Sequence[Entry]) -> Sequence[Entry]:
        """As the port says."""
        return await self._sessions.append(lease, entries)

    async def close(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]:
        """As the port says."""
        return await self._sessions.close(lease, entries, context)

    async def park(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]:
        """As the port says."""
        return await self._sessions.park(lease, entries, context)

    async def release(self, lease: Lease) -> None:
        """As the port says."""
        await self._sessions.release(lease)

    async def cancel(self, key: SessionKey, run_id: str, body: Body) -> bool:
        """As the port says."""
        return await self._sessions.cancel(key, run_id, body)

    async def erase(self, key: SessionKey, at: datetime) -> Sequence[str]:
        """As the port says."""
        return await self._sessions.erase(key, at)
