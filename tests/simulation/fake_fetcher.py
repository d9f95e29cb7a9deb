"""What a member of a group on the fake broker has been given, and how far it has read."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from consumers.ports.consumer_group import PartitionId
from schemas.record import Record
from tests.simulation.fake_broker import Chunk, FakeBroker
from tests.simulation.fake_link import Link


@dataclass(slots=True, eq=False)
class _State:
    """A partition in one assignment; the next assignment has new ones."""

    paused: bool = True
    position: int | None = None
    end: int | None = None
    fetched: deque[Record] = field(default_factory=deque[Record])
    after: int = 0
    """Where the position goes once all that was fetched is delivered."""


class FakeFetcher:
    """Fetches for the partitions that are assigned, sought and not paused."""

    def __init__(self, broker: FakeBroker, link: Link) -> None:
        self._broker = broker
        self._link = link
        self._states: dict[PartitionId, _State] = {}
        self._changed = asyncio.Event()
        self._held = False

    @property
    def assigned(self) -> AbstractSet[PartitionId]:
        return self._states.keys()

    def assign(self, partitions: AbstractSet[PartitionId]) -> None:
        """Begin anew with these, all of them paused; nothing of what was is left."""
        self._states = {pid: _State() for pid in sorted(partitions)}
        self._held = False
        self._changed.set()

    def hold(self) -> None:
        """Deliver nothing until the next assignment."""
        self._held = True

    def pause(self, partitions: AbstractSet[PartitionId]) -> None:
        for state in self._among(partitions):
            state.paused = True
            state.fetched.clear()

    def resume(self, partitions: AbstractSet[PartitionId]) -> None:
        for state in self._among(partitions):
            state.paused = False
        self._changed.set()

    def seek(self, partition: PartitionId, offset: int) -> None:
        for state in self._among({partition}):
            state.position = offset
            state.fetched.clear()
        self._changed.set()

    def position(self, partition: PartitionId) -> int | None:
        state = self._states.get(partition)
        return state.position if state else None

    def end(self, partition: PartitionId) -> int | None:
        state = self._states.get(partition)
        return state.end if state else None

    async def poll(self, deadline: float, max_records: int) -> Mapping[PartitionId, Sequence[Record]]:
        """Return what there is, or wait for more; empty at the deadline."""
        loop = asyncio.get_running_loop()
        while not (found := self._take(max_records)):
            self._changed.clear()
            changed = asyncio.ensure_future(self._changed.wait())
            waits: list[asyncio.Future[Any]] = [changed]
            try:
                states = {} if self._held else self._wanting()
                if states:
                    wanted = {pid: state.position or 0 for pid, state in states.items()}
                    fetched = await self._link.call(
                        "fetch", lambda wanted=wanted: self._broker.fetch(wanted, max_records)
                    )
                    for pid, chunk in fetched.chunks.items():
                        self._keep(pid, states[pid], wanted[pid], chunk)
                    if not self._held and any(state.fetched for state in states.values()):
                        continue
                    waits.append(fetched.news)
                left = deadline - loop.time()
                if left <= 0:
                    return {}
                await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            finally:
                changed.cancel()
        return found

    def _keep(self, pid: PartitionId, state: _State, asked_from: int, chunk: Chunk) -> None:
        if self._states.get(pid) is not state or state.position != asked_from or state.paused:
            return  # assigned anew, sought or paused meanwhile: nobody wants this any more
        state.fetched.extend(chunk.records)
        state.after, state.end = chunk.after, chunk.end
        if not chunk.records:
            state.position = chunk.after

    def _take(self, max_records: int) -> dict[PartitionId, list[Record]]:
        found: dict[PartitionId, list[Record]] = {}
        if self._held:
            return found
        left = max_records
        for pid, state in self._states.items():
            if not state.fetched or state.paused or not left:
                continue
            records = [state.fetched.popleft() for _ in range(min(left, len(state.fetched)))]
            left -= len(records)
            state.position = records[-1].next_offset if state.fetched else state.after
            found[pid] = records
        return found

    def _wanting(self) -> dict[PartitionId, _State]:
        return {
            pid: state
            for pid, state in self._states.items()
            if not state.paused and state.position is not None and not state.fetched
        }

    def _among(self, partitions: AbstractSet[PartitionId]) -> list[_State]:
        return [self._states[pid] for pid in partitions if pid in self._states]
