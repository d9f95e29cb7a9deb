"""The port to session state: a lease, a write-once journal and a context."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from consumers.errors import HaltError, PointsmanError, RetryError
from consumers.session.context import Context
from consumers.session.key import SessionKey

Body = Mapping[str, Any]
"""A journal entry's body: JSON-like values only."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One write-once entry of a run's journal."""

    place: str
    body: Body


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write one run of one session, until somebody opens it with a higher epoch."""

    key: SessionKey
    run_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Opened:
    """What `open` found."""

    lease: Lease
    context: Context
    entries: Mapping[str, Body]
    """The run's journal so far, by place; empty for a run that was never worked."""


class SessionBusyError(RetryError):
    """Another run of the same session holds the lease; the event waits without holding a slot."""


class FencedError(RetryError):
    """Somebody else opened the run since: nothing more may be done with this lease.

    The key waits and opens the run again: by then it is finished, or its record has been revoked.
    """


class SessionLostError(HaltError):
    """Redis no longer has a session that we hold a lease on: it was wiped or went back in time."""


class JournalFullError(PointsmanError):
    """A run's journal reached its limit of entries or bytes."""


class Sessions(Protocol):
    """Session state. Every method is one atomic step, safe to repeat after a lost reply."""

    async def open(self, key: SessionKey, run_id: str) -> Opened:
        """Take the lease and read the run.

        The same run may always be taken over: Kafka gave us its record, so its former worker is dead or a
        zombie, and the higher epoch fences a zombie out.

        Raises:
            SessionBusyError: another run of the session holds the lease.
            RetryError: the store is unreachable.
        """
        ...

    async def read(self, key: SessionKey, run_id: str) -> Mapping[str, Body]:
        """Return a run's entries by place, without taking the lease or disturbing who holds it."""
        ...

    async def append(self, lease: Lease, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Write entries in order, all or none, and renew the lease.

        Returns what the journal now holds at these places. An entry that was there before wins over ours;
        then nothing after it is written, and the returned sequence ends with it: the caller adopts it.

        Raises:
            FencedError: the lease is no longer ours.
            SessionLostError: the session is gone.
            JournalFullError: the run is at its limit; nothing was written.
            RetryError: the store is unreachable; it may or may not have been written.
        """
        ...

    async def close(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]:
        """Append, store the context, set the time to live and give the lease back, in one atomic step."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give the lease back early; a lease that is no longer ours is left alone."""
        ...
