"""Shadow: finished runs are decided afresh beside the record; what comes of it is published as differences.

Nothing here can end a run, write to a session or perform a write, nor can anything that it is given.
"""

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from consumers.errors import RetryError, UnavailableError
from consumers.policy.expressions import ExpressionError
from consumers.ports.claim import HandedOverError
from consumers.ports.consumer_group import ConsumerGroup, PartitionId
from consumers.replay.decides import Decides
from consumers.replay.finding import Missing, event_of
from consumers.replay.job import Job
from consumers.replay.progress import PartProgress
from consumers.replay.spans import refuse_unrouted
from consumers.router.route import RouteTable
from schemas.codec.records import RecordCodec
from schemas.difference import Difference
from schemas.errors import RegistryError
from schemas.record import Record

_log = logging.getLogger(__name__)

AT_ONCE: Final = 8
"""Events decided at once, unless something else is asked for."""
PATIENCE_S: Final = 900.0
"""How long one event waits for what is away before the job ends; it goes on there when it is run again."""
DRAIN_S: Final = 30.0
"""How long decisions under way may take once the job is told to stop; they are asked for again by the next run."""
SKIPPED: Final = "skipped: "
NOT_CHOSEN: Final = f"{SKIPPED}not chosen"
_REPEATED: Final = f"{SKIPPED}delivered more than once"
_REMEMBERED: Final = 100_000
"""Runs by which an event is known that is delivered again; a later repetition is decided again, with the same id."""
_COMMIT_S: Final = 1.0
_POLL_S: Final = 0.5
_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0


class Shadow:
    """One run of a job in shadow mode.

    Args:
        job: what was ordered.
        group: not started; has the job's spans, and commits in its own group. Stopped at the end.
        codec: decodes events.
        routes: of the configuration that decides.
        decides: decides.
        publish: publishes a difference, and returns once it is acknowledged; raises RetryError.
        ready: waits until one more event may be decided.
        at_once: events in hand at once.
        patience_s: how long one of them may wait for what is away.
        drain_s: how long decisions may take to end in order.
    """

    def __init__(
        self,
        job: Job,
        *,
        group: ConsumerGroup,
        codec: RecordCodec,
        routes: RouteTable,
        decides: Decides,
        publish: Callable[[Difference], Awaitable[None]],
        ready: Callable[[int], Awaitable[None]],
        at_once: int = AT_ONCE,
        patience_s: float = PATIENCE_S,
        drain_s: float = DRAIN_S,
    ) -> None:
        self._job = job
        self._group = group
        self._codec = codec
        self._routes = routes
        self._decides = decides
        self._publish = publish
        self._ready = ready
        self._at_once = at_once
        self._patience_s = patience_s
        self._drain_s = drain_s
        self._parts: dict[PartitionId, PartProgress] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._begun: set[asyncio.Task[None]] = set()
        """Those that ask somebody already: they are let end in order."""
        self._failure: BaseException | None = None
        self._recent: OrderedDict[str, tuple[tuple[int, int], str | None]] = OrderedDict()
        """Runs by where their event was read, and how that ended where an earlier run of the job has published it."""
        self._committed_at = 0.0

    async def run(self, progress: Callable[[int, int], None], stop: asyncio.Event) -> Counter[str]:
        """Go through what is left of the job, until its end or until `stop` is set.

        What is finished is committed in either case, and where an error ends it.

        Returns:
            How many records ended how, over all runs of the job.

        Raises:
            HaltError: the topic is no route's input, or going on makes no sense.
            RetryError: something stayed away for longer than the patience; a later run goes on there.
        """
        refuse_unrouted(self._job.topic, self._routes)
        parts = self._job.spans.items()
        spans = {PartitionId(self._job.topic, n): span for n, span in parts if span[0] < span[1]}
        if not spans:
            return Counter()
        await self._group.start({self._job.topic}, _Alone())
        try:
            found = await self._group.committed(spans.keys())
            for pid, (first, end) in spans.items():
                part = PartProgress.restored(first, end, found.get(pid))
                self._parts[pid] = part
                self._group.seek(pid, part.next_offset)
            self._group.resume({pid for pid, part in self._parts.items() if not part.is_over})
            await self._go_through(progress, stop)
        finally:
            await self._group.stop()
        if self._failure is not None:
            raise self._failure
        return self.tally

    def remember(self, published: Difference) -> None:
        """Know what an earlier run of the job has published, so that nobody is asked again for what it did not commit."""
        self._recent[published.run_id] = (published.partition, published.offset), str(published.verdict)
        self._forget()

    @property
    def tally(self) -> Counter[str]:
        """How many records ended how, over all runs of the job, as far as it is committed."""
        total: Counter[str] = Counter()
        for part in self._parts.values():
            total.update(part.tally)
        return total

    async def _go_through(self, progress: Callable[[int, int], None], stop: asyncio.Event) -> None:
        stopped = asyncio.create_task(stop.wait(), name="wait for the stop")
        try:
            while not stop.is_set() and not self._failure:
                self._tell(progress)
                if all(part.is_over for part in self._parts.values()):
                    break
                await self._take(stopped)
                await self._commit(within_s=_COMMIT_S)
            await self._drain()
        finally:
            stopped.cancel()
            for task in self._running:
                task.cancel()
            if left := [stopped, *self._running]:
                await asyncio.wait(left)
        await self._commit(within_s=0.0)
        self._tell(progress)

    async def _take(self, stopped: asyncio.Task[bool]) -> None:
        """Take what the next poll gives, each record once there is a hand for it."""
        fetched = await self._poll(stopped)
        for pid, records in fetched.items():
            for record in records:
                while len(self._running) >= self._at_once and not self._failure and not stopped.done():
                    await self._look({stopped})
                    await self._commit(within_s=_COMMIT_S)
                if self._failure or stopped.done():
                    return
                self._parts[pid].take(record.offset)
                name = f"shadow {pid}@{record.offset}"
                self._running.add(asyncio.create_task(self._one(record, self._parts[pid]), name=name))
        for pid, part in self._parts.items():
            if (position := self._group.position(pid)) is not None:
                part.reached(position)
        if self._running:
            await self._look(set(), timeout_s=0.0)

    async def _poll(self, stopped: asyncio.Task[bool]) -> Mapping[PartitionId, Sequence[Record]]:
        clock = asyncio.get_running_loop().time
        began = clock()
        while True:
            try:
                return await self._group.poll(timeout_s=_POLL_S, max_records=self._at_once)
            except UnavailableError as error:
                if clock() - began > self._patience_s:
                    raise
                _log.warning("a shadow replay waits", extra={"reason": str(error)})
                await asyncio.wait({stopped}, timeout=_PAUSE_S)
                if stopped.done():
                    return {}

    async def _look(
        self, beside: AbstractSet[asyncio.Task[bool]], timeout_s: float | None = _COMMIT_S
    ) -> None:
        """Wait until a record is finished, and note the first error."""
        done, _ = await asyncio.wait(
            self._running | beside, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        for task in done & self._running:
            self._running.discard(task)
            self._begun.discard(task)
            if not task.cancelled() and (error := task.exception()):
                self._failure = self._failure or error

    async def _drain(self) -> None:
        """Let what is asked already end in order; what only waits for its turn is left."""
        for task in self._running - self._begun:
            task.cancel()
        clock = asyncio.get_running_loop().time
        until = clock() + self._drain_s
        while self._running and clock() < until:
            await self._look(set(), timeout_s=until - clock())

    async def _one(self, record: Record, part: PartProgress) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        while True:
            try:
                part.finish(record.offset, await self._how(record))
            except HandedOverError:
                raise  # the job is at its bound: waiting does not help
            except RetryError as error:
                pause_s = min(_PAUSE_S if error.after_s is None else error.after_s, _LONGEST_PAUSE_S)
                if clock() + pause_s - began > self._patience_s:
                    raise
                _log.warning("a shadow replay waits", extra={"reason": str(error)})
                await asyncio.sleep(max(pause_s, _PAUSE_S))
            else:
                return

    async def _how(self, record: Record) -> str:
        """Return how a record ends, in few words."""
        if not self._job.chosen.takes_record(record):
            return NOT_CHOSEN
        try:
            found = await event_of(record, self._codec, self._routes)
        except RegistryError as error:
            raise UnavailableError(str(error)) from error
        if isinstance(found, Missing):
            return f"{SKIPPED}{found.value}"
        event, route = found
        try:
            if not self._job.chosen.takes_event(event):
                return NOT_CHOSEN
        except ExpressionError:
            return f"{SKIPPED}the expression has no value on it"
        here = (record.partition, record.offset)
        at, how = self._recent.setdefault(event.run_id, (here, None))
        if at != here:
            return _REPEATED
        if how is not None:
            return how
        self._forget()
        difference = await self._decides.decide(record, event, route, self._begin)
        if isinstance(difference, str):
            return f"{SKIPPED}{difference}"
        await self._publish(difference)
        return str(difference.verdict)

    async def _begin(self) -> None:
        await self._ready(1)
        task = asyncio.current_task()
        if task in self._running:
            self._begun.add(task)

    def _forget(self) -> None:
        while len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)

    async def _commit(self, within_s: float) -> None:
        """Commit what is finished and is not yet, at most so often; what cannot be committed now is with the next, but for the last."""
        now = asyncio.get_running_loop().time()
        moved = {pid: part.committable for pid, part in self._parts.items() if part.has_moved}
        if moved and now - self._committed_at >= within_s:
            self._committed_at = now
            try:
                await self._group.commit(moved)
            except UnavailableError as error:
                if not within_s:
                    raise
                _log.warning("a shadow replay cannot commit now", extra={"reason": str(error)})
                return
            for pid, committed in moved.items():
                self._parts[pid].committed_upto = committed.next_offset

    def _tell(self, progress: Callable[[int, int], None]) -> None:
        progress(sum(part.done for part in self._parts.values()), self._job.records)


class _Alone:
    """Listens to a group that is never rebalanced."""

    async def on_revoked(self, partitions: AbstractSet[PartitionId]) -> None:
        """There is nobody to give anything to."""

    def on_assigned(self, partitions: AbstractSet[PartitionId], generation: int) -> None:
        """All is taken at the start."""
