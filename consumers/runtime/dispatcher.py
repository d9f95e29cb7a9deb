"""Dispatch: records of one key one after the other, different keys side by side, within a limit."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Iterable

from consumers.errors import DeadLetterError, PointsmanError, RetryError
from consumers.ports.claim import HandedOverError
from consumers.runtime.backoff import delay_s
from consumers.runtime.letters import Letters
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.parking import Parking
from consumers.runtime.partition import (
    PUBLISHING,
    WAITS_FOR_SLOT,
    End,
    Item,
    Lane,
    Mode,
    Partition,
    Phase,
)
from consumers.runtime.publishing import Publisher
from consumers.runtime.working import Working
from consumers.telemetry.metrics import HANDED_OVER, RETRIES, Metrics
from schemas.record import Record

_log = logging.getLogger(__name__)


class Dispatcher:
    """Runs the handler for submitted items. Its tasks belong to the task group it is given.

    A key that waits for a retry gives its slot back. A HaltError ends the task group, and with it the worker.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        working: Working,
        publisher: Publisher,
        letters: Letters,
        parking: Parking,
        limits: RuntimeLimits,
        metrics: Metrics,
        rng: random.Random,
    ) -> None:
        self._group = group
        self._working = working
        self._publisher = publisher
        self._letters = letters
        self._parking = parking
        self._limits = limits
        self._metrics = metrics
        self._rng = rng
        self._ready: deque[Lane] = deque()
        self._running: dict[Item, asyncio.Task[None]] = {}
        self._slots = 0
        self._starting = False
        self._waiting = 0
        self._clock = asyncio.get_running_loop().time
        self.room = asyncio.Event()
        """Set while there are free slots, or will be soon: reading more makes sense."""
        self.room.set()

    @property
    def running(self) -> int:
        """Records being worked at this moment."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Keys that wait for a slot or for their retry."""
        return len(self._ready) + self._waiting

    def submit(self, partition: Partition, record: Record) -> None:
        """Queue a delivered record behind the others of its key."""
        key = record.key if record.key is not None else record.offset
        lane = partition.lanes.get(key)
        if lane is None:
            lane = partition.lanes[key] = Lane(partition, key, self._parking.mode_of(partition.pid, key))
        item = Item(record, record.size, lane, self._clock())
        partition.hold(item)
        lane.arrived.append(item)
        self.wake(lane)

    def wake(self, lane: Lane) -> None:
        """Look at a lane again: it has something new to do, or may do again what it has."""
        if lane.busy:
            return
        if lane.queue and lane.partition.may_begin:
            lane.busy = True
            self._ready.append(lane)
            self._start()
        elif lane.is_done:
            lane.partition.lanes.pop(lane.key, None)

    def release(self, lane: Lane, record: Record, place: tuple[int, int]) -> None:
        """Queue a record that was parked, before those that have arrived on its lane since."""
        lane.released.append(Item(record, record.size, lane, self._clock(), place))
        self.wake(lane)

    def resume(self, partitions: Iterable[Partition]) -> None:
        """Go on with what was left when partitions were being handed over, or their membership was uncertain."""
        for partition in partitions:
            for lane in list(partition.lanes.values()):
                self.wake(lane)

    async def settle(self, partitions: Iterable[Partition], deadline_s: float) -> bool:
        """Wait until no work of these partitions is under way, at most so long; True if none is.

        Their phase must not be OPEN: then work ends at its next step and none begins.
        """
        chosen = set(partitions)
        tasks = [task for item, task in self._running.items() if item.lane.partition in chosen]
        if not tasks:
            return True
        _, late = await asyncio.wait(tasks, timeout=deadline_s)
        return not late

    def abandon(self, partition: Partition) -> list[asyncio.Task[None]]:
        """Drop all that is held of a partition that is GONE; return the tasks that are being cancelled.

        Cancelled work is safe: whoever gets the record next goes on from its journal.
        """
        for lane in partition.lanes.values():
            self._stop_waiting(lane)
            lane.arrived.clear()
            lane.released.clear()
        partition.lanes.clear()
        items = [item for item in self._running if item.lane.partition is partition]
        tasks = [self._running.pop(item) for item in items]
        for item, task in zip(items, tasks, strict=True):
            item.abandoned = True
            task.cancel(f"{partition.pid} was taken away")
        return tasks

    def published(self, item: Item) -> None:
        """As the publisher's protocol says."""
        lane = item.lane
        queue = lane.arrived if item.place is None else lane.released
        if queue and queue[0] is item:
            queue.popleft()
        if item.place is not None:
            self._parking.fed()
            if item.end is End.PARKED:  # it failed again: those behind it stay on their topic
                lane.mode = Mode.PARKED
                lane.released.clear()
                lane.fed = -1
        lane.busy = False
        self.wake(lane)
        self._working.count(item)

    def unpublished(self, item: Item, error: PointsmanError) -> None:
        """As the publisher's protocol says: try again, with other outputs where the broker will not take these."""
        if isinstance(error, DeadLetterError):
            self._letters.rewrite(item, error)
            error = RetryError(str(error), after_s=0.0)
        if not isinstance(error, RetryError):
            raise error
        if item.lane.partition.phase is not Phase.GONE:
            self._wait(item, error)

    def _start(self) -> None:
        """Start one more slot if there is something for it to do; it starts the next one before it waits."""
        if self._ready and not self._starting and self._slots < self._limits.in_flight:
            slot = self._slot()
            try:
                self._group.create_task(slot, name="slot")
            except RuntimeError:
                slot.close()  # the task group is ending, and a timer or an acknowledgement came after that
                return
            self._slots += 1
            self._starting = True
        if len(self._ready) < self._limits.in_flight:
            self.room.set()
        else:
            self.room.clear()

    async def _slot(self) -> None:
        """Work one item after the other while some are ready: where handlers do not wait, one slot does it all."""
        task = asyncio.current_task()
        assert task is not None
        self._starting = False
        try:
            while (item := self._take()) is not None:
                self._running[item] = task
                self._start()
                try:
                    await self._work(item)
                except asyncio.CancelledError:
                    if not item.abandoned:
                        raise
                    task.uncancel()  # it was this item that was cancelled, and the slot goes on
        finally:
            self._slots -= 1

    def _take(self) -> Item | None:
        while self._ready:
            lane = self._ready.popleft()
            if lane.queue and lane.partition.may_begin:
                item = lane.queue[0]
                item.running = True
                return item
            lane.busy = False
        return None

    def _ended(self, item: Item) -> None:
        item.running = False
        self._running.pop(item, None)

    async def _work(self, item: Item) -> None:
        try:
            if item.outputs is None:
                await self._working.work_out(item)
        except HandedOverError as error:
            self._ended(item)
            self._hand_over(item, error)
        except RetryError as error:
            self._ended(item)
            self._wait(item, error)
        except BaseException:
            self._ended(item)
            raise
        else:
            self._ended(item)
            item.now(PUBLISHING)
            self._publisher.publish(item)

    def _hand_over(self, item: Item, error: HandedOverError) -> None:
        self._metrics.add(HANDED_OVER)
        item.now(str(error))
        item.lane.busy = False
        if item.lane.partition.may_begin:  # it was in doubt for a moment only
            self.wake(item.lane)

    def _wait(self, item: Item, error: RetryError) -> None:
        delay = delay_s(error, item.attempts, self._limits, self._rng)
        item.now(f"waits to be tried again: {error}")
        _log.info("retry", extra={"error": str(error), "seconds": round(delay, 3), **item.where})
        self._metrics.add(RETRIES)
        self._waiting += 1
        lane = item.lane
        lane.timer = asyncio.get_running_loop().call_later(delay, self._again, lane)

    def _again(self, lane: Lane) -> None:
        self._stop_waiting(lane)
        lane.queue[0].now(WAITS_FOR_SLOT)
        self._ready.append(lane)
        self._start()

    def _stop_waiting(self, lane: Lane) -> None:
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
            self._waiting -= 1
