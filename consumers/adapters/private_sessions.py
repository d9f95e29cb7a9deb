"""Sessions that are stored with tokens in place of personal data, behind the port of sessions in the clear."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import orjson

from consumers.errors import RetryError
from consumers.ports.sessions import Body, Entry, Lease, Opened, Sessions
from consumers.privacy.bodies import mapped
from consumers.privacy.register import Register
from consumers.privacy.run import PersonalRun
from consumers.privacy.token import TokenError
from consumers.session.context import Context
from consumers.session.key import SessionKey
from schemas.canonical import canonical_json


class LockedError(RetryError):
    """What is stored was sealed with a key that is not among ours: its events wait, and then their keys are parked."""

    def __init__(self, run_id: str, where: str) -> None:
        super().__init__(
            f"run {run_id}: {where} was sealed with another key: set `privacy.key`, or `privacy.previous`, to that one"
        )


class _Writing(Protocol):
    async def __call__(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]: ...


class PrivateSessions:
    """Seals what is written, opens what is read, and takes for personal from then on what was opened."""

    def __init__(self, sessions: Sessions, register: Register) -> None:
        self._sessions = sessions
        self._register = register

    async def open(self, key: SessionKey, run_id: str, *, take_over: bool = True) -> Opened:
        """As the port says; the run must be in hand.

        Raises:
            LockedError: what is stored was sealed with a key that we do not have.
        """
        run = self._register.of(run_id)
        opened = await self._sessions.open(key, run_id, take_over=take_over)
        try:
            entries = _opened_all(run_id, opened.entries, run)
            context = _opened_context(run_id, opened.context, run)
        except LockedError:
            await self._sessions.release(opened.lease)
            raise
        return replace(opened, entries=entries, context=context)

    async def read(self, key: SessionKey, run_id: str) -> Mapping[str, Body]:
        """As the port says; the run must be in hand."""
        return _opened_all(run_id, await self._sessions.read(key, run_id), self._register.of(run_id))

    async def append(self, lease: Lease, entries: Sequence[Entry]) -> Sequence[Entry]:
        """As the port says."""
        run = self._register.of(lease.run_id)
        sealed = [_sealed(entry, run) for entry in entries]
        return _as_ours(lease.run_id, entries, sealed, await self._sessions.append(lease, sealed), run)

    async def close(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]:
        """As the port says."""
        return await self._leave(self._sessions.close, lease, entries, context)

    async def park(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]:
        """As the port says."""
        return await self._leave(self._sessions.park, lease, entries, context)

    async def release(self, lease: Lease) -> None:
        """As the port says."""
        await self._sessions.release(lease)

    async def cancel(self, key: SessionKey, run_id: str, body: Body) -> bool:
        """As the port says; the run must be in hand."""
        run = self._register.of(run_id)
        return await self._sessions.cancel(key, run_id, mapped(body, run.seal))

    async def erase(self, key: SessionKey, at: datetime) -> Sequence[str]:
        """As the port says."""
        return await self._sessions.erase(key, at)

    async def _leave(
        self, write: _Writing, lease: Lease, entries: Sequence[Entry], context: Context
    ) -> Sequence[Entry]:
        run = self._register.of(lease.run_id)
        sealed = [_sealed(entry, run) for entry in entries]
        kept = Context.load(canonical_json(mapped(orjson.loads(context.dump()), run.seal)))
        return _as_ours(lease.run_id, entries, sealed, await write(lease, sealed, kept), run)


def _sealed(entry: Entry, run: PersonalRun) -> Entry:
    return Entry(entry.place, run.seal_entry(entry.place, entry.body))


def _as_ours(
    run_id: str,
    ours: Sequence[Entry],
    sealed: Sequence[Entry],
    stored: Sequence[Entry],
    run: PersonalRun,
) -> list[Entry]:
    """Return what is stored in the clear: an entry of ours as we know it, another one opened."""
    known = {entry.place: (mine, entry) for mine, entry in zip(ours, sealed, strict=True)}
    found: list[Entry] = []
    for entry in stored:
        mine, as_sealed = known.get(entry.place, (entry, None))
        found.append(mine if entry == as_sealed else Entry(entry.place, _opened(run_id, entry, run)))
    return found


def _opened_all(run_id: str, entries: Mapping[str, Body], run: PersonalRun) -> dict[str, Body]:
    return {at: _opened(run_id, Entry(at, body), run) for at, body in entries.items()}


def _opened(run_id: str, entry: Entry, run: PersonalRun) -> Body:
    try:
        return run.open_entry(entry.place, entry.body)
    except TokenError:
        raise LockedError(run_id, entry.place) from None


def _opened_context(run_id: str, context: Context, run: PersonalRun) -> Context:
    if context.is_empty:
        return context
    try:
        return Context.load(canonical_json(mapped(orjson.loads(context.dump()), run.open)))
    except TokenError:
        raise LockedError(run_id, "what its session remembers") from None
