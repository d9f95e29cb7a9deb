"""Dispatch: records of one key one after the other, different keys side by side, within a limit."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from consumers.errors import DeadLetterError, HaltError, RetryError, UnavailableError
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.partition import Partition
from consumers.telemetry.metrics import DEAD_LETTERS, KEYS_WAITING, RETRIES, RUNS_IN_FLIGHT, Metrics
from schemas.record import Record

_log = logging.getLogger(__name__)

Key = tuple[str, bytes | tuple[int, int]]
"""Topic and record key; a record without a key is a key of its own."""


class DeadLetters(Protocol):
    """Where records go that can never be worked."""

    async def send(self, record: Record, error: DeadLetterError, attempts: int) -> None:
        """Publish the record byte for byte with the reason; returns once it is acknowledged.

        Raises:
            RetryError: not acknowledged.
        """
        ...


Handler = Callable[[Record], Awaitable[None]]
"""Works one record; raises RetryError, DeadLetterError or HaltError."""


@dataclass(slots=True)
class _Item:
    record: Record
    partition: Partition
    attempts: int = 0
    first_failure_at: float | None = None


@dataclass(slots=True)
class _Queue:
    items: deque[_Item] = field(default_factory=deque[_Item])
    busy: bool = False
    """Running, or waiting for its retry: not in the ready queue."""


class Dispatcher:
    """Runs the handler for submitted records. Its tasks belong to the task group it is given.

    A key that waits for a retry gives its slot back. A HaltError ends the task group, and with it the worker.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        handler: Handler,
        dead_letters: DeadLetters,
        limits: RuntimeLimits,
        metrics: Metrics,
    ) -> None:
        self._group = group
        self._handler = handler
        self._dead_letters = dead_letters
        self._limits = limits
        self._metrics = metrics
        self._queues: dict[Key, _Queue] = {}
        self._ready: deque[Key] = deque()
        self._running: dict[asyncio.Task[None], Partition] = {}
        self._dead_in_a_row = 0
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    def submit(self, record: Record, partition: Partition) -> None:
        """Queue a record behind the others of its key."""
        key = _key_of(record)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue()
        queue.items.append(_Item(record, partition))
        if not queue.busy:
            queue.busy = True
            self._ready.append(key)
            self._start()

    @property
    def running(self) -> int:
        """Records being worked at this moment."""
        return len(self._running)

    async def drain(self, partitions: set[Partition], deadline_s: float) -> None:
        """Let running work of revoked partitions end, then cancel what has not; queued records are dropped.

        Cancelled work is safe: whoever gets the record next goes on from its journal.
        """
        for partition in partitions:
            partition.revoked = True
        tasks = [task for task, partition in self._running.items() if partition in partitions]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=deadline_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=deadline_s)

    def _start(self) -> None:
        while self._ready and len(self._running) < self._limits.in_flight:
            key = self._ready.popleft()
            queue = self._queues[key]
            while queue.items and queue.items[0].partition.revoked:
                queue.items.popleft()
            if not queue.items:
                del self._queues[key]
                continue
            item = queue.items[0]
            task = self._group.create_task(self._work(key, queue, item), name=f"work {item.record.place}")
            self._running[task] = item.partition
            task.add_done_callback(self._ended)
        self._metrics.set(RUNS_IN_FLIGHT, len(self._running))
        self._metrics.set(KEYS_WAITING, len(self._ready) + len(self._timers))

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._start()

    async def _work(self, key: Key, queue: _Queue, item: _Item) -> None:
        item.attempts += 1
        try:
            await self._handler(item.record)
        except RetryError as error:
            if not self._exhausted(item, error):
                self._wait(key, item, error)
                return
            why = f"given up after {item.attempts} attempts: {error}"
            buried = await self._bury(key, item, DeadLetterError(why, reason="retries_exhausted"))
        except DeadLetterError as error:
            buried = await self._bury(key, item, error)
        except HaltError:
            raise
        except Exception as error:  # noqa: BLE001 - what nobody foresaw must not stop all other events
            _log.exception("an event met an error that nobody foresaw", extra=_where(item.record))
            why = f"{type(error).__name__}, see the log"  # its text may hold anything
            if item.attempts < self._limits.crash_attempts:
                self._wait(key, item, RetryError(why))
                return
            buried = await self._bury(key, item, DeadLetterError(why, reason="crashed"))
        else:
            buried = True
            self._dead_in_a_row = 0
        if buried:
            item.partition.finish(item.record.offset)
            queue.items.popleft()
            self._next(key, queue)

    async def _bury(self, key: Key, item: _Item, error: DeadLetterError) -> bool:
        """Send a record to the dead letters; if they do not take it, the key waits and tries again."""
        try:
            await self._dead_letters.send(item.record, error, item.attempts)
        except RetryError as unsent:
            self._wait(key, item, unsent)
            return False
        self._metrics.add(DEAD_LETTERS, error.reason)
        self._dead_in_a_row += 1
        if self._dead_in_a_row >= self._limits.dead_letters_in_a_row:
            raise HaltError(f"{self._dead_in_a_row} dead letters in a row, the last one: {error}")
        _log.warning(
            "dead letter", extra={"reason": error.reason, "error": str(error), **_where(item.record)}
        )
        return True

    def _next(self, key: Key, queue: _Queue) -> None:
        if queue.items:
            self._ready.append(key)
        else:
            del self._queues[key]

    def _exhausted(self, item: _Item, error: RetryError) -> bool:
        if isinstance(error, UnavailableError):
            return False
        now = asyncio.get_running_loop().time()
        if item.first_failure_at is None:
            item.first_failure_at = now
        return now - item.first_failure_at > self._limits.retry_total_s

    def _wait(self, key: Key, item: _Item, error: RetryError) -> None:
        backoff = min(self._limits.retry_first_s * 2 ** min(item.attempts - 1, 16), self._limits.retry_max_s)
        delay = backoff * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        if error.after_s is not None:
            delay = min(max(error.after_s, 0.01), self._limits.retry_asked_s)
        _log.info("retry", extra={"error": str(error), "seconds": round(delay, 3), **_where(item.record)})
        self._metrics.add(RETRIES)
        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_later(delay, self._again, key)

    def _again(self, key: Key) -> None:
        del self._timers[key]
        self._ready.append(key)
        self._start()


def _key_of(record: Record) -> Key:
    return record.topic, record.key if record.key is not None else (record.partition, record.offset)


def _where(record: Record) -> dict[str, object]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
