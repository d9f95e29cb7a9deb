"""One run in hand: its lease, its journal, and what is decided but not yet written or published."""

import contextlib
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, Self, TypeVar

import orjson

from consumers.errors import PointsmanError, RetryError
from consumers.ports.claim import Claim
from consumers.ports.clock import Clock
from consumers.ports.outbox import Outbox
from consumers.ports.sessions import Entry, JournalFullError, Lease, Opened, Sessions
from consumers.router.prompt import Opening, opening
from consumers.router.route import Route
from consumers.run.journal import RunJournal
from consumers.run.record import step_of
from consumers.run.steps import published_again
from consumers.session import place
from consumers.session.context import Context
from schemas.envelope import Envelope
from schemas.step import Step

_Answer = TypeVar("_Answer")


class Work:
    """A run that this worker holds the lease of.

    `note` buffers an entry; `commit` writes all buffered entries in one atomic append. Whoever acts on the
    outside world commits first: that is the whole write-ahead rule, and it saves most round trips.
    """

    def __init__(
        self,
        event: Envelope,
        route: Route,
        opened: Opened,
        sessions: Sessions,
        outbox: Outbox,
        clock: Clock,
        claim: Claim,
    ) -> None:
        self.claim = claim
        self.event = event
        self.route = route
        self.lease: Lease = opened.lease
        self.context: Context = opened.context.without(opened.lease.run_id)
        """What the session remembers of other runs."""
        self.maybe_lost = opened.may_lack(event.time)
        """Whether the store may have forgotten what this run wrote."""
        self.journal = RunJournal(opened.entries)
        self.started_at: datetime = clock.now()
        self.given_back = False
        """Whether the lease was given back with the last thing written."""
        self._sessions = sessions
        self._outbox = outbox
        self._clock = clock
        self._begun = clock.seconds()
        self._unwritten: list[Entry] = []
        self._link = opened.context.link
        self._unpublished: list[Step] = list(
            published_again(self.journal, event, clock.now(), self.lease.epoch)
        )

    @property
    def worked_s(self) -> float:
        """For how long it has been worked in one go."""
        return self._clock.seconds() - self._begun

    @cached_property
    def opening(self) -> Opening:
        """What every turn begins with."""
        return opening(self.route, self.event, self.context)

    def note(self, entry: Entry, action: str | None = None) -> None:
        """Add an entry to the journal in memory; it is durable only after `commit`."""
        self.journal.record(entry.place, entry.body)
        self._unwritten.append(entry)
        self._unpublished.append(step_of(entry, self.event, action, self._clock.now(), self.lease.epoch))

    def noting(self, entries: Iterable[Entry]) -> Self:
        """Note entries that are about no action, and return the run."""
        for entry in entries:
            self.note(entry)
        return self

    def noted(self, at: str) -> Mapping[str, Any] | None:
        """Return an entry, written or not."""
        return self.journal.entries.get(at)

    def tell(self, memory: Context) -> None:
        """Have the last step say what the session remembers of this run; published before, it says so already."""
        if self._unpublished:
            self._unpublished[-1] = replace(self._unpublished[-1], memory=orjson.loads(memory.dump()))

    async def publish_steps(self) -> None:
        """Publish the audit steps so far. Before a write's intent is journaled, they are the write-ahead log."""
        if self._unpublished:
            self._link = await self._outbox.steps(self._unpublished, self._link)
            self._unpublished = []

    async def commit(self) -> None:
        """Write what is buffered.

        Raises:
            RetryError: the journal already says something else; the run is to be opened again and followed.
        """
        if self._unwritten:
            stored = await self._sessions.append(self.lease, self._unwritten)
            self._adopt(stored)

    async def keep(self) -> None:
        """Write what is buffered if that can be done: whoever goes on need not ask the model again."""
        with contextlib.suppress(RetryError, JournalFullError):
            await self.publish_steps()
            await self.commit()

    async def keeping(self, answer: Awaitable[_Answer]) -> _Answer:
        """Wait for the model; without an answer, write first what it decided before: that was paid for, and counts in the budget."""
        try:
            return await answer
        except PointsmanError:
            await self.keep()
            raise

    def forget_unwritten(self) -> None:
        """Drop what the store refused: the journal is again what the store has."""
        for entry in self._unwritten:
            self.journal.entries.pop(entry.place, None)
        self.journal = RunJournal(self.journal.entries)
        self._unwritten = []

    async def close(self, context: Context) -> None:
        """Write what is buffered together with the new context, and give the lease back."""
        stored = await self._sessions.close(self.lease, self._unwritten, replace(context, link=self._link))
        self._adopt(stored)
        self.given_back = True

    async def park(self, context: Context) -> None:
        """Write what is buffered together with the new context, and give the lease back: the run waits for a person.

        Raises:
            RetryError: the run was cancelled meanwhile; it is to be opened again.
        """
        known = place.CANCEL in self.journal.entries
        stored = await self._sessions.park(self.lease, self._unwritten, replace(context, link=self._link))
        self._adopt(stored)
        self.given_back = True
        if place.CANCEL in self.journal.entries and not known:
            raise RetryError(f"run {self.lease.run_id} was cancelled", after_s=0.0)

    async def release(self) -> None:
        """Give the lease back without ending the run."""
        await self._sessions.release(self.lease)

    def _adopt(self, stored: Sequence[Entry]) -> None:
        ours = len(self._unwritten)
        if list(stored[:ours]) != self._unwritten:
            last = stored[-1].place if stored else "?"
            raise RetryError(
                f"run {self.lease.run_id}: {last} was already written; following it", after_s=0.0
            )
        self._unwritten = []
        for entry in stored[ours:]:  # a cancellation, written by somebody without the lease
            if entry.place not in self.journal.entries:
                self.journal.record(entry.place, entry.body)
                self._unpublished.append(
                    step_of(entry, self.event, None, self._clock.now(), self.lease.epoch)
                )
