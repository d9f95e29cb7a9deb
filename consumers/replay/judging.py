"""How an event stands when a job comes to it: in which round it is to be worked, or why it is left alone."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from consumers.ports.sessions import CLOCKS, SessionDamagedError, Sessions
from consumers.replay.evidence import Evidence, Trace, there_since
from consumers.replay.job import Job, Mode
from consumers.replay.plan import Standing
from consumers.replay.rounds import MOST_ROUNDS, left_nothing, may_follow
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

    async def judged(
        self, event: Envelope, route: Route, record: Record, begun: Callable[[str], Awaitable[bool]]
    ) -> Envelope | str:
        """Return an event in the round that is to be worked, or why it is left alone.

        Args:
            event: the event, in its first round.
            route: its route.
            record: where it was read.
            begun: asked whether this job has begun a run before. What it then did may not have been published: working
                it again says the same once more.

        Raises:
            JobEndsError: nobody can say whether it was worked.
            RetryError: the store is away.
        """
        since, status = there_since(event, record), None
        while True:
            try:
                key = SessionKey(event.tenant, event.session_id)
                entries = checked(await self.sessions.read(key, event.run_id))
            except (SessionDamagedError, DamagedError):
                return Standing.DAMAGED
            if place.ERASED in entries:
                return Standing.ERASED
            ours = await begun(event.run_id)
            outcome = entries.get(place.OUTCOME)
            if outcome is None or ours or self._since_order(outcome):
                break
            status = outcome["status"]
            over = self._over(event, entries, outcome)
            if over is not None:
                return f"{over}: {status}" if self.job.chosen.takes_status(status) else Standing.NOT_CHOSEN
            event, since = event.again, max(since, datetime.fromisoformat(outcome["finished_at"]))
        if ours:
            return event
        if not self.job.chosen.takes_status(status):
            return Standing.NOT_CHOSEN
        why = self._left_alone(event, route, record, entries, since)
        return event if why is None else why

    def _over(self, event: Envelope, entries: Mapping[str, Body], outcome: Body) -> Standing | None:
        """Return why no round may follow one that ended before the order, or None."""
        if (
            self.job.mode is not Mode.RESUME
            or not may_follow(outcome)
            or not left_nothing(RunJournal(entries))
        ):
            return Standing.ENDED
        return None if event.round < MOST_ROUNDS else Standing.SPENT

    def _left_alone(
        self, event: Envelope, route: Route, record: Record, entries: Mapping[str, Body], since: datetime
    ) -> str | None:
        """Return why a round is left alone that others have begun, or nobody has; nobody can have before `since`."""
        if not entries:
            return self._never_worked(event, record, since)
        if place.OUTCOME in entries:
            return None  # under this job, by whoever it was: it is said once more
        if self.job.mode is Mode.BACKFILL:
            return Standing.BEGUN
        return Standing.WAITS if isinstance(next_step(RunJournal(entries), route), Wait) else None

    def _never_worked(self, event: Envelope, record: Record, since: datetime) -> str | None:
        trace = self.evidence.of(event.run_id)
        if trace is Trace.ENDED:
            return IN_STEPS
        if trace is Trace.BEGUN:
            # A worker that died before it stored anything leaves steps, too: nothing took effect, because an intent is
            # stored before it does. Only a store that lacks things may have lacked this.
            before = self.lost_before()
            lost = before is not None and since < before + CLOCKS
            return LOST if lost else None
        if not self.allow_older and not self.evidence.covers(since):
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
