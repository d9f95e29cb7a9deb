"""Composition of the modes resume and backfill: a worker of its own beside the live ones, over the spans of a job."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_spans import KafkaSpans
from consumers.adapters.kafka_steps import KafkaSteps
from consumers.adapters.no_parked import NoParkedLog
from consumers.adapters.own_messages import OWN_TENANT
from consumers.app import compose, connections
from consumers.app.config import Config
from consumers.app.config_file import ConfigFile
from consumers.app.handler import RecordHandler
from consumers.app.replay_figures import JobFigures
from consumers.app.replay_live import live
from consumers.app.resolve import resolve
from consumers.app.store import Store
from consumers.errors import HaltError
from consumers.ports.clock import SystemClock
from consumers.ports.consumer_group import PartitionId
from consumers.ports.jobs import Jobs
from consumers.replay.beside import SessionsBeside
from consumers.replay.bounded import BoundedModel, JobAllowance
from consumers.replay.evidence import Evidence
from consumers.replay.job import Job
from consumers.replay.judging import Judging, kept_for
from consumers.replay.pace import Pace
from consumers.replay.worked import Tally, Worked
from consumers.router.route import RouteTable
from consumers.runtime.loop import ConsumerLoop

_log = logging.getLogger(__name__)

AT_ONCE: Final = 8
"""Events that a job works side by side, unless more are asked for."""
_HELD: Final = 20
"""Records held for each one that is worked."""
_LOOK_S: Final = 0.2
_SAY_S: Final = 10.0
"""How often it is said why the job waits."""

Progress = Callable[[int, int], None]


async def run_worked(
    file: ConfigFile,
    job: Job,
    *,
    progress: Progress,
    stop: asyncio.Event,
    pace: Pace,
    jobs: Jobs,
    at_once: int = AT_ONCE,
    allow_older: bool = False,
    figures: JobFigures | None = None,
) -> Tally:
    """Work what a job of mode resume or backfill selects, from where an earlier run of the same job came to.

    Args:
        file: the configuration.
        job: what was ordered; whoever calls has checked its signature.
        progress: told records done and records in all, those of earlier runs included.
        stop: set it to end in order: what is done is committed, and a later run goes on there.
        pace: says when events may be taken.
        jobs: where bounds are kept, and what became of the events.
        at_once: events worked side by side.
        allow_older: the operator answers for it that events which are older than the steps topic were never worked.
        figures: what it shows of itself.

    Raises:
        ConfigurationError: with every mistake in the configuration; nothing was started.
        HaltError, UnavailableError: it cannot begin.
        BaseExceptionGroup: a part of it failed or is wedged; nothing unfinished was committed.
    """
    assert job.mode.works
    resolved = resolve(file)
    if job.output is not None:
        raise HaltError(
            f"job {job.id} works events for real, and subscribers wait for their outcomes on the routes' own topics: "
            f"it takes no other one ({job.output})"
        )
    if SystemClock().now() >= _until(file.config, job):
        raise HaltError(
            f"job {job.id} was ordered on {job.ordered_at:%Y-%m-%d}, and what ended since then may be forgotten "
            "(redis.ttl_days): order a new one, which leaves alone what has ended"
        )
    if job.records == 0:
        return Tally()
    figures = figures or JobFigures(job)
    own = replace(file, config=_own(file.config, job))
    async with AsyncExitStack() as stack:
        codec = connections.codec_of(file.config, stack)
        connection = connections.kafka_connection(file.config.kafka)
        log = KafkaSteps(connection, file.config.kafka.steps_topic, codec, OWN_TENANT)
        asked = await live(file.config, stack)
        beside = _Beside(
            own.config,
            job,
            jobs=jobs,
            pace=pace,
            evidence=stack.enter_context(Evidence(SystemClock())),
            live=await asked.committed(job.topic),
            routes=RouteTable(resolved.routes.values()),
            at_once=at_once,
            allow_older=allow_older,
        )
        worker = await compose.worker(
            own, resolved, stack, beside.parts, beside.handler, beside.group, metrics=figures.metrics
        )
        figures.health.watch("runtime", worker.loop.watch.wedged)
        figures.health.detail("partitions", worker.loop.watch.standings)
        figures.count(beside.worked.tally)
        tell = _telling(figures)
        async with asyncio.TaskGroup() as group:
            leases = group.create_task(worker.store.sessions.keep_leases(), name="keep leases")
            stopper = group.create_task(_stop_on(stop, beside.worked), name="stop")
            ready = group.create_task(_get_ready(worker.store, beside.evidence, log, tell), name="get ready")
            await asyncio.wait([ready, stopper], return_when=asyncio.FIRST_COMPLETED)
            if not beside.worked.stopping.is_set():
                keep = group.create_task(worker.store.keeper.watch(tell), name="keep the store")
                look = group.create_task(
                    _look(worker.loop, beside, progress, figures), name="look how far it came"
                )
                await worker.loop.run()
                for task in (keep, look):
                    task.cancel()
            for task in (leases, stopper, ready):
                task.cancel()
    return beside.worked.tally


class _Beside:
    """What a job puts in place of a live worker's parts."""

    def __init__(
        self,
        config: Config,
        job: Job,
        *,
        jobs: Jobs,
        pace: Pace,
        evidence: Evidence,
        live: Mapping[int, int],
        routes: RouteTable,
        at_once: int,
        allow_older: bool,
    ) -> None:
        self.evidence = evidence
        self.spans = {PartitionId(job.topic, number): span for number, span in job.spans.items()}
        self._config = config
        self._job = job
        self._jobs = jobs
        self._pace = pace
        self._live = live
        self._routes = routes
        self._at_once = at_once
        self._allow_older = allow_older
        # A live worker that takes a run over asks the system twice that long after the intent whether it took effect.
        self._lease_s = min(config.kafka.session_timeout_s, config.limits.action_s)
        self._worked: Worked | None = None

    @property
    def worked(self) -> Worked:
        """The handler, once there is one."""
        assert self._worked is not None
        return self._worked

    def parts(self, made: compose.Parts) -> compose.Parts:
        """Let a job read its spans, wait for live workers, and use no more than it may."""
        job = self._job
        return replace(
            made,
            sessions=SessionsBeside(made.sessions),
            model=BoundedModel(made.model, job, self._jobs),
            limits=replace(made.limits, in_flight=self._at_once, partition_records=self._at_once * _HELD),
            topics=frozenset({job.topic}),
            parked=NoParkedLog(),
            allowance=JobAllowance(job, self._jobs),
            lease_s=self._lease_s,
        )

    def group(self, config: Config) -> KafkaSpans:
        """Read the spans of the job, and nothing else."""
        kafka = config.kafka

        def consumer() -> AIOKafkaConsumer:
            return kafka_clients.group_consumer(
                connections.kafka_connection(kafka),
                group=kafka.group,
                instance_id=None,
                session_timeout_s=kafka.session_timeout_s,
            )

        return KafkaSpans(consumer, self.spans, lease_s=self._lease_s)

    def handler(self, handles: RecordHandler, store: Store) -> Worked:
        """Have what is chosen worked, and the rest left alone."""
        limits = self._config.limits
        judging = Judging(
            self._job, store.sessions, self.evidence, lambda: store.trust.lost_before, self._allow_older
        )
        self._worked = Worked(
            self._job,
            handles=handles,
            routes=self._routes,
            judging=judging,
            jobs=self._jobs,
            pace=self._pace,
            live=self._live,
            clock=SystemClock(),
            until=_until(self._config, self._job),
            patience_s=limits.retry_total_s,
        )
        return self._worked


def _until(config: Config, job: Job) -> datetime:
    return job.ordered_at + kept_for(config.redis.ttl_days)


def _own(config: Config, job: Job) -> Config:
    """Return a configuration in which the job is a group of its own, in which nobody else is."""
    kafka = config.kafka.model_copy(
        update={"group": f"{config.kafka.group}.replay.{job.id}", "instance_id": None}
    )
    return config.model_copy(update={"kafka": kafka})


async def _get_ready(
    store: Store, evidence: Evidence, log: KafkaSteps, tell: Callable[[str | None], None]
) -> None:
    """Return once the store has what it acknowledged, and it is known what the steps topic tells."""
    for warning in await store.unchecked.check():
        _log.warning(warning)
    await store.keeper.settle(tell)
    await evidence.gather(log, lambda _done, _total: None)


def _telling(figures: JobFigures) -> Callable[[str | None], None]:
    """Return what says why the job waits for its store: on the figures at once, in the log now and then."""
    clock = asyncio.get_running_loop().time
    said_at: float | None = None

    def tell(why: str | None) -> None:
        nonlocal said_at
        figures.waits(why)
        if why is not None and (said_at is None or clock() - said_at >= _SAY_S):
            said_at = clock()
            _log.warning("the job waits", extra={"reason": why})

    return tell


async def _stop_on(stop: asyncio.Event, worked: Worked) -> None:
    await stop.wait()
    worked.stop()


async def _look(loop: ConsumerLoop, beside: _Beside, progress: Progress, figures: JobFigures) -> None:
    """Say how far it came, until it came to its end, or is to be stopped."""
    total = sum(end - first for first, end in beside.spans.values())
    while True:
        done = sum(_done(loop, pid, span) for pid, span in beside.spans.items())
        if loop.assigned.is_set():  # before, nobody knows how far earlier runs came
            figures.tell(done, beside.worked.tally)
        progress(done, total)
        if done == total or beside.worked.stopping.is_set():
            loop.stop()
            return
        await asyncio.sleep(_LOOK_S)


def _done(loop: ConsumerLoop, pid: PartitionId, span: tuple[int, int]) -> int:
    partition = loop.partitions.get(pid)
    if partition is None:
        return 0
    first, end = span
    return min(max(partition.tracker.next_offset, first), end) - first
