"""Resume and backfill: events that were never worked, or not to their end, are worked for real, and others left alone."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from consumers.errors import DeadLetterError, RetryError, UnavailableError
from consumers.policy.expressions import ExpressionError
from consumers.ports.claim import Claim, HandedOverError
from consumers.ports.clock import Clock
from consumers.ports.jobs import Jobs
from consumers.replay.bounded import BoundReachedError
from consumers.replay.job import Job
from consumers.replay.judging import JobEndsError, Judging
from consumers.replay.pace import Pace
from consumers.replay.plan import Standing
from consumers.router.route import Route, RouteTable
from schemas.approval import ApprovalRequest
from schemas.envelope import Envelope
from schemas.errors import NoEventError
from schemas.outcome import Outcome, Status
from schemas.record import Outgoing, Record

EVENTS: Final = "events"
"""What a job takes of `Jobs` for each run that it begins."""
NO_VALUE: Final = "`where` has no value on it"
_REMEMBERED: Final = 100_000
"""Runs by which an event is known that comes again; a later repetition is looked at as what the job has done before."""
_REST_S: Final = 3600.0
"""A record that waits for the end of its job is not looked at again before."""


class Tally(Counter[str]):
    """How events ended in one run of a job: `read`, then `success` and the like, `dead letter: <why>`, `skipped: <why>`.

    Attributes:
        why: it ended before its end; empty where it did not.
        at_bound: because it has used what it may.
    """

    why: str = ""
    at_bound: bool = False


Said = Outcome | ApprovalRequest


class Handles(Protocol):
    """Works events as live workers do; the handler of records does."""

    async def decode(self, record: Record) -> Envelope:
        """Return the event of a record, or raise DeadLetterError; NoEventError where its topic says that there is none."""
        ...

    async def work(
        self, event: Envelope, route: Route, claim: Claim
    ) -> tuple[Said | None, Sequence[Outgoing]]:
        """Work an event; return what its run says, and what is to be published."""
        ...


class Worked:
    """The handler of a job's loop. It never gives a record up for a busy system: the job ends before it, and goes on later.

    Args:
        job: what was ordered.
        handles: works events.
        routes: finds their routes.
        judging: says which are to be worked.
        jobs: counts.
        pace: says when.
        live: of each partition, where the live group's own work begins; without one, it has none there.
        clock: both clocks.
        until: the job may not work any more from then on.
        patience_s: for how long one record is tried again where a system is busy.
    """

    def __init__(
        self,
        job: Job,
        *,
        handles: Handles,
        routes: RouteTable,
        judging: Judging,
        jobs: Jobs,
        pace: Pace,
        live: Mapping[int, int],
        clock: Clock,
        until: datetime,
        patience_s: float,
    ) -> None:
        self.tally = Tally()
        """How events ended, so far."""
        self.stopping = asyncio.Event()
        """Set once the job is to end: whoever runs it ends the loop then."""
        self._job = job
        self._handles = handles
        self._routes = routes
        self._judging = judging
        self._jobs = jobs
        self._pace = pace
        self._live = live
        self._clock = clock
        self._until = until
        self._patience_s = patience_s
        self._failing: dict[str, float] = {}
        self._places: OrderedDict[str, str] = OrderedDict()
        """Runs by the record that was taken for each first; one that comes again is neither worked nor waited for."""

    def stop(self) -> None:
        """End the job in order: nothing more begins, and whoever waits for its turn waits no more."""
        self.stopping.set()

    async def __call__(self, record: Record, claim: Claim) -> Sequence[Outgoing]:
        """Work a record, or leave it alone.

        Raises:
            RetryError: it may work later, or the job ends before it.
            DeadLetterError: it never will.
            HaltError: we must not go on.
        """
        try:
            how, published = await self._handle(record, claim)
        except BoundReachedError as error:
            raise self._ended(str(error), at_bound=True) from error
        except JobEndsError as error:
            raise self._ended(str(error)) from error
        except HandedOverError:
            raise
        except RetryError as error:
            raise self._again(record, error) from error
        except DeadLetterError as error:
            self._count(f"dead letter: {error.reason}")
            raise
        self._failing.pop(record.place, None)
        self._count(how)
        return published

    async def _handle(self, record: Record, claim: Claim) -> tuple[str, Sequence[Outgoing]]:
        if self.stopping.is_set():
            raise UnavailableError("the job is ending", after_s=_REST_S)
        if not self._job.chosen.takes_record(record):
            return f"skipped: {Standing.NOT_CHOSEN}", ()
        if record.offset >= self._live.get(record.partition, record.offset + 1):
            return f"skipped: {Standing.LIVE}", ()
        found = await self._found(record)
        if isinstance(found, str):
            return f"skipped: {found}", ()
        event, route = found
        if self._places.setdefault(event.run_id, record.place) != record.place:
            return f"skipped: {Standing.AGAIN}", ()
        if len(self._places) > _REMEMBERED:
            self._places.popitem(last=False)
        claim.enter("waiting for its turn")
        await self._turn()
        claim.enter("looking at the run")
        if self._clock.now() >= self._until:
            raise JobEndsError(
                f"the job was ordered on {self._job.ordered_at:%Y-%m-%d}, and what ended since then may be forgotten "
                "(redis.ttl_days): order a new one, which leaves alone what is finished"
            )
        judged = await self._judging.judged(event, route, record, self._has_begun)
        if isinstance(judged, str):
            return f"skipped: {judged}", ()
        await self._jobs.take(self._job.id, EVENTS, judged.run_id, 1, None)
        said, published = await self._handles.work(judged, route, claim)
        how = _how(said)
        await self._jobs.note(self._job.id, judged.run_id, how)
        return how, published

    async def _has_begun(self, run_id: str) -> bool:
        return await self._jobs.take(self._job.id, EVENTS, run_id, 1, 0)

    async def _found(self, record: Record) -> tuple[Envelope, Route] | str:
        try:
            event = await self._handles.decode(record)
        except NoEventError:
            return Standing.UNROUTED
        except DeadLetterError:  # to live workers it was a dead letter: there is nothing to go on with
            return Standing.UNREADABLE
        route = self._routes.find(record.topic, event.type)
        if route is None:
            return Standing.UNROUTED
        try:
            return (event, route) if self._job.chosen.takes_event(event) else Standing.NOT_CHOSEN
        except ExpressionError:
            return NO_VALUE

    async def _turn(self) -> None:
        await _first(self._pace.ready(1), self.stopping)
        if self.stopping.is_set():
            raise UnavailableError("the job is ending", after_s=_REST_S)

    def _again(self, record: Record, error: RetryError) -> RetryError:
        """Have a record tried again for a while, whoever is away; then the job ends, and the record is not given up."""
        since = self._failing.setdefault(record.place, self._clock.seconds())
        if self._clock.seconds() - since > self._patience_s:
            return self._ended(f"{record.place} could not be worked for {self._patience_s:.0f} s: {error}")
        return UnavailableError(str(error), after_s=error.after_s)

    def _ended(self, why: str, *, at_bound: bool = False) -> UnavailableError:
        if not self.stopping.is_set():
            self.tally.why, self.tally.at_bound = why, at_bound
            self.stop()
        return UnavailableError(why, after_s=_REST_S)

    def _count(self, how: str) -> None:
        self.tally["read"] += 1
        self.tally[how] += 1


def _how(said: Said | None) -> str:
    match said:
        case None:
            return "skipped: erased meanwhile"
        case ApprovalRequest():
            return str(Status.IN_DOUBT if said.kind == "doubt" else Status.REQUIRES_APPROVAL)
        case Outcome():
            return str(said.status)


async def _first(waiting: Coroutine[None, None, None], other: asyncio.Event) -> None:
    """Wait for one of two; the first one's error is raised, and it is cancelled where the other comes first."""
    mine = asyncio.create_task(waiting, name="wait for its turn")
    end = asyncio.create_task(other.wait(), name="wait for the end of the job")
    try:
        await asyncio.wait([mine, end], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (mine, end):
            each.cancel()
        await asyncio.wait([mine, end])
    if not mine.cancelled():
        mine.result()
