"""Transactions on aiokafka's transactional producer: of one input partition, or of one replay.

aiokafka speaks the first version of the protocol: no group generation with the offsets (KIP-447), no new epoch in place
(KIP-360). What works is one transactional id for whoever reads, and a producer that is thrown away after any error.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    ProducerFenced,
)
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters.kafka_bulk import send_all
from consumers.adapters.kafka_clients import KafkaConnection, producer, stop
from consumers.adapters.kafka_refused import FAILURES, Topics, causes, meaning
from consumers.errors import PointsmanError, UnavailableError
from consumers.ports.consumer_group import Committed, PartitionId
from consumers.ports.producing import ProducerFencedError
from schemas.record import Outgoing

_log = logging.getLogger(__name__)

_COMMIT_S: Final = 20.0
_OPEN_S: Final = 20.0
_FENCED: Final = (ProducerFenced, InvalidProducerEpoch, InvalidProducerIdMapping)


class TransactionalSender:
    """Messages, and offsets of one group, in one transaction: both become visible, or neither does.

    Whoever opens the same transactional id later fences this one.

    Args:
        what: whose transactions these are, for errors.
        group: whose offsets are committed.
        make: makes a transactional producer, not started.
    """

    def __init__(self, what: str, group: str, make: Callable[[], AIOKafkaProducer]) -> None:
        self._what = what
        self._group = group
        self._make = make
        self._producer: AIOKafkaProducer | None = None
        self._topics = Topics()

    async def commit(self, messages: Sequence[Outgoing], offsets: Mapping[PartitionId, Committed]) -> None:
        """Publish the messages and commit the offsets in one transaction.

        Raises:
            ProducerFencedError: somebody else has opened this id.
            UnavailableError: nothing is known; `reopen`, then ask the group what is committed.
            DeadLetterError, HaltError: as `Producer.send`; nothing was published. `reopen` before the next commit.
        """
        if self._producer is None:
            raise UnavailableError(f"{self._what}: its transactions are to be opened again")
        wanted = {
            TopicPartition(*partition): OffsetAndMetadata(at.next_offset, at.metadata)
            for partition, at in offsets.items()
        }
        try:
            async with asyncio.timeout(_COMMIT_S):
                await self._topics.check(self._producer, messages)
                await _transact(self._producer, messages, self._group, wanted)
        except BaseException as error:
            # Whatever it was, this producer's state is not known any more. The next `reopen` ends its transaction.
            await self.close()
            self._topics.forget()
            if isinstance(error, FAILURES):
                raise self._meaning(error, messages) from error
            raise

    async def reopen(self) -> None:
        """Fence whoever has this id and end their transaction: after this, what is committed is decided.

        Raises:
            ProducerFencedError: somebody else opens it at the same time.
            UnavailableError: the broker does not answer.
        """
        await self.close()
        fresh = self._make()
        try:
            async with asyncio.timeout(_OPEN_S):
                await fresh.start()
        except BaseException as error:
            await stop(fresh)
            if isinstance(error, FAILURES):
                raise self._meaning(error, ()) from error
            raise
        self._producer = fresh

    async def close(self) -> None:
        """Disconnect within a bound; a transaction under way is aborted by the broker or by the next owner."""
        old, self._producer = self._producer, None
        if old is not None:
            await stop(old)

    def _meaning(self, error: BaseException, messages: Sequence[Outgoing]) -> PointsmanError:
        where = f"transactions of {self._what}: "
        if any(isinstance(each, _FENCED) for each in causes(error)):
            return ProducerFencedError(f"{where}{error!r}")
        return meaning(error, messages, where)


class KafkaTransactions:
    """The `Transactions` port.

    Args:
        partition: the input partition.
        group: whose offsets are committed.
        make: makes a transactional producer, not started.
    """

    def __init__(self, partition: PartitionId, group: str, make: Callable[[], AIOKafkaProducer]) -> None:
        self._partition = partition
        self._sender = TransactionalSender(str(partition), group, make)

    async def commit(self, messages: Sequence[Outgoing], committed: Committed) -> None:
        """As the port says."""
        await self._sender.commit(messages, {self._partition: committed})

    async def reopen(self) -> None:
        """As the port says."""
        await self._sender.reopen()

    async def close(self) -> None:
        """As the port says."""
        await self._sender.close()


class KafkaTransactionsOpener:
    """The `TransactionsOpener` port."""

    def __init__(self, connection: KafkaConnection, *, group: str) -> None:
        self._connection = connection
        self._group = group

    async def open(self, partition: PartitionId) -> KafkaTransactions:
        """As the port says."""
        name = f"{self._group}-{partition.topic}-{partition.number}"
        made = KafkaTransactions(
            partition, self._group, lambda: producer(self._connection, transactional_id=name)
        )
        await made.reopen()
        return made


async def _transact(
    producer: AIOKafkaProducer,
    messages: Sequence[Outgoing],
    group: str,
    offsets: Mapping[TopicPartition, Any],
) -> None:
    await producer.begin_transaction()
    sent = await send_all(producer, messages)
    for future in sent:
        future.add_done_callback(_look_at_error)
    for future in sent:  # each one: `commit_transaction` succeeds although a record of it failed
        await future
    await producer.send_offsets_to_transaction(offsets, group)
    await producer.commit_transaction()


def _look_at_error(future: asyncio.Future[Any]) -> None:
    """Of what was sent, only the first error is waited for; asyncio would log the others when it collects them."""
    if not future.cancelled():
        future.exception()
