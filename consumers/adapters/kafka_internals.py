"""The few places where we look inside aiokafka 0.14, because it has no public way.

`tests/kafka/test_aiokafka_facts.py` holds the habits that make each of them necessary.
"""
# ruff: noqa: SLF001 - see above
# pyright: reportPrivateUsage=false

from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.structs import OffsetAndMetadata


def generation(consumer: AIOKafkaConsumer) -> int:
    """Return the generation that a commit or heartbeat would be sent in; negative while it is in none."""
    return _coordinator(consumer).generation


def has_ended(consumer: AIOKafkaConsumer) -> bool:
    """Whether the task that keeps the membership has ended, which nothing begins again."""
    return _coordinator(consumer)._coordination_task.done()


async def commit_once(
    consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, OffsetAndMetadata]
) -> None:
    """Send one commit in the present generation, which is read before anything is waited for.

    aiokafka's own `commit` tries again by itself, across a rebalance too, and then in the new generation. The broker
    believes that: it would overwrite what the new owners of the partitions have committed.

    Raises:
        NodeNotReadyError, KafkaError: as the broker answers, or does not.
    """
    await _coordinator(consumer)._do_commit_offsets(None, offsets)


async def coordinator_known(consumer: AIOKafkaConsumer) -> None:
    """Wait until the group's coordinator is known: for ever, where no broker answers."""
    await _coordinator(consumer).ensure_coordinator_known()


async def heartbeat(consumer: AIOKafkaConsumer, at: int) -> bool:
    """Send one heartbeat in a generation; whether the broker counts us as a member and is not rebalancing.

    aiokafka's own changes its state by the answer, and also takes a rebalance for a yes.
    """
    coordinator = _coordinator(consumer)
    await coordinator.ensure_coordinator_known()
    request = HeartbeatRequest(coordinator.group_id, at, coordinator.member_id)
    answer = await coordinator._send_req(request)
    return for_code(answer.error_code) is NoError


async def committed(
    consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition]
) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """Return what is committed, with the metadata that aiokafka's own `committed` drops."""
    return await _coordinator(consumer).fetch_committed_offsets(list(partitions))


def state(consumer: AIOKafkaConsumer, partition: TopicPartition) -> Any:
    """Return a partition's state in the present assignment, or None: aiokafka's `position` waits for what is unknown."""
    subscription: Any = consumer._subscription.subscription
    assignment = subscription and subscription.assignment
    return assignment and assignment.state_value(partition)


def unreadable_at(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int | None:
    """Return where the batch begins whose reading has failed, if one has: its generator is over, and it is not."""
    fetched: Any = consumer._fetcher and consumer._fetcher._records.get(partition)
    records = getattr(fetched, "_partition_records", None)
    reading = records and records._records_iterator
    return None if records is None or reading is None or reading.gi_frame else records.next_fetch_offset


def is_dead(producer: AIOKafkaProducer) -> bool:
    """Whether the task that sends has ended with an error, which nothing begins again."""
    return producer._message_accumulator._exception is not None


def look_at_errors(producer: AIOKafkaProducer) -> None:
    """Look at the errors that a dead producer leaves where nobody waits: asyncio logs each that it collects unseen."""
    left = [
        batch._drain_waiter
        for batches in producer._message_accumulator._batches.values()
        for batch in batches
    ]
    manager = producer._txn_manager
    if manager is not None and manager.transactional_id is not None:
        left.append(manager.wait_for_transaction_end())  # None before the first transaction
    for future in left:
        if future is not None and future.done() and not future.cancelled():
            future.exception()


def partitioner(producer: AIOKafkaProducer) -> Any:
    """Return what says to which partition `send` would give a key: it takes the key and twice the partitions."""
    return producer._partitioner


async def topics_there(client: AIOKafkaConsumer | AIOKafkaProducer) -> Any:
    """Return the cluster's topics as the broker has them now. Asking creates none."""
    return await inner(client).fetch_all_metadata()


def inner(client: AIOKafkaConsumer | AIOKafkaProducer | AIOKafkaAdminClient) -> Any:
    """Return the connections behind a client."""
    return client.client if isinstance(client, AIOKafkaProducer) else client._client


def _coordinator(consumer: AIOKafkaConsumer) -> Any:
    return consumer._coordinator
