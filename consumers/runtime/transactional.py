"""Publishing in transactions: outputs and offsets of one input partition become visible together, or not at all.

A transaction is opened only to flush, never across work. One transactional id an input partition, because aiokafka's
transactions do not carry the group's generation (KIP-447): the new owner of a partition fences the former one by it.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from consumers.errors import DeadLetterError, UnavailableError
from consumers.ports.consumer_group import Committed, ConsumerGroup, PartitionId
from consumers.ports.producing import ProducerFencedError, Transactions, TransactionsOpener
from consumers.runtime.finished import ROOM, SEQUEL
from consumers.runtime.partition import Item, Partition, Phase
from consumers.runtime.publishing import Published
from consumers.telemetry.metrics import COMMITS, Metrics

_log = logging.getLogger(__name__)

_BATCH: Final = 500
"""Records whose outputs go into one transaction."""
_AGAIN_S: Final = 0.5


@dataclass(slots=True, eq=False)
class _Line:
    """The transactions of one partition, and what waits for the next one."""

    transactions: Transactions
    pending: deque[Item] = field(default_factory=deque[Item])
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class TransactionalPublisher:
    """Collects outputs and commits them with the offsets, a few times a second.

    Args:
        opener: opens the transactions of a partition.
        group: asked what is committed, and whether we are still its member.
        rewrite: replaces an item's outputs that the broker refuses for good.
        linger_s: how long outputs are collected.
        metrics: where figures go.
        rng: for the marks on commits.
    """

    def __init__(
        self,
        opener: TransactionsOpener,
        group: ConsumerGroup,
        *,
        rewrite: Callable[[Item, DeadLetterError], None],
        linger_s: float,
        metrics: Metrics,
        rng: random.Random | None = None,
    ) -> None:
        self._opener = opener
        self._group = group
        self._rewrite = rewrite
        self._linger_s = linger_s
        self._rng = rng or random.Random()  # noqa: S311 - marks, not secrets
        self._metrics = metrics
        self._lines: dict[PartitionId, _Line] = {}
        self._some = asyncio.Event()
        self._tell: Published | None = None

    async def run(self, tell: Published) -> None:
        """Commit what is collected, until cancelled."""
        self._tell = tell
        while True:
            await self._some.wait()
            await asyncio.sleep(self._linger_s)
            self._some.clear()
            await self.commit({item.lane.partition for line in self._lines.values() for item in line.pending})

    async def open(self, pids: Iterable[PartitionId]) -> None:
        """Fence former owners; for a partition that comes back to us, only decide what was under way."""
        try:
            async with asyncio.TaskGroup() as group:
                for pid in pids:
                    group.create_task(self._open(pid), name=f"open transactions {pid}")
        except* UnavailableError as several:
            first = several.exceptions[0]
            raise UnavailableError(str(first)) from several

    def publish(self, item: Item) -> None:
        """Collect an item; it is finished by the transaction that commits its outputs, and its key goes on before."""
        assert self._tell is not None
        line = self._lines.get(item.lane.partition.pid)
        if line is None:
            lost = UnavailableError(f"{item.lane.partition.pid}: its transactions are not open")
            self._tell.unpublished(item, lost)
            return
        line.pending.append(item)
        self._some.set()
        self._tell.published(item)

    async def commit(self, partitions: Iterable[Partition], *, flush: bool = False) -> None:
        """Commit what is collected for these partitions, and offsets that moved without an output."""
        del flush  # what is collected is part of the commit
        async with asyncio.TaskGroup() as group:
            for partition in partitions:
                if line := self._lines.get(partition.pid):
                    group.create_task(self._flush(line, partition), name=f"commit {partition.pid}")

    async def close(self, pids: Iterable[PartitionId] | None = None) -> None:
        """Drop what is collected for partitions that are not ours any more, and disconnect."""
        gone = list(self._lines) if pids is None else pids
        lines = [line for pid in gone if (line := self._lines.pop(pid, None))]
        for line in lines:
            line.pending.clear()
        await asyncio.gather(*(line.transactions.close() for line in lines))

    async def _open(self, pid: PartitionId) -> None:
        line = self._lines.get(pid)
        if line is None:
            self._lines[pid] = _Line(await self._opener.open(pid))
            return
        async with line.turn:
            await line.transactions.reopen()

    async def _flush(self, line: _Line, partition: Partition) -> None:
        async with line.turn:
            # What an earlier assignment of the partition left behind is worked again from the committed offset.
            line.pending = deque(item for item in line.pending if item.lane.partition.phase is not Phase.GONE)
            if not partition.may_commit:
                return
            if not line.pending and _stripped(partition.committed) == partition.tracker.committable:
                return
            batch = [line.pending.popleft() for _ in range(min(len(line.pending), _BATCH))]
            try:
                await self._commit(line, partition, batch)
            except (UnavailableError, ProducerFencedError) as error:
                line.pending.extendleft(reversed(batch))
                self._some.set()
                self._metrics.add(
                    COMMITS, "lost" if isinstance(error, ProducerFencedError) else "unavailable"
                )
                _log.warning("not committed, trying again", extra={"error": str(error)})

    async def _commit(self, line: _Line, partition: Partition, batch: list[Item]) -> None:
        """Commit a batch, or raise; whichever, it is known whether it was committed."""
        if not partition.may_commit:
            raise UnavailableError(f"{partition.pid} is not ours to commit now")
        offsets = [item.record.offset for item in batch if item.place is None]
        wanted = self._marked(partition.tracker.committable_with(offsets))
        messages = [message for item in batch for message in item.outputs or ()]
        try:
            await line.transactions.commit(messages, wanted)
        except DeadLetterError as refused:
            await self._reopen(line, partition)
            await self._one_by_one(line, partition, batch, refused)
            return
        except (UnavailableError, ProducerFencedError):
            await self._reopen(line, partition)
            now = await self._group.committed({partition.pid})
            if now.get(partition.pid) != wanted:
                raise
        self._metrics.add(COMMITS, "done")
        partition.committed = wanted
        for item in batch:
            partition.finish(item)

    async def _one_by_one(
        self, line: _Line, partition: Partition, batch: list[Item], refused: DeadLetterError
    ) -> None:
        """Find the item whose output is refused and replace that."""
        if len(batch) == 1:
            self._rewrite(batch[0], refused)
            line.pending.appendleft(batch[0])
            self._some.set()
            return
        while batch:
            await self._commit(line, partition, batch[:1])
            del batch[0]  # what is left in the list is not committed, should the next one fail

    async def _reopen(self, line: _Line, partition: Partition) -> None:
        """Begin anew, but only as the owner: opening would fence a rightful owner as well.

        Raises:
            UnavailableError: the broker does not answer, or does not count us as a member.
        """
        await asyncio.sleep(_AGAIN_S * self._rng.uniform(0.2, 1.0))
        if partition.phase is Phase.GONE or not await self._group.confirm():
            raise UnavailableError(f"{partition.pid}: the group does not confirm that it is ours")
        await line.transactions.reopen()

    def _marked(self, committed: Committed) -> Committed:
        """Make a commit unlike any other, so that it can be recognised when its answer is lost."""
        mark = f"{SEQUEL}{self._rng.getrandbits(32):08x}"
        room = ROOM - len(mark)
        text = committed.metadata if len(committed.metadata) <= room else ""
        return replace(committed, metadata=text + mark)


def _stripped(committed: Committed | None) -> Committed | None:
    return committed and replace(committed, metadata=committed.metadata.partition(SEQUEL)[0])
