"""Rebuilding: what the steps topic tells is given back to a store that may have forgotten it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from consumers.adapters.kafka_reader import Span
from consumers.adapters.kafka_steps import FoundStep
from consumers.adapters.step_spool import StepSpool
from consumers.errors import RetryError, UnavailableError
from consumers.ports.clock import Clock
from consumers.ports.deadlines import Deadlines
from consumers.ports.outbox import Outbox
from consumers.ports.restoring import Restoring
from consumers.ports.sessions import CLOCKS, SessionDamagedError
from consumers.session.key import SessionKey
from consumers.session.refold import Refolded, refold
from consumers.session.stored import DamagedError
from schemas.step import Step

_log = logging.getLogger(__name__)

_AT_ONCE: Final = 32
"""Sessions restored beside each other."""
_BATCH: Final = 500
_LINGER: Final = CLOCKS + timedelta(hours=1)
"""For so long, a worker may not have noticed that a run which it worked has ended; an hour would do with clocks alike."""

Progress = Callable[[str, int, int], None]
"""Told what is being done (`steps` are read, `sessions` restored), how many are done, and how many there are."""


class StepsLog(Protocol):
    """The steps topic."""

    async def extents(self) -> Mapping[int, Span] | None:
        """Return what each partition holds now; None where there is no such topic.

        Raises:
            UnavailableError: no broker answers.
        """
        ...

    def read(self, parts: Mapping[int, Span]) -> AsyncIterator[FoundStep]:
        """Yield what stands at these offsets, in order for each partition.

        Raises:
            UnavailableError: no broker answers.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuilding found.

    Attributes:
        upto: of each partition, up to which offset the store has what it tells.
        complete: whether the topic reached back far enough; otherwise, something may be missing still.
        steps: how many were read.
        unreadable: how many of them cannot be.
        sessions: how many were restored.
        runs: how many runs they have.
        damaged: sessions that could not be restored whole.
    """

    upto: Mapping[int, int]
    complete: bool
    steps: int = 0
    unreadable: int = 0
    sessions: int = 0
    runs: int = 0
    damaged: int = 0


class Rebuilding:
    """Reads the steps topic and gives a store back what it tells.

    Args:
        log: the topic.
        restoring: the store.
        deadlines: of its questions.
        outbox: publishes what was given back, so that it counts for more than what a fenced worker still publishes.
        clock: the time of day.
        ttl_s: how long the store remembers what is over; what is older is not given back.
    """

    def __init__(
        self,
        log: StepsLog,
        restoring: Restoring,
        deadlines: Deadlines,
        outbox: Outbox,
        clock: Clock,
        ttl_s: float,
    ) -> None:
        self._log = log
        self._restoring = restoring
        self._deadlines = deadlines
        self._outbox = outbox
        self._clock = clock
        self._ttl = timedelta(seconds=ttl_s)

    async def run(self, since: Mapping[int, int], progress: Progress) -> Rebuilt:
        """Give back what was published since these offsets; a partition that they do not name is read whole.

        Steps are spooled to a temporary file, by session: memory holds one session at a time.

        Raises:
            RetryError: the broker or the store is away; what was given back by then stays.
        """
        extents = await self._log.extents()
        if extents is None:
            _log.warning("there is no steps topic to rebuild sessions from")
            return Rebuilt({}, complete=False)
        parts = {number: _part(extent, since.get(number)) for number, extent in extents.items()}
        forgotten_at = self._clock.now() - self._ttl
        with StepSpool() as spool:
            steps, unreadable, first_at = await self._spooled(spool, parts, progress)
            missing = [
                n for n, e in extents.items() if _lacks(e, since.get(n), first_at.get(n), forgotten_at)
            ]
            if missing:
                _log.warning("the steps topic does not reach back far enough, in its partitions %s", missing)
            sessions, runs, damaged = await self._restored(spool, forgotten_at, progress)
        upto = {number: extent.end for number, extent in extents.items()}
        return Rebuilt(upto, not (missing or unreadable), steps, unreadable, sessions, runs, damaged)

    async def _spooled(
        self, spool: StepSpool, parts: Mapping[int, Span], progress: Progress
    ) -> tuple[int, int, dict[int, datetime]]:
        total = sum(part.end - part.first for part in parts.values())
        done, unreadable = 0, 0
        first_at: dict[int, datetime] = {}
        batch: list[Step] = []
        async for found in self._log.read(parts):
            done += 1
            first_at.setdefault(found.partition, found.at)
            if found.step is None:
                unreadable += 1
            else:
                batch.append(found.step)
            if len(batch) >= _BATCH:
                spool.add(batch)
                batch.clear()
                progress("steps", done, max(done, total))
        spool.add(batch)
        progress("steps", done, done)
        return done, unreadable, first_at

    async def _restored(
        self, spool: StepSpool, forgotten_at: datetime, progress: Progress
    ) -> tuple[int, int, int]:
        total = spool.count()
        done, runs, damaged = 0, 0, 0
        several: list[tuple[SessionKey, Refolded]] = []
        for key, steps in spool.sessions():
            session, sound = _refolded(key, steps)
            damaged += not sound
            done += 1
            kept = session.since(forgotten_at)
            if kept.runs:
                several.append((key, kept))
                runs += len(kept.runs)
            if len(several) == _AT_ONCE:
                damaged += await self._together(several)
                several = []
                progress("sessions", done, total)
        damaged += await self._together(several)
        progress("sessions", done, total)
        return done, runs, damaged

    async def _together(self, sessions: Sequence[tuple[SessionKey, Refolded]]) -> int:
        """Restore sessions beside each other, and return how many of them are damaged."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._one(key, session), name=f"restore session {key.tag}")
                    for key, session in sessions
                ]
        except* RetryError as several:
            raise UnavailableError(str(several.exceptions[0])) from several
        return sum(task.result() for task in tasks)

    async def _one(self, key: SessionKey, session: Refolded) -> bool:
        for expiry in session.waiting():
            await self._deadlines.keep(expiry)
        try:
            epoch = await self._restoring.restore(key, session)
        except SessionDamagedError as error:
            _log.warning("a session is damaged", extra={"error": str(error)})
            return True
        if steps := list(session.taken_over(epoch, self._clock.now() - _LINGER)):
            await self._outbox.steps(steps)
        return False


def _refolded(key: SessionKey, steps: Sequence[Step]) -> tuple[Refolded, bool]:
    """Return a session, and whether what it remembers could be read; its runs can be in any case."""
    try:
        return refold(steps), True
    except DamagedError as error:
        _log.warning("what session %s remembers is damaged", key.tag, extra={"error": str(error)})
        return refold([replace(step, memory=None) for step in steps]), False


def _part(extent: Span, since: int | None) -> Span:
    """Return what is to be read; offsets beyond the end are those of a topic that was made anew."""
    if since is None or since > extent.end:
        return extent
    return Span(max(extent.first, since), extent.end)


def _lacks(extent: Span, since: int | None, first_at: datetime | None, forgotten_at: datetime) -> bool:
    """Whether steps that a store should know may be missing from a partition."""
    if since is not None:
        return not extent.first <= since <= extent.end
    return extent.first > 0 and first_at is not None and first_at > forgotten_at
