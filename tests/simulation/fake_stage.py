"""The fake broker as a stage for the cases of the ports."""

import random
from collections.abc import Sequence

from consumers.ports.consumer_group import ConsumerGroup, PartitionId
from schemas.record import Outgoing, Record
from tests.simulation.fake_broker import FakeBroker
from tests.simulation.fake_group import FakeGroup
from tests.simulation.fake_link import Link
from tests.simulation.fake_producer import FakeProducer
from tests.simulation.fake_transactions import FakeTransactionsOpener


class FakeStage:
    """The `PortStage` on a fake broker."""

    def __init__(self, seed: int = 0) -> None:
        self.broker = FakeBroker(random.Random(seed))
        self.largest_message = self.broker.max_message_bytes + 1
        self._links: dict[ConsumerGroup, tuple[Link, str]] = {}
        self._count = 0

    async def new_topic(self, partitions: int = 1) -> str:
        name = f"topic-{self._next()}"
        self.broker.create_topic(name, partitions)
        return name

    async def publish(self, topic: str, values: Sequence[bytes], partition: int = 0) -> None:
        self.broker.append(PartitionId(topic, partition), [Outgoing(topic, None, value) for value in values])

    def member(self, group: str, *, session_s: float = 5.0, from_end: bool = False) -> ConsumerGroup:
        link = self._link()
        made = FakeGroup(
            self.broker,
            link,
            group=group,
            session_s=session_s,
            heartbeat_s=min(3.0, session_s / 3),
            from_end=from_end,
        )
        self._links[made] = link, group
        return made

    async def crash(self, member: ConsumerGroup) -> None:
        self._links[member][0].bury()  # as crashed, and its tasks end

    async def put_out(self, member: ConsumerGroup) -> None:
        link, group = self._links[member]
        coordinator = self.broker.group(group)
        for name in coordinator.members:
            if name.startswith(f"{link.name}-"):
                coordinator.leave(name)

    async def producer(self) -> FakeProducer:
        return FakeProducer(self.broker, self._link())

    def opener(self, group: str) -> FakeTransactionsOpener:
        return FakeTransactionsOpener(self.broker, self._link(), group=group)

    async def committed_records(self, topic: str) -> list[Record]:
        return self.broker.read_committed(topic)

    def _link(self) -> Link:
        return self.broker.connect(f"client{self._next()}")

    def _next(self) -> int:
        self._count += 1
        return self._count
