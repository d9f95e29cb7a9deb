"""A replay from its order to its report, whatever its mode."""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from consumers.app.config_file import ConfigFile
from consumers.app.rebuild_processes import run_in_processes
from consumers.app.replay_figures import JobFigures, followed
from consumers.app.replay_jobs import Progress, open_jobs, refuse_unsigned
from consumers.app.replay_live import live, telling
from consumers.app.replay_rebuild import run_rebuild
from consumers.app.replay_shadow import run_shadow
from consumers.app.replay_worked import run_worked
from consumers.errors import HaltError, PointsmanError, UnavailableError
from consumers.ports.jobs import Jobs
from consumers.replay.differences import markdown as differences_page
from consumers.replay.job import Job
from consumers.replay.mode import Mode
from consumers.replay.order import Order
from consumers.replay.pace import Pace
from consumers.replay.reached import Tally
from consumers.replay.report import JobRecord, State, worked_tally
from consumers.replay.shares import processes_for
from schemas.errors import SchemaError


@dataclass(frozen=True, slots=True)
class How:
    """How a job is worked this time; nothing of it is part of the order.

    Attributes:
        rate: events a second at most, or None.
        at_once: events that are worked beside each other, where models are asked.
        yield_lag: records that live workers may be behind before the job waits for them.
        allow_older: the operator answers for it that events which are older than the steps topic were never worked.
        metrics_port: where metrics and health are served at `telemetry.host`; 0 takes a free one, None serves none.
        processes: that share a rebuild; None for as many as are worth it, one where there is a rate.
        eager: whether whoever owns the process has it compete for processor time; see `give_way`.
    """

    rate: float | None = None
    at_once: int = 8
    yield_lag: int = 100
    allow_older: bool = False
    metrics_port: int | None = None
    processes: int | None = None
    eager: bool = False


async def replayed(
    file: ConfigFile,
    record: JobRecord,
    how: How,
    *,
    progress: Progress,
    stop: asyncio.Event,
    served: Callable[[str], None] | None = None,
) -> JobRecord:
    """Work a job from where it stands to its end, or until it is told to stop, and return how it stands then.

    It is kept before anything is done, and again at the end, with the error where one ended it. A process that is killed
    in between leaves the job as it was kept, and its progress where it was committed: working it again goes on there.

    Args:
        file: the configuration.
        record: the job; a new one, or one that was stopped.
        how: how it is worked this time.
        progress: told records done and records in all.
        stop: set it to have the job stopped in order.
        served: told where metrics and health are served, if they are.

    Raises:
        ConfigurationError: the port of the metrics cannot be had; nothing was begun.
        HaltError: the job is over, or nobody ordered it whose word counts; or going on would do damage.
        UnavailableError: Redis or Kafka is away.
    """
    job = record.job
    if record.state is State.OVER:
        raise HaltError(f"replay {job.id} is over; order a new one")
    refuse_unsigned(file, Order(job, record.signature))
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        figures = JobFigures(job)
        if how.metrics_port is not None:
            address = await figures.serve(file.config.telemetry.host, how.metrics_port, stack)
            if served:
                served(address)
        jobs = await stack.enter_async_context(open_jobs(file))
        await jobs.keep(job.id, record.document())
        asked = await live(file.config, stack)
        pace = Pace(how.rate, telling(asked.lag, how.yield_lag), most_lag=how.yield_lag)
        if how.metrics_port is not None:
            await stack.enter_async_context(followed(figures, jobs, pace, stop))

        async def kept(done: JobRecord) -> JobRecord:
            seconds = round(record.seconds + time.monotonic() - began, 3)
            done = replace(done, used=dict(await jobs.used(job.id)), seconds=seconds)
            await jobs.keep(job.id, done.document())
            return done

        try:
            done = await _Parts(file, how, jobs, pace, progress, stop, figures).work(record)
        except Exception as error:
            with contextlib.suppress(UnavailableError):  # it may be Redis that is away
                await kept(replace(record, state=State.STOPPED, why=_why(error)))
            raise
        return await kept(done)


def _why(error: Exception) -> str:
    """Return what ended a job, in words of ours only: those of others may hold anything."""
    ours = error.subgroup((PointsmanError, SchemaError)) if isinstance(error, ExceptionGroup) else None
    found = ours or error
    while isinstance(found, ExceptionGroup):
        found = found.exceptions[0]
    return str(found) if isinstance(found, PointsmanError | SchemaError) else type(found).__name__


@dataclass(frozen=True, slots=True)
class _Parts:
    """What every mode works with."""

    file: ConfigFile
    how: How
    jobs: Jobs
    pace: Pace
    progress: Progress
    stop: asyncio.Event
    figures: JobFigures

    async def work(self, record: JobRecord) -> JobRecord:
        """Work a job, and return how it stands then."""
        match record.job.mode:
            case Mode.REBUILD:
                return await self._rebuild(record)
            case Mode.SHADOW:
                return await self._shadow(record)
            case Mode.RESUME | Mode.BACKFILL:
                return await self._work(record)

    async def _rebuild(self, record: JobRecord) -> JobRecord:
        tally = await self._rebuilt(record.job)
        return replace(record, state=self._state, why="", tally=dict(tally))

    async def _rebuilt(self, job: Job) -> Tally:
        how = self.how
        processes = how.processes or (1 if how.rate else processes_for(job, os.cpu_count() or 1))
        if processes == 1:
            return await run_rebuild(
                self.file,
                job,
                progress=self.progress,
                stop=self.stop,
                pace=self.pace,
                figures=self.figures,
            )
        return await run_in_processes(
            self.file,
            job,
            processes,
            progress=self.progress,
            stop=self.stop,
            pace=self.pace,
            figures=self.figures,
        )

    async def _shadow(self, record: JobRecord) -> JobRecord:
        came_to = await run_shadow(
            self.file,
            record.job,
            progress=self.progress,
            stop=self.stop,
            pace=self.pace,
            jobs=self.jobs,
            reads=record.reads,
            ignored=frozenset(record.ignored),
            at_once=self.how.at_once,
            figures=self.figures,
        )
        found = came_to.found
        return replace(
            record,
            state=State.BOUND if came_to.bound else self._state,
            why=came_to.bound,
            tally={"read": came_to.tally.total(), **came_to.tally},
            found=found.document(),
            page=differences_page(found, came_to.tally),
        )

    async def _work(self, record: JobRecord) -> JobRecord:
        done = 0

        def told(so_far: int, total: int) -> None:
            nonlocal done
            done = so_far
            self.progress(so_far, total)

        tally = await run_worked(
            self.file,
            record.job,
            progress=told,
            stop=self.stop,
            pace=self.pace,
            jobs=self.jobs,
            at_once=self.how.at_once,
            allow_older=self.how.allow_older,
            figures=self.figures,
        )
        state = State.BOUND if tally.at_bound else State.STOPPED if tally.why else self._state
        counted = worked_tally(done, await self.jobs.ends(record.job.id), record.tally, tally)
        return replace(record, state=state, tally=counted, why=tally.why)

    @property
    def _state(self) -> State:
        return State.STOPPED if self.stop.is_set() else State.OVER
