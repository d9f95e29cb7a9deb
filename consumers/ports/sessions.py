"""The port to session state: a lease, a write-once journal and a context."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from consumers.errors import PointsmanError, RetryError, UnavailableError
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.stored import DamagedError

CLOCKS: Final = timedelta(hours=2)
"""How far the clocks of two machines may be apart, or one be set, without harm."""
_SHOWN = 100
"""Characters of a session id in a message."""

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
    lost_before: datetime | None = None
    """The store may have forgotten what was written before then; None where it has not."""

    def may_lack(self, since: datetime) -> bool:
        """Whether entries may be missing of a run whose event is of that time, by a publisher's clock."""
        return self.lost_before is not None and since < self.lost_before + CLOCKS


class SessionBusyError(RetryError):
    """Another run of the same session holds the lease; the event waits without holding a slot."""


class FencedError(RetryError):
    """Somebody else opened the run since: nothing more may be done with this lease.

    The key waits and opens the run again: by then it is finished, or its record has been revoked.
    """


class SessionLostError(UnavailableError):
    """The store no longer has what we wrote under a lease: it was emptied, or went back in time.

    Nothing is worked with it until it has what it lost; then the run is opened again.
    """


class SessionDamagedError(RetryError):
    """What the store has of a session cannot be read: its events wait, and then their keys are parked, until it is mended.

    None of them is to blame, and going on without what was remembered could do a thing twice.
    """

    def __init__(self, key: SessionKey, where: str, problem: str, fix: str) -> None:
        whose = f"session {key.session_id[:_SHOWN]!r} of tenant {key.tenant!r}"
        super().__init__(f"{whose}: {where}: {problem}. Mend it: {fix}")

    @classmethod
    def of_context(cls, key: SessionKey, error: DamagedError) -> "SessionDamagedError":
        """Say that what it remembers cannot be read."""
        fix = "restore it, or delete that key: the session then forgets its earlier events"
        return cls(key, key.context, error.problem, fix)

    @classmethod
    def of_name(cls, key: SessionKey) -> "SessionDamagedError":
        """Say that the keys of the session, named by a digest that no two share, call themselves another's."""
        fix = "restore its fields tenant and session_id"
        return cls(key, key.meta, "it says that it belongs to another tenant or session", fix)

    @classmethod
    def of_journal(cls, key: SessionKey, run_id: str, error: DamagedError) -> "SessionDamagedError":
        """Say that an entry of a run cannot be read."""
        fix = f"put back what the steps topic has as {run_id}/{error.place}; an entry that is deleted is done again"
        return cls(key, f"{key.journal(run_id)}, field {error.place}", error.problem, fix)


class RunsOpenError(PointsmanError):
    """A session cannot be erased: a run of it is not finished."""


class JournalFullError(PointsmanError):
    """A run's journal reached its limit of entries or bytes."""


class Sessions(Protocol):
    """Session state. Every method is one atomic step, safe to repeat after a lost reply."""

    async def open(self, key: SessionKey, run_id: str, *, take_over: bool = True) -> Opened:
        """Take the lease and read the run.

        Whoever has the run's record from Kafka takes it over: its former worker is dead or a zombie, and the
        higher epoch fences a zombie out. Anybody else, such as an operator's word, does not.

        Raises:
            SessionBusyError: another run of the session holds the lease; without `take_over`, this one as well.
            SessionDamagedError: its context or the run's journal cannot be read.
            RetryError: the store is unreachable.
        """
        ...

    async def read(self, key: SessionKey, run_id: str) -> Mapping[str, Body]:
        """Return a run's entries by place, without taking the lease or disturbing who holds it."""
        ...

    async def append(self, lease: Lease, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Write entries in order, all or none, and renew the lease.

        Returns what the journal now holds at these places. An entry that was there before wins over ours;
        then nothing after it is written, and the returned sequence ends with it: the caller adopts it. Where all
        are ours, the run's cancellation comes after them, if there is one.

        Raises:
            FencedError: the lease is no longer ours.
            SessionLostError: the session is gone, or older than what we wrote last.
            JournalFullError: the run is at its limit; nothing was written.
            RetryError: the store is unreachable; it may or may not have been written.
        """
        ...

    async def close(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]:
        """Append, store the context, set the time to live and give the lease back, in one atomic step."""
        ...

    async def park(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Sequence[Entry]:
        """As `close`, for a run that waits: its journal stays until the run is closed, however long that takes."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give the lease back early; a lease that is no longer ours is left alone."""
        ...

    async def cancel(self, key: SessionKey, run_id: str, body: Body) -> bool:
        """Write a run's cancellation, which needs no lease; the first one stands.

        Returns whether it stands now: not if the run is finished or unknown. Whoever works the run learns of it
        with the next `append`, or when it is opened.
        """
        ...

    async def erase(self, key: SessionKey, at: datetime) -> Sequence[str]:
        """Forget what a session holds, for privacy, and return the ids of the runs it had.

        What stays until the time to live is over: that these runs were there (an entry `erased` instead of their
        journals), so that none of them is worked again.

        Raises:
            SessionBusyError: it is being worked.
            RunsOpenError: a run of it is not finished; the message names it.
        """
        ...
