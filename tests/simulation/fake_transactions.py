"""The `Transactions` port on the fake broker, call by call: each of them can be the last one of a worker."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from consumers.errors import HaltError, UnavailableError
from consumers.ports.consumer_group import Committed, PartitionId
from consumers.ports.producing import ProducerFencedError
from schemas.record import Outgoing
from tests.simulation.fake_broker import FakeBroker
from tests.simulation.fake_coordinator import MetadataTooLargeError
from tests.simulation.fake_link import Link
from tests.simulation.fake_producer import batches
from tests.simulation.fake_transaction_log import BusyError, FencedError

T = TypeVar("T")

_COMMIT_S: Final = 15.0
_AGAIN_S: Final = 0.02


class FakeTransactions:
    """The transactions of one input partition; made by the opener."""

    def __init__(self, broker: FakeBroker, link: Link, *, group: str, partition: PartitionId) -> None:
        self._broker = broker
        self._link = link
        self._group = group
        self._partition = partition
        self._id = f"{group}-{partition.topic}-{partition.number}"
        self._producer = self._epoch = -1
        self._sequences: Counter[PartitionId] = Counter()
        self._broken = True

    async def commit(self, messages: Sequence[Outgoing], committed: Committed) -> None:
        """As the port says."""
        if self._broken:
            raise UnavailableError(f"{self._id}: broken by an error before; reopen it")
        self._broken = True
        log, name, epoch = self._broker.transactions, self._id, self._epoch
        try:
            async with asyncio.timeout(_COMMIT_S):
                for pid, batch in batches(self._broker, messages).items():
                    await self._call(
                        "add_partition", lambda pid=pid: log.add(name, epoch, self._broker.log(*pid))
                    )
                    await self._call("produce", lambda pid=pid, batch=batch: self._append(pid, batch))
                    self._sequences[pid] += len(batch)
                await self._call(
                    "txn_offset", lambda: log.add_offset(name, epoch, self._group, self._partition, committed)
                )
                await self._call("end_txn", lambda: log.end(name, epoch, commit=True))
        except FencedError as error:
            raise ProducerFencedError(f"{self._id}: another owner has opened it") from error
        except MetadataTooLargeError as error:
            raise HaltError(
                f"{error}: too much metadata for the broker: offset.metadata.max.bytes"
            ) from error
        except TimeoutError as error:
            raise UnavailableError(f"{self._id}: not committed in time, or without an answer") from error
        self._broken = False

    async def reopen(self) -> None:
        """As the port says."""
        self._broken = True
        begin = self._broker.transactions.begin_producer
        try:
            async with asyncio.timeout(_COMMIT_S):
                self._producer, self._epoch = await self._call(
                    "init_producer", lambda: begin(self._id, self._broker.new_producer)
                )
        except TimeoutError as error:
            raise UnavailableError(f"{self._id}: not opened in time") from error
        self._sequences.clear()
        self._broken = False

    async def close(self) -> None:
        """As the port says; what is open ends by its time, or by the next owner."""
        self._broken = True

    def _append(self, pid: PartitionId, batch: Sequence[Outgoing]) -> None:
        self._broker.transactions.check(self._id, self._epoch, self._broker.log(*pid))
        self._broker.append(
            pid,
            batch,
            producer=self._producer,
            epoch=self._epoch,
            sequence=self._sequences[pid],
            in_transaction=True,
        )

    async def _call(self, what: str, effect: Callable[[], T]) -> T:
        """Try until it is answered: the caller's bound ends it."""
        while True:
            try:
                return await self._link.call(what, effect)
            except (UnavailableError, BusyError):
                await asyncio.sleep(_AGAIN_S)


class FakeTransactionsOpener:
    """The `TransactionsOpener` port."""

    def __init__(self, broker: FakeBroker, link: Link, *, group: str) -> None:
        self._broker = broker
        self._link = link
        self._group = group

    async def open(self, partition: PartitionId) -> FakeTransactions:
        """As the port says."""
        made = FakeTransactions(self._broker, self._link, group=self._group, partition=partition)
        await made.reopen()
        return made
