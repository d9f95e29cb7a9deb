"""Workers with something wrong in them, to see that the checks find it.

Each is wrong only in what a crash makes of it: played calm, nobody can tell it from the sound one.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast
from uuid import uuid4

from consumers.app.compose import Parts
from consumers.errors import PointsmanError
from consumers.ports.actions import ActionRequest, Actions
from consumers.ports.producing import Producer
from consumers.ports.sessions import Entry, Lease, Opened, Sessions
from consumers.session.context import Context
from consumers.session.key import SessionKey
from schemas.record import Outgoing


class _NewKeys:
    """A new idempotency key for each attempt: a run that is taken over goes on under others."""

    def __init__(self, sessions: Sessions, actions: Actions) -> None:
        self._sessions = sessions
        self._actions = actions
        self._intended: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sessions, name)

    async def open(self, key: SessionKey, run_id: str, *, take_over: bool = True) -> Opened:
        opened = await self._sessions.open(key, run_id, take_over=take_over)
        self._intended |= {body["key"] for at, body in opened.entries.items() if at.endswith("intent")}
        return opened

    async def perform(self, request: ActionRequest) -> Any:
        key = uuid4().hex if request.key in self._intended else request.key
        return await self._actions.perform(replace(request, key=key))


class _Late:
    """Writes some entries only with the next ones: what they say has been acted upon by then."""

    def __init__(self, sessions: Sessions, kind: str) -> None:
        self._sessions = sessions
        self._kind = kind
        self._late: dict[Lease, list[Entry]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sessions, name)

    async def append(self, lease: Lease, entries: Sequence[Entry]) -> Sequence[Entry]:
        now = [*self._late.pop(lease, []), *(e for e in entries if not e.place.endswith(self._kind))]
        self._late[lease] = [e for e in entries if e.place.endswith(self._kind)]
        if now:
            await self._sessions.append(lease, now)
        return entries

    async def close(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]:
        await self._sessions.close(lease, [*self._late.pop(lease, []), *entries], context)
        return entries


class _AsksAgain:
    """Does not find the latest decision when it takes a run over for the first time."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._opened: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sessions, name)

    async def open(self, key: SessionKey, run_id: str, *, take_over: bool = True) -> Opened:
        opened = await self._sessions.open(key, run_id, take_over=take_over)
        decisions = sorted(place for place in opened.entries if place.endswith("/decision"))
        if run_id in self._opened or not decisions:
            return opened
        self._opened.add(run_id)
        kept = {place: body for place, body in opened.entries.items() if place != decisions[-1]}
        return replace(opened, entries=kept)


class _Hasty:
    """Says that all is acknowledged, and sends it a little later."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._sending: set[asyncio.Task[None]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    async def send_each(self, groups: Sequence[Sequence[Outgoing]]) -> Sequence[PointsmanError | None]:
        task = asyncio.create_task(self._later(groups))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        return [None] * len(groups)

    async def _later(self, groups: Sequence[Sequence[Outgoing]]) -> None:
        await asyncio.sleep(0.2)
        await self._producer.send_each(groups)


def _with_new_keys(parts: Parts) -> Parts:
    both = _NewKeys(parts.sessions, parts.actions)
    return replace(parts, sessions=cast("Sessions", both), actions=both)


def _late(kind: str) -> Callable[[Parts], Parts]:
    return lambda parts: replace(parts, sessions=cast("Sessions", _Late(parts.sessions, kind)))


MUTANTS: Final[Mapping[str, Callable[[Parts], Parts]]] = {
    "sound": lambda parts: parts,
    "new-keys": _with_new_keys,
    "late-intents": _late("intent"),
    "late-decisions": _late("/decision"),
    "asks-again": lambda parts: replace(parts, sessions=cast("Sessions", _AsksAgain(parts.sessions))),
    "hasty": lambda parts: replace(parts, producer=cast("Producer", _Hasty(parts.producer))),
}
"""The table."""
