"""A Kafka broker in memory, on the event loop: topics, groups, idempotent producers and transactions.

What it does takes effect in one moment and is never half done; what makes a broker hard lies in the way to it, see
`fake_link`. It knows no wall clock, no threads and no randomness but that of the `random.Random` it is given.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from zlib import crc32

from consumers.ports.consumer_group import Committed, PartitionId
from schemas.record import Outgoing, Record
from tests.simulation.fake_coordinator import FakeCoordinator
from tests.simulation.fake_link import Link
from tests.simulation.fake_log import Entry, FakeLog
from tests.simulation.fake_transaction_log import FakeTransactionLog


@dataclass(frozen=True, slots=True)
class CommitSeen:
    """A commit that was applied.

    Attributes:
        group, partition: where.
        before, after: what was committed and is now.
        by: the member with its generation, or the transactional id with its epoch.
    """

    group: str
    partition: PartitionId
    before: Committed | None
    after: Committed
    by: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a fetch gives of one partition: records, where to go on, and the end of what may be read."""

    records: list[Record]
    after: int
    end: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer to a fetch.

    Attributes:
        chunks: by partition.
        news: done once there may be more anywhere.
    """

    chunks: dict[PartitionId, Chunk]
    news: "asyncio.Future[None]"


class FakeBroker:
    """See the module.

    Args:
        rng: decides everything that is by chance.
        max_message_bytes: larger ones are refused.
    """

    def __init__(self, rng: random.Random, *, max_message_bytes: int = 1_000_000) -> None:
        self.rng = rng
        self.max_message_bytes = max_message_bytes
        self.on_commit: list[Callable[[CommitSeen], None]] = []
        """Called within each commit that is applied."""
        self.on_append: list[Callable[[FakeLog, Sequence[Outgoing]], None]] = []
        """Called within each append, transactional or not."""
        self.links: dict[str, Link] = {}
        self._topics: dict[str, list[FakeLog]] = {}
        self._groups: dict[str, FakeCoordinator] = {}
        self._producers = 0
        self._news: asyncio.Future[None] | None = None
        self.transactions = FakeTransactionLog(rng, self._apply, self._tell_readers)

    # What a test does and looks at. Nothing of it waits.

    def create_topic(self, name: str, partitions: int = 1) -> None:
        """Make a topic, or do nothing where it is there."""
        self._topics.setdefault(name, [FakeLog(PartitionId(name, number)) for number in range(partitions)])

    def connect(self, name: str, **how: object) -> Link:
        """Return a client's link, by the client's name; a new one where the last is dead."""
        link = self.links.get(name)
        if link is None or link.is_dead:
            link = self.links[name] = Link(name, self.rng, **how)  # pyright: ignore[reportArgumentType]
        return link

    def publish(self, topic: str, key: bytes | None, value: bytes | None, **more: object) -> PartitionId:
        """Append a record at once, as a producer without a link."""
        message = Outgoing(topic, key, value, **more)  # pyright: ignore[reportArgumentType]
        pid = self.partition_for(message)
        self.append(pid, [message])
        return pid

    def log(self, topic: str, partition: int) -> FakeLog:
        """Return a partition's log, with everything in it."""
        return self._topics[topic][partition]

    def entries(self, topic: str) -> list[Entry]:
        """Return all entries of a topic, partition after partition."""
        return [entry for log in self._topics[topic] for entry in log.entries]

    def read_committed(self, topic: str) -> list[Record]:
        """Return what a reader of committed records is given by now, partition after partition."""
        return [record for log in self._topics[topic] for record in log.committed_from(0, log.end + 1)[0]]

    def committed(self, group: str, partition: PartitionId) -> Committed | None:
        """Return what a group has committed."""
        return self.group(group).offsets.get(partition)

    def group(self, name: str) -> FakeCoordinator:
        """Return a group's coordinator: members, generation, owners."""
        if name not in self._groups:
            self._groups[name] = FakeCoordinator(name, self.partitions, partial(self._seen, name))
        return self._groups[name]

    # What clients do, each through its link.

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has; none where it does not exist."""
        return len(self._topics.get(topic, ()))

    def partition_for(self, message: Outgoing) -> PartitionId:
        """Return where a message goes; KeyError where its topic does not exist."""
        count = len(self._topics[message.topic])
        number = self.rng.randrange(count) if message.key is None else crc32(message.key) % count
        return PartitionId(message.topic, number)

    def append(
        self,
        pid: PartitionId,
        messages: Sequence[Outgoing],
        *,
        producer: int = -1,
        epoch: int = 0,
        sequence: int = -1,
        in_transaction: bool = False,
    ) -> None:
        """Append a batch. See `FakeLog.append`."""
        log = self.log(*pid)
        now_ms = int(asyncio.get_running_loop().time() * 1000)
        new = log.append(
            messages,
            now_ms=now_ms,
            producer=producer,
            epoch=epoch,
            sequence=sequence,
            in_transaction=in_transaction,
        )
        if new:
            for tell in self.on_append:
                tell(log, messages)
        self._tell_readers()

    def new_producer(self) -> int:
        self._producers += 1
        return self._producers

    def fetch(self, wanted: Mapping[PartitionId, int], at_most: int) -> Fetched:
        """Return what may be read from these offsets on."""
        if self._news is None or self._news.done():
            self._news = asyncio.get_running_loop().create_future()
        found: dict[PartitionId, Chunk] = {}
        for pid, offset in wanted.items():
            log = self.log(*pid)
            records, after = log.committed_from(offset, at_most)
            found[pid] = Chunk(records, after, log.stable)
        return Fetched(found, self._news)

    def close(self) -> None:
        """Let the tasks of crashed and frozen clients end, when they are cancelled."""
        for link in self.links.values():
            link.bury()

    def _tell_readers(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _apply(self, group: str, pid: PartitionId, at: Committed, by: str) -> None:
        self.group(group).apply(pid, at, by)

    def _seen(
        self, group: str, pid: PartitionId, before: Committed | None, after: Committed, by: str
    ) -> None:
        seen = CommitSeen(group, pid, before, after, by)
        for tell in self.on_commit:
            tell(seen)
