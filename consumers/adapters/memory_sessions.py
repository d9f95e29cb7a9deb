"""Sessions in memory, with the semantics of the real ones: for tests and simulations, and for nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson

from consumers.ports.clock import Clock, SystemClock
from consumers.ports.sessions import (
    Body,
    Entry,
    FencedError,
    JournalFullError,
    Lease,
    Opened,
    RunsOpenError,
    SessionBusyError,
    SessionDamagedError,
    SessionLostError,
)
from consumers.session import place
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.refold import Refolded
from schemas.canonical import canonical_json

# As in redis_sessions.py, which would bring the Redis client with it; one contract suite holds both.
_MAX_BUSY_WAIT_S: Final = 1.0
_CLOSING_ROOM: Final = 2


@dataclass(slots=True)
class _Journal:
    entries: dict[str, bytes] = field(default_factory=dict[str, bytes])
    closed_by: int | None = None
    left_by: int | None = None
    expires_at: float | None = None

    def compare(self, ours: Sequence[tuple[str, bytes]]) -> tuple[dict[str, bytes], tuple[int, bytes] | None]:
        """Return what is to be written, and where an earlier entry differs with what it holds."""
        fresh: dict[str, bytes] = {}
        for index, (at, body) in enumerate(ours):
            stored = fresh.get(at, self.entries.get(at))
            if stored is None:
                fresh[at] = body
            elif stored != body:
                return fresh, (index, stored)
        return fresh, None

    def contradicts(self, told: Mapping[str, bytes]) -> bool:
        """Whether something else stands at one of these places."""
        return any(self.entries.get(at, body) != body for at, body in told.items())


@dataclass(slots=True)
class _Session:
    tenant: str
    session_id: str
    epoch: int = 0
    holder: str | None = None
    lease_until: float = 0.0
    context: bytes | None = None
    expires_at: float | None = None
    runs: set[str] = field(default_factory=set[str])


class MemorySessions:
    """The `Sessions` port in memory. Several workers may share one: it is the server, not the client.

    Time is the clock's alone: leases and times to live end when the clock says so.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        lease_s: float = 30.0,
        ttl_s: float = 7 * 86_400.0,
        max_entries: int = 1_000,
        max_bytes: int = 4 * 1024 * 1024,
    ) -> None:
        self._clock: Clock = clock or SystemClock()
        self._lease_s = lease_s
        self._ttl_s = ttl_s
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._sessions: dict[str, _Session] = {}
        self._journals: dict[str, _Journal] = {}
        self._last_epoch = 0
        self.lost_before: datetime | None = None
        """Set by a test: what was written before then may be missing, as `Opened` says it."""

    def wipe(self) -> None:
        """Forget everything, as a server does that lost its disk."""
        self._sessions.clear()
        self._journals.clear()

    async def open(self, key: SessionKey, run_id: str, *, take_over: bool = True) -> Opened:
        """As the port says."""
        now = self._now()
        session = self._session(key) or _Session(key.tenant, key.session_id)
        if (session.tenant, session.session_id) != (key.tenant, key.session_id):
            raise SessionDamagedError.of_name(key)
        # Nobody is given more; the clock was set back since.
        session.lease_until = min(session.lease_until, now + self._lease_s)
        left = session.lease_until - now
        if left > 0 and not (take_over and session.holder == run_id):
            raise SessionBusyError(
                f"session {key.tag}: it is being worked, for {left:g} s more at most",
                after_s=min(left, _MAX_BUSY_WAIT_S),
            )
        # The time of day keeps an epoch from being given twice across a wipe, as it does in Redis.
        self._last_epoch = max(int(now * 1e6), session.epoch + 1, self._last_epoch + 1)
        session.epoch, session.holder, session.expires_at = self._last_epoch, run_id, None
        session.lease_until = now + self._lease_s
        self._sessions[key.meta] = session
        journal = self._journal(key, run_id)
        session.runs.add(run_id)
        if journal.closed_by is not None:
            journal.expires_at = now + self._ttl_s
        lease = Lease(key, run_id, session.epoch)
        return Opened(lease, Context.load(session.context), _bodies(journal), self.lost_before)

    async def read(self, key: SessionKey, run_id: str) -> Mapping[str, Body]:
        """As the port says."""
        return _bodies(self._journal(key, run_id))

    async def append(self, lease: Lease, entries: Sequence[Entry]) -> Sequence[Entry]:
        """As the port says."""
        session = self._held(lease)
        session.lease_until = self._now() + self._lease_s
        return self._write(lease, entries, room=1)

    async def close(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]:
        """As the port says; if an earlier entry wins, the context and the lease stay as they are."""
        return self._leave(lease, entries, context, ends=True)

    async def park(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]:
        """As the port says; if an earlier entry wins, the context and the lease stay as they are."""
        return self._leave(lease, entries, context, ends=False)

    def _leave(
        self, lease: Lease, entries: Sequence[Entry], context: Context, *, ends: bool
    ) -> Sequence[Entry]:
        journal = self._journal(lease.key, lease.run_id)
        left_so = journal.left_by == lease.epoch and (journal.closed_by == lease.epoch) == ends
        if left_so and journal.compare(_encoded(entries)) == ({}, None):
            return _with_cancellation(entries, journal)  # the first answer got lost
        session = self._held(lease)
        stored = self._write(lease, entries, room=_CLOSING_ROOM)
        if stored[: len(entries)] == list(entries):
            session.context = context.dump()
            journal = self._journals[lease.key.journal(lease.run_id)] = self._journal(lease.key, lease.run_id)
            journal.left_by = lease.epoch
            if ends:
                journal.closed_by, journal.expires_at = lease.epoch, self._now() + self._ttl_s
            self._give_back(session)
        return stored

    async def release(self, lease: Lease) -> None:
        """As the port says."""
        session = self._session(lease.key)
        if session and (session.epoch, session.holder) == (lease.epoch, lease.run_id):
            self._give_back(session)

    async def cancel(self, key: SessionKey, run_id: str, body: Body) -> bool:
        """As the port says."""
        journal = self._journal(key, run_id)
        if journal.closed_by is not None or key.journal(run_id) not in self._journals:
            return False
        journal.entries.setdefault(place.CANCEL, canonical_json(body))
        return True

    async def erase(self, key: SessionKey, at: datetime) -> Sequence[str]:
        """As the port says."""
        session = self._session(key)
        if session is None:
            return []
        if session.lease_until > self._now():
            raise SessionBusyError(
                f"session {key.tag} is being worked", after_s=session.lease_until - self._now()
            )
        there = {run: name for run in session.runs if (name := key.journal(run)) in self._journals}
        for run, name in there.items():
            if self._journals[name].closed_by is None:
                raise RunsOpenError(f"run {run} is not finished; finish or cancel it first")
        gone = canonical_json({"at": at.isoformat()})
        expires_at = self._now() + self._ttl_s
        for name in there.values():
            self._journals[name] = _Journal({place.ERASED: gone}, closed_by=0, expires_at=expires_at)
        session.context = None
        self._give_back(session)  # whoever let the lease lapse can write nothing of it any more
        return sorted(session.runs)

    async def restore(self, key: SessionKey, session: Refolded) -> int:
        """As the port `Restoring` says."""
        kept = self._session(key) or _Session(key.tenant, key.session_id)
        for run_id, steps in session.runs.items():
            journal = self._journal(key, run_id)
            told = {at: canonical_json(step.body) for at, step in steps.items()}
            newer = max((step.epoch for step in steps.values()), default=0) > kept.epoch
            if place.ERASED in told or (newer and journal.contradicts(told)):
                journal = _Journal()
            journal.entries = told | journal.entries
            if steps.keys() & {place.ERASED, place.OUTCOME}:
                journal.closed_by, journal.expires_at = 0, self._now() + self._ttl_s
            self._journals[key.journal(run_id)] = journal
            kept.runs.add(run_id)
        kept.context = session.context(Context.load(kept.context)).dump()
        self._last_epoch = max(int(self._now() * 1e6), kept.epoch + 1, self._last_epoch + 1)
        kept.epoch = self._last_epoch
        self._give_back(kept)
        self._sessions[key.meta] = kept
        return kept.epoch

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _session(self, key: SessionKey) -> _Session | None:
        session = self._sessions.get(key.meta)
        return None if session is None or self._over(session.expires_at) else session

    def _journal(self, key: SessionKey, run_id: str) -> _Journal:
        journal = self._journals.get(key.journal(run_id))
        return _Journal() if journal is None or self._over(journal.expires_at) else journal

    def _over(self, expires_at: float | None) -> bool:
        return expires_at is not None and expires_at <= self._now()

    def _held(self, lease: Lease) -> _Session:
        session = self._session(lease.key)
        where = f"run {lease.run_id} of session {lease.key.tag}"
        if session is None or session.epoch < lease.epoch:
            raise SessionLostError(f"{where}: epoch {lease.epoch} is unknown: the sessions were wiped")
        if (session.epoch, session.holder) != (lease.epoch, lease.run_id):
            raise FencedError(f"{where}: epoch {lease.epoch} no longer holds the lease")
        return session

    def _give_back(self, session: _Session) -> None:
        session.holder, session.lease_until = None, 0.0
        session.expires_at = self._now() + self._ttl_s

    def _write(self, lease: Lease, entries: Sequence[Entry], *, room: int) -> Sequence[Entry]:
        journal = self._journal(lease.key, lease.run_id)
        fresh, other = journal.compare(_encoded(entries))
        held = {**journal.entries, **fresh}
        # An operator's word needs no room: it is written whether there is any or not.
        sizes = [len(at.encode()) + len(body) for at, body in held.items() if at != place.CANCEL]
        if fresh and (len(sizes) > room * self._max_entries or sum(sizes) > room * self._max_bytes):
            raise JournalFullError(
                f"run {lease.run_id} of session {lease.key.tag}: its journal would hold {len(sizes)} entries in "
                f"{sum(sizes)} bytes; the limits are {self._max_entries} and {self._max_bytes}"
            )
        if fresh:
            journal.entries = held
            self._journals[lease.key.journal(lease.run_id)] = journal
        if other is None:
            return _with_cancellation(entries, journal)
        index, stored = other
        return [*entries[:index], Entry(entries[index].place, orjson.loads(stored))]


def _with_cancellation(entries: Sequence[Entry], journal: _Journal) -> Sequence[Entry]:
    cancelled = journal.entries.get(place.CANCEL)
    return [*entries, *([Entry(place.CANCEL, orjson.loads(cancelled))] if cancelled else [])]


def _encoded(entries: Sequence[Entry]) -> list[tuple[str, bytes]]:
    return [(entry.place, canonical_json(entry.body)) for entry in entries]


def _bodies(journal: _Journal) -> dict[str, Body]:
    return {place: orjson.loads(body) for place, body in journal.entries.items()}
