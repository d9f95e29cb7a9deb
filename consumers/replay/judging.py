"""How a run stands when a job comes to its event: whether it is to be worked, or why it is left alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from consumers.ports.sessions import CLOCKS, SessionDamagedError, Sessions
from consumers.replay.evidence import Evidence, Trace, there_since
from consumers.replay.job import Job, Mode
from consumers.replay.plan import Standing
from consumers.router.route import Route
from consumers.run.journal import RunJournal
from consumers.run.next_step import Wait, next_step
from consumers.session import place
from consumers.session.key import SessionKey
from consumers.session.shapes import checked
from consumers.session.stored import Body, DamagedError
from schemas.envelope import Envelope
from schemas.record import Record

IN_STEPS: Final = "ended, by the steps topic"
LOST: Final = "begun, and lost by Redis: see `pointsman sessions rebuild`"


class JobEndsError(Exception):
    """The job ends before this event, in order; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Judging:
    """Judges by the run's journal, and where there is none by the steps topic.

    Attributes:
        job: what was ordered.
        sessions: the store, with what it says read as it is stored.
        evidence: what the steps topic tells.
        lost_before: asked what the store may have forgotten: what is older than this; None where it has forgotten nothing.
        allow_older: the operator answers for events that are older than the steps topic: they were never worked.
    """

    job: Job
    sessions: Sessions
    evidence: Evidence
    lost_before: Callable[[], datetime | None]
    allow_older: bool = False

    async def left_alone(self, event: Envelope, route: Route, record: Record, *, ours: bool) -> str | None:
        """Return why an event is left alone, or None where it is to be worked.

        Args:
            event: the event.
            route: its route.
            record: where it was read.
            ours: this job has begun it before. What it then did may not have been published: working it again says the
                same once more.

        Raises:
            JobEndsError: nobody can say whether it was worked.
            RetryError: the store is away.
        """
        try:
            key = SessionKey(event.tenant, event.session_id)
            entries = checked(await self.sessions.read(key, event.run_id))
        except (SessionDamagedError, DamagedError):
            return Standing.DAMAGED
        if place.ERASED in entries:
            return Standing.ERASED
        if not entries:
            return None if ours else self._never_worked(event, record)
        if outcome := entries.get(place.OUTCOME):
            again = ours or self._since_order(outcome)
            return None if again else f"{Standing.ENDED}: {outcome['status']}"
        if ours:
            return None
        if self.job.mode is Mode.BACKFILL:
            return Standing.BEGUN
        return Standing.WAITS if isinstance(next_step(RunJournal(entries), route), Wait) else None

    def _never_worked(self, event: Envelope, record: Record) -> str | None:
        trace = self.evidence.of(event.run_id)
        if trace is Trace.ENDED:
            return IN_STEPS
        if trace is Trace.BEGUN:
            # A worker that died before it stored anything leaves steps, too: nothing took effect, because an intent is
            # stored before it does. Only a store that lacks things may have lacked this.
            before = self.lost_before()
            lost = before is not None and there_since(event, record) < before + CLOCKS
            return LOST if lost else None
        if not self.allow_older and not self.evidence.covers(event, record):
            raise JobEndsError(
                f"{record.place} may have been worked before {self.evidence.since:%Y-%m-%d %H:%M} UTC, and steps of that "
                "time are deleted: choose later events, or answer for it that older ones were never worked"
            )
        return None

    def _since_order(self, outcome: Body) -> bool:
        """Whether a run ended under this job: a store that was lost in between does not know any more who began it."""
        return datetime.fromisoformat(outcome["finished_at"]) >= self.job.ordered_at


def kept_for(ttl_days: float) -> timedelta:
    """Return for how long after its order a job may work: later, the store may have forgotten what ended under it."""
    return timedelta(days=ttl_days) - CLOCKS
