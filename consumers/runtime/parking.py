"""Parking: keys that were retried for too long wait on a topic of their own, in order, until somebody releases them."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Final, Protocol

from consumers.errors import UnavailableError
from consumers.ports.consumer_group import PartitionId
from consumers.ports.parked_log import ParkedLog
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.parked_keys import Parked, ParkedKeys
from consumers.runtime.partition import Lane, LaneKey, Mode, Partition, Phase
from consumers.telemetry.metrics import PARKED_KEYS, Metrics
from schemas.dead_letter import DeadLetter
from schemas.errors import UnreadableError
from schemas.parked import ParkedKey, about, read_parked
from schemas.record import Record

_log = logging.getLogger(__name__)

_AGAIN_S: Final = 1.0
_TURNS: Final = {
    (Mode.PARKED, Mode.RELEASING),
    (Mode.RELEASING, Mode.PARKED),
    (Mode.RELEASING, Mode.WORKED),
}


class Releases(Protocol):
    """Works what was parked; the dispatcher does."""

    def release(self, lane: Lane, record: Record, place: tuple[int, int]) -> None:
        """Queue a parked record on its lane."""
        ...

    def wake(self, lane: Lane) -> None:
        """Look at a lane again."""
        ...


class Parking:
    """What this worker knows of parked keys, and the task that works released ones.

    Every worker follows the whole topic, and acts only for the partitions it owns.

    Args:
        log: the parked topic.
        partitions: those that this worker holds, kept up to date by their owner.
        limits: bounds.
        metrics: where figures go.
    """

    def __init__(
        self,
        log: ParkedLog,
        partitions: Mapping[PartitionId, Partition],
        limits: RuntimeLimits,
        metrics: Metrics,
    ) -> None:
        self._log = log
        self._partitions = partitions
        self._limits = limits
        self._metrics = metrics
        self._state = ParkedKeys()
        self._queued = 0
        self._look = asyncio.Event()
        self._room = asyncio.Event()
        self._releases: Releases | None = None

    @property
    def keys(self) -> Mapping[ParkedKey, Parked]:
        """All that is parked, of all workers."""
        return self._state.keys

    @property
    def has_room(self) -> bool:
        """Whether one more key may be parked."""
        return len(self._state.keys) < self._limits.parked_keys

    def mode_of(self, pid: PartitionId, key: LaneKey) -> Mode:
        """Return what is to be done with the records of a key."""
        if isinstance(key, int):
            return Mode.WORKED
        parked = self._state.keys.get(ParkedKey(pid.topic, pid.number, key))
        if parked is None:
            return Mode.WORKED
        return Mode.RELEASING if parked.releasing else Mode.PARKED

    async def catch_up(self) -> None:
        """Know all that was parked before now.

        Raises:
            UnavailableError: the parked topic cannot be read.
        """
        await self._log.catch_up()

    def opened(self) -> None:
        """Take note that partitions were added to those that this worker holds."""
        self._look.set()

    def fed(self) -> None:
        """Take note that a released record has been worked."""
        self._queued -= 1
        self._room.set()

    async def run(self, releases: Releases) -> None:
        """Follow the topic and work what is released, until cancelled."""
        self._releases = releases
        async with asyncio.TaskGroup() as group:
            group.create_task(self._log.follow(self._apply), name="follow the parked topic")
            group.create_task(self._feed_until_cancelled(), name="work released records")

    def _apply(self, record: Record) -> None:
        try:
            content = read_parked(record)
        except UnreadableError as error:
            _log.warning("not ours, so it is left out", extra={"error": str(error)})
            return
        key = self._state.apply(record, content)
        self._metrics.set(PARKED_KEYS, len(self._state.keys))
        partition = self._partitions.get(PartitionId(key.topic, key.partition))
        if partition is None or partition.phase is Phase.GONE or isinstance(content, DeadLetter):
            return  # a letter of this worker's changed its lane when it was written
        lane = partition.lanes.get(key.key)
        mode = self.mode_of(partition.pid, key.key)
        # A lane that was parked just now may not find its letter here yet: only a release opens it again.
        if lane is not None and (lane.mode, mode) in _TURNS:
            lane.mode = mode
            assert self._releases is not None
            self._releases.wake(lane)
        if mode is Mode.RELEASING:
            self._look.set()

    async def _feed_until_cancelled(self) -> None:
        while True:
            await self._look.wait()
            self._look.clear()
            try:
                await self._feed()
            except UnavailableError as error:
                _log.warning("released records wait", extra={"error": str(error)})
                await asyncio.sleep(_AGAIN_S)
                self._look.set()

    async def _feed(self) -> None:
        """Queue the letters of all keys that are being released here, in the order of the topic."""
        spans: dict[int, tuple[int, int]] = {}
        whole: dict[ParkedKey, Lane] = {}
        """The lane of each key, as long as no letter has been passed over: what is behind one must not overtake it."""
        for key, parked in self._state.keys.items():
            if not parked.releasing or (lane := self._lane(key)) is None:
                continue
            left = [place for place in parked.places if place > lane.fed]
            if left:
                low, high = spans.get(parked.partition, (left[0], 0))
                spans[parked.partition] = min(low, left[0]), max(high, left[-1] + 1)
                whole[key] = lane
        for number, (first, end) in spans.items():
            async for record in self._log.read(number, first, end):
                await self._feed_one(record, whole)

    async def _feed_one(self, record: Record, whole: dict[ParkedKey, Lane]) -> None:
        try:
            letter = read_parked(record)
        except UnreadableError:
            return
        if not isinstance(letter, DeadLetter) or (key := about(letter)) not in whole:
            return
        lane = whole[key]
        while self._lane(key) is lane and not self._has_slot():
            self._room.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_S):
                    await self._room.wait()
        parked = self._state.keys.get(key)
        if parked is None or self._lane(key) is not lane:
            del whole[key]  # its partition went away, and came back perhaps: then it is looked at anew
            return
        if record.offset not in parked.places or record.offset <= lane.fed:
            return
        lane.fed = record.offset
        self._queued += 1
        assert self._releases is not None
        self._releases.release(lane, letter.record, (record.partition, record.offset))

    def _lane(self, key: ParkedKey) -> Lane | None:
        """Return the lane on which a key is to be released, or None where that is not this worker's to do now."""
        partition = self._partitions.get(PartitionId(key.topic, key.partition))
        if partition is None or partition.phase is not Phase.OPEN:
            return None
        lane = partition.lanes.get(key.key)
        if lane is None:
            lane = partition.lanes[key.key] = Lane(partition, key.key, Mode.RELEASING)
        return lane if lane.mode is Mode.RELEASING else None

    def _has_slot(self) -> bool:
        """Whether one more released record may be held; those that a lost partition dropped are left out of the count."""
        if self._queued >= self._limits.in_flight:
            lanes = (lane for partition in self._partitions.values() for lane in partition.lanes.values())
            self._queued = sum(len(lane.released) for lane in lanes)
        return self._queued < self._limits.in_flight
