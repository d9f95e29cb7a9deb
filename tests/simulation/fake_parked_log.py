"""The `ParkedLog` port on the fake broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from consumers.errors import HaltError, UnavailableError
from consumers.ports.consumer_group import PartitionId
from schemas.record import Record
from tests.simulation.fake_broker import FakeBroker
from tests.simulation.fake_link import Link

_CATCH_UP_S: Final = 30.0
_AGAIN_S: Final = 0.5
_AT_MOST: Final = 500


class FakeParkedLog:
    """One reader of the whole topic."""

    def __init__(self, broker: FakeBroker, link: Link, topic: str) -> None:
        self._broker = broker
        self._link = link
        self._topic = topic
        self._applied: dict[PartitionId, int] = {}
        self._moved = asyncio.Event()

    async def follow(self, apply: Callable[[Record], None]) -> None:
        """As the port says."""
        if not self._broker.partitions(self._topic):
            raise HaltError(f"the topic {self._topic} does not exist; `pointsman topics create` makes it")
        self._applied = {
            PartitionId(self._topic, number): 0 for number in range(self._broker.partitions(self._topic))
        }
        while True:
            try:
                wanted = dict(self._applied)
                fetched = await self._link.call(
                    "fetch_parked", lambda wanted=wanted: self._broker.fetch(wanted, _AT_MOST)
                )
            except UnavailableError:
                await asyncio.sleep(_AGAIN_S)
                continue
            for pid, chunk in fetched.chunks.items():
                for record in chunk.records:
                    apply(record)
                self._applied[pid] = chunk.after
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
            if all(chunk.after >= chunk.end for chunk in fetched.chunks.values()):
                await asyncio.wait([fetched.news], timeout=_AGAIN_S)

    async def catch_up(self) -> None:
        """As the port says."""
        try:
            async with asyncio.timeout(_CATCH_UP_S):
                while not self._applied:
                    await self._moved.wait()
                ends = await self._link.call(
                    "parked_ends", lambda: {pid: self._broker.log(*pid).stable for pid in self._applied}
                )
                while any(self._applied[pid] < end for pid, end in ends.items()):
                    await self._moved.wait()
        except TimeoutError as error:
            raise UnavailableError(f"{self._topic}: not read to its end") from error

    async def read(self, partition: int, first: int, end: int) -> AsyncIterator[Record]:
        """As the port says."""
        pid = PartitionId(self._topic, partition)
        fetched = await self._link.call("read_parked", lambda: self._broker.fetch({pid: first}, end - first))
        for record in fetched.chunks[pid].records:
            if first <= record.offset < end:
                yield record
