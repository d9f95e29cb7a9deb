"""What the steps topic tells of runs that the session store has no journal of, or none any more.

A journal is forgotten some days after its run ended, and a store can be lost; the topic is kept for longer. A run counts as
never worked only if neither knows it, and if the topic goes back far enough to know.
"""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol, Self

from consumers.adapters.kafka_reader import Span
from consumers.adapters.kafka_steps import FoundStep
from consumers.errors import HaltError
from consumers.ports.clock import Clock
from consumers.ports.sessions import CLOCKS
from consumers.session import place
from schemas.envelope import Envelope
from schemas.record import Record
from schemas.step import Step, StepKind

_BATCH: Final = 1_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENDS: Final = frozenset({place.OUTCOME, place.ERASED})


class StepsLog(Protocol):
    """The steps topic."""

    async def extents(self) -> Mapping[int, Span] | None:
        """Return what each partition holds now; None where there is no such topic."""
        ...

    def read(self, parts: Mapping[int, Span]) -> AsyncIterator[FoundStep]:
        """Yield what stands at these offsets, in order for each partition."""
        ...


class Trace(StrEnum):
    """How far the topic saw a run come."""

    BEGUN = "begun"
    ENDED = "ended"


class Evidence:
    """A context manager: what was read lies in a temporary file that is gone after it, 40 bytes or so a run.

    Its reads and writes block for less than a millisecond, or some for a thousand steps.

    Args:
        clock: the time of day.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: datetime | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="pointsman-evidence-")
        self._database = sqlite3.connect(Path(self._folder.name) / "runs.db", isolation_level=None)
        # A temporary file need not outlive a crash.
        self._database.execute("pragma journal_mode = off")
        self._database.execute("pragma synchronous = off")
        self._database.execute("create table runs (run text primary key, ended integer) without rowid")
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()
        self._folder.cleanup()

    async def gather(self, log: StepsLog, progress: Callable[[int, int], None]) -> None:
        """Read the whole topic once; `progress` is told steps read and steps in all.

        Raises:
            HaltError: there is no such topic, so nobody can say what was worked.
            UnavailableError: the broker is away.
        """
        extents = await log.extents()
        if extents is None:
            raise HaltError("there is no steps topic: nobody can say which events were worked before")
        begun_at = self._clock.now()
        total, done = sum(extent.end - extent.first for extent in extents.values()), 0
        begins: dict[int, datetime] = {}
        batch: list[tuple[str, bool]] = []
        async for found in log.read(extents):
            done += 1
            begins.setdefault(found.partition, found.at)
            if found.step is None:
                self._lacks_before(found.at)
            elif _is_of_run(found.step):
                batch.append((found.step.run_id, _tells_end(found.step)))
            if len(batch) >= _BATCH:
                self._add(batch)
                batch = []
                progress(done, max(done, total))
                await asyncio.sleep(0)
        self._add(batch)
        for number, extent in extents.items():
            if extent.first > 0:  # earlier steps were deleted
                self._lacks_before(begins.get(number, begun_at))
        progress(done, done)

    def of(self, run_id: str) -> Trace | None:
        """Return what the topic had of a run when it was read; None where it had nothing."""
        found = self._database.execute("select ended from runs where run = ?", (run_id,)).fetchone()
        if found is None:
            return None
        return Trace.ENDED if found[0] else Trace.BEGUN

    def covers(self, since: datetime) -> bool:
        """Whether the topic would show what was worked since a time, whenever that was."""
        return self._since is None or since >= self._since + CLOCKS

    @property
    def since(self) -> datetime | None:
        """From when on the topic tells everything, clocks being what they are; None where it always did."""
        return self._since and self._since + CLOCKS

    def _lacks_before(self, at: datetime) -> None:
        self._since = at if self._since is None else max(self._since, at)

    def _add(self, batch: list[tuple[str, bool]]) -> None:
        self._database.execute("begin")
        self._database.executemany(
            "insert into runs values (?, ?) on conflict do update set ended = max(ended, excluded.ended)",
            batch,
        )
        self._database.execute("commit")


def there_since(event: Envelope, record: Record) -> datetime:
    """Return when an event happened or was published, the earlier of the two: it was worked after both.

    A publisher's clock may be ahead, and a copy of a record is younger than the first one. A record without a time, or
    with one that is no date, such as one in microseconds, tells nothing.
    """
    if record.timestamp_ms < 0:
        return event.time
    try:
        return min(event.time, _EPOCH + timedelta(milliseconds=record.timestamp_ms))
    except OverflowError:
        return event.time


def _is_of_run(step: Step) -> bool:
    """Whether a step says that its run was worked: that an operator sent its event back says nothing of the kind."""
    return step.kind is not StepKind.REPLAY or _tells_end(step)


def _tells_end(step: Step) -> bool:
    """Whether a step says that its run is over: an outcome can only have been published again where there was one."""
    return step.place in _ENDS or (step.kind is StepKind.REPLAY and "outcome" in step.body)
