"""The `ConsumerGroup` port on the fake broker, with aiokafka's habits: eager rebalances, heartbeats by a task."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, TypeVar

from consumers.errors import HaltError, UnavailableError
from consumers.ports.consumer_group import Committed, Listener, PartitionId, PartitionsLostError
from schemas.record import Record
from tests.simulation.fake_broker import FakeBroker
from tests.simulation.fake_coordinator import MetadataTooLargeError, UnknownMemberError
from tests.simulation.fake_fetcher import FakeFetcher
from tests.simulation.fake_link import Link
from tests.simulation.fake_membership import FakeMembership

T = TypeVar("T")

_CALL_S: Final = 10.0
_REBALANCE_S: Final = 30.0
"""How much longer than asked a poll may take: it is held back during a rebalance."""


class FakeGroup:
    """One membership.

    Args:
        broker: the broker.
        link: the way to it.
        group: the group's name.
        session_s, heartbeat_s, rebalance_s, max_poll_s: as the settings of Kafka's consumers.
        from_end: whether a group without a commit begins at the end.
    """

    def __init__(
        self,
        broker: FakeBroker,
        link: Link,
        *,
        group: str,
        session_s: float = 45.0,
        heartbeat_s: float = 3.0,
        rebalance_s: float = 60.0,
        max_poll_s: float = 300.0,
        from_end: bool = False,
    ) -> None:
        self._broker = broker
        self._link = link
        self._coordinator = broker.group(group)
        self._from_end = from_end
        self._fetcher = FakeFetcher(broker, link)
        self._membership = FakeMembership(
            self._coordinator,
            link,
            self._fetcher,
            session_s=session_s,
            heartbeat_s=heartbeat_s,
            rebalance_s=rebalance_s,
            max_poll_s=max_poll_s,
        )
        self._committing = asyncio.Lock()

    async def start(self, topics: AbstractSet[str], listener: Listener) -> None:
        """As the port says."""
        counts = await self._bounded(
            "metadata", lambda: {t: self._broker.partitions(t) for t in sorted(topics)}
        )
        if missing := [topic for topic, count in counts.items() if not count]:
            raise HaltError(f"no such topic: {', '.join(missing)}; `pointsman topics create` makes it")
        self._membership.begin(frozenset(topics), listener)

    async def stop(self) -> None:
        """As the port says."""
        await self._membership.end()

    async def poll(self, *, timeout_s: float, max_records: int) -> Mapping[PartitionId, Sequence[Record]]:
        """As the port says."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        self._membership.polled()
        try:
            async with asyncio.timeout(timeout_s + _REBALANCE_S):
                await self._membership.settled.wait()
        except TimeoutError:
            return {}
        found = await self._fetcher.poll(deadline, max_records)
        self._membership.polled()
        return found

    def pause(self, partitions: AbstractSet[PartitionId]) -> None:
        """As the port says."""
        self._fetcher.pause(partitions)

    def resume(self, partitions: AbstractSet[PartitionId]) -> None:
        """As the port says."""
        self._fetcher.resume(partitions)

    def seek(self, partition: PartitionId, offset: int) -> None:
        """As the port says."""
        self._fetcher.seek(partition, offset)

    def position(self, partition: PartitionId) -> int | None:
        """As the port says."""
        return self._fetcher.position(partition)

    def end(self, partition: PartitionId) -> int | None:
        """As the port says."""
        return self._fetcher.end(partition)

    async def committed(self, partitions: AbstractSet[PartitionId]) -> Mapping[PartitionId, Committed]:
        """As the port says."""
        offsets = self._coordinator.offsets
        wanted = sorted(partitions)
        return await self._bounded("committed", lambda: {p: offsets[p] for p in wanted if p in offsets})

    async def start_offset(self, partition: PartitionId) -> int:
        """As the port says."""
        log = self._broker.log(*partition)
        return await self._bounded("start_offset", lambda: log.stable if self._from_end else log.first)

    async def commit(self, offsets: Mapping[PartitionId, Committed]) -> None:
        """As the port says."""
        async with self._committing:
            member, generation = self._membership.identity
            if member is None or offsets.keys() - self._fetcher.assigned:
                raise PartitionsLostError("the partitions were taken away")
            wanted = dict(offsets)
            try:
                await self._bounded("commit", lambda: self._coordinator.commit(member, generation, wanted))
            except UnknownMemberError as error:
                raise PartitionsLostError(f"the group has gone on without us: {error}") from error
            except MetadataTooLargeError as error:
                raise HaltError(
                    f"{error}: too much metadata for the broker: offset.metadata.max.bytes"
                ) from error

    async def confirm(self) -> bool:
        """As the port says."""
        member, generation = self._membership.identity
        if member is None:
            return False
        try:
            return await self._bounded("confirm", lambda: self._coordinator.heartbeat(member, generation))
        except (UnavailableError, UnknownMemberError):
            return False

    async def _bounded(self, what: str, effect: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(_CALL_S):
                return await self._link.call(what, effect)
        except TimeoutError as error:
            raise UnavailableError(f"{what}: the broker does not answer") from error
