"""What the process of a replay shows of itself while it works: metrics, and whether it lives and takes events."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Final

from consumers.adapters import health_server
from consumers.errors import ConfigurationError, RetryError
from consumers.ports.jobs import Jobs
from consumers.replay.bounded import EFFECTS, USD
from consumers.replay.job import Job
from consumers.replay.pace import Pace
from consumers.telemetry.health import Health
from consumers.telemetry.metrics import (
    REPLAY_BOUND,
    REPLAY_INFO,
    REPLAY_RECORDS,
    REPLAY_RECORDS_DONE,
    REPLAY_RESULTS,
    REPLAY_USED,
    REPLAY_YIELDS,
    Metrics,
)

_log = logging.getLogger(__name__)

_SUMS: Final = frozenset({"read", "republished"})
"""Words of a tally that count records which other words count too."""
_SCALES: Final[Mapping[str, int]] = {EFFECTS: 1, USD: 1_000_000}
"""What a job's bounds are on, and in how many parts of a unit it is counted."""
_START, _REDIS, _STOP = "start", "redis", "stop"
_STATES: Final = {_STOP: "stopping", _REDIS: "waiting", _START: "starting"}
"""How a job stands by why it is not ready, the most telling reason first."""
_LOOK_S: Final = 1.0


class JobFigures:
    """What there is to see of one job. It counts nothing of its own: it is told what the job's report is told.

    Attributes:
        metrics: of the process; the parts that work the job count on it, too.
        health: of the process; not ready before `tell`.
    """

    def __init__(self, job: Job) -> None:
        self.metrics = Metrics(version=version("pointsman"))
        self.health = Health()
        self._job = job
        self._mode = str(job.mode)
        self._counted: Mapping[str, int] | None = None
        self._yields = 0
        self._state = ""
        self.metrics.set(REPLAY_RECORDS, job.records, self._mode)
        self.metrics.add(REPLAY_YIELDS, self._mode, by=0)
        for what, most in ((EFFECTS, job.bounds.effects), (USD, job.bounds.usd)):
            if most is not None:
                self.metrics.set(REPLAY_BOUND, most, self._mode, what)
        self.health.not_ready(_START, "it has not begun")
        self._stand()

    async def serve(self, host: str, port: int, stack: AsyncExitStack) -> str:
        """Serve them until the stack ends, and return where; port 0 takes a free one.

        Raises:
            ConfigurationError: the address cannot be had.
        """
        try:
            server = await health_server.serve(self.health, self.metrics, host=host, port=port)
        except OSError as error:
            raise ConfigurationError(
                f"--metrics-port {port}: cannot listen on {host} (telemetry.host): {error.strerror or error}; "
                "name another port, or 0 for a free one"
            ) from error
        stack.push_async_callback(server.close)
        return server.address

    @property
    def counted(self) -> Mapping[str, int]:
        """The tally as it was told last."""
        return self._counted or {}

    def waits(self, why: str | None) -> None:
        """Say for what of Redis the job waits, or None once it does not."""
        if why is None:
            self.health.ready(_REDIS)
        else:
            self.health.not_ready(_REDIS, why)
        self._stand()

    def tell(self, done: int, tally: Mapping[str, int]) -> None:
        """Say how many records are done, over all runs of the job, and what became of them; see `count`."""
        self.metrics.set(REPLAY_RECORDS_DONE, done, self._mode)
        self.count(tally)
        self.health.ready(_START)
        self._stand()

    def count(self, tally: Mapping[str, int]) -> None:
        """Count what came to a tally since the first one that was given: that one is of earlier runs."""
        before = tally if self._counted is None else self._counted
        for result, count in tally.items():
            if result not in _SUMS and (more := count - before.get(result, 0)) > 0:
                self.metrics.add(REPLAY_RESULTS, self._mode, result, by=more)
        self._counted = dict(tally)

    def look(self, used: Mapping[str, int] | None, yields: int, *, stopping: bool) -> None:
        """Say what the job has used, how often it has yielded, and whether it was told to stop.

        Args:
            used: as `Jobs.used` returns it, or None where that is not known now.
            yields: as `Pace.yields` counts them.
            stopping: nothing more is taken.
        """
        if used is not None:
            for what, scale in _SCALES.items():
                self.metrics.set(REPLAY_USED, used.get(what, 0) / scale, self._mode, what)
        self.metrics.add(REPLAY_YIELDS, self._mode, by=yields - self._yields)
        self._yields = yields
        if stopping:
            self.health.not_ready(_STOP, "ending in order: nothing more is taken")
        self._stand()

    async def follow(self, jobs: Jobs, pace: Pace, stop: asyncio.Event) -> None:
        """Look once a second at what nobody tells, until cancelled."""
        while True:
            used = None
            try:
                used = await jobs.used(self._job.id)
            except RetryError as error:  # what works the job notices, too, and says so
                _log.debug("what the replay has used is not known now", extra={"error": str(error)})
            self.look(used, pace.yields, stopping=stop.is_set())
            await asyncio.sleep(_LOOK_S)

    def _stand(self) -> None:
        reasons = self.health.reasons
        state = next((state for reason, state in _STATES.items() if reason in reasons), "working")
        if state != self._state:
            about = self._job.id, self._mode, self._job.topic
            self.metrics.forget(REPLAY_INFO, *about, self._state)
            self.metrics.set(REPLAY_INFO, 1, *about, state)
            self._state = state


@asynccontextmanager
async def followed(figures: JobFigures, jobs: Jobs, pace: Pace, stop: asyncio.Event) -> AsyncGenerator[None]:
    """Have figures follow a job for as long as the block lasts."""
    task = asyncio.create_task(figures.follow(jobs, pace, stop), name="replay: figures")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
