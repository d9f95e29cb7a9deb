"""aiokafka's clients with settings that lose nothing. Its defaults do: see each comment."""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    KafkaError,
    NotCoordinatorForGroupError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters import kafka_internals
from schemas.record import Record

_log = logging.getLogger(__name__)

_STOP_S: Final = 5.0
_AGAIN_S: Final = 0.2
_LARGEST_REQUEST: Final = 8 * 1024 * 1024
"""Of a producer: the largest record that a topic may take, and the reason why it is a dead letter."""

_BATCH_BYTES: Final = 16 * 1024
"""aiokafka's own default."""
LARGE_BATCH_BYTES: Final = 512 * 1024
"""Where much is published at once: fewer requests, each of which costs as much as many records."""

_FETCH_BYTES: Final = 16 * 1024 * 1024
_PARTITION_FETCH_BYTES: Final = 1024 * 1024

_TRANSACTION_MS: Final = 30_000
"""How long brokers keep a transaction open for a producer that is gone; others cannot read past it meanwhile."""

REFUSALS: Final = (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
"""Errors by which a cluster says that we may not, today or tomorrow."""


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """How to reach a cluster.

    Attributes:
        bootstrap: `host:port`, several separated by commas.
        options: security options as aiokafka's clients take them; may hold a password, so never logged.
    """

    bootstrap: str
    options: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"KafkaConnection({self.bootstrap!r})"


def group_consumer(
    connection: KafkaConnection,
    *,
    group: str,
    instance_id: str | None,
    session_timeout_s: float,
    reset: str = "none",
    fetch_bytes: int = _FETCH_BYTES,
    partition_fetch_bytes: int = _PARTITION_FETCH_BYTES,
) -> AIOKafkaConsumer:
    """Return a consumer in a group, not started.

    Args:
        connection: where.
        group: its group.
        instance_id: for static membership.
        session_timeout_s: how long the group waits for a member that is silent.
        reset: where to begin without an offset, or with one that is gone; `none` leaves it to `KafkaGroup`.
        fetch_bytes: how much one broker gives at a time, over all partitions; held until it is delivered.
        partition_fetch_bytes: how much of it may be of one partition; a larger record comes alone.
    """
    return AIOKafkaConsumer(
        bootstrap_servers=connection.bootstrap,
        group_id=group,
        group_instance_id=instance_id,
        enable_auto_commit=False,  # the default commits what was handed out, not what is finished
        auto_offset_reset=reset,  # the default, latest, skips silently
        fetch_max_bytes=fetch_bytes,  # the default is 50 MiB a broker
        max_partition_fetch_bytes=partition_fetch_bytes,
        isolation_level="read_committed",  # the default reads what was rolled back
        session_timeout_ms=int(session_timeout_s * 1000),
        heartbeat_interval_ms=max(1, int(min(3.0, session_timeout_s / 3) * 1000)),
        # The default is the session timeout: too short to drain in. A lease never outlives it: see runtime/membership.
        rebalance_timeout_ms=int(max(60.0, session_timeout_s) * 1000),
        max_poll_interval_ms=300_000,
        **connection.options,
    )


def reader(connection: KafkaConnection) -> AIOKafkaConsumer:
    """Return a consumer without a group, not started: for reading a topic's past."""
    return AIOKafkaConsumer(
        bootstrap_servers=connection.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        **connection.options,
    )


def producer(
    connection: KafkaConnection, *, transactional_id: str | None = None, batch_bytes: int = _BATCH_BYTES
) -> AIOKafkaProducer:
    """Return a producer, not started; with an id, one for transactions.

    Args:
        connection: where.
        transactional_id: of its transactions, or None.
        batch_bytes: how much goes to a partition at a time, before compression.
    """
    return AIOKafkaProducer(
        bootstrap_servers=connection.bootstrap,
        acks="all",  # the default, 1, loses what only the leader had
        enable_idempotence=True,  # off by default: a retried send may come out twice or out of order
        compression_type="lz4",
        linger_ms=0,
        max_batch_size=batch_bytes,
        max_request_size=_LARGEST_REQUEST,
        transactional_id=transactional_id,
        transaction_timeout_ms=_TRANSACTION_MS,
        **connection.options,
    )


def admin(connection: KafkaConnection) -> AIOKafkaAdminClient:
    """Return an admin client, not started."""
    return AIOKafkaAdminClient(bootstrap_servers=connection.bootstrap, **connection.options)


async def partitions_of(consumer: AIOKafkaConsumer, topics: Collection[str]) -> dict[str, frozenset[int]]:
    """Return the partitions of each topic as the broker has them now; a topic that does not exist is left out.

    aiokafka's own `partitions_for_topic` only knows topics that the consumer has already read from, and its
    `topics` asks the broker and keeps nothing but the names; a real broker shows it, the embedded one does not.
    """
    cluster = await kafka_internals.topics_there(consumer)
    found = {topic: cluster.partitions_for_topic(topic) for topic in topics}
    return {topic: frozenset(numbers) for topic, numbers in found.items() if numbers}


async def committed_by(admin: AIOKafkaAdminClient, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """Return what a group has committed. It asks again while nobody coordinates the group, so it is to be bounded.

    A new cluster makes its topic of offsets when it is asked for the first time.

    Raises:
        KafkaError: the broker refuses, or is away.
    """
    while True:
        try:
            return await admin.list_consumer_group_offsets(group)
        except (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError):
            await asyncio.sleep(_AGAIN_S)


async def stop(client: AIOKafkaConsumer | AIOKafkaProducer | AIOKafkaAdminClient) -> None:
    """Stop a client within a bound, and close its connections in any case.

    With the broker gone, aiokafka's own stop can wait for ever; a consumer's may raise CancelledError by itself and leave
    its connections open. So it runs in a task of its own.
    """
    closing = client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop()
    task = asyncio.create_task(closing, name="stop a Kafka client")
    try:
        await asyncio.wait([task], timeout=_STOP_S)
    finally:
        if not task.done() or task.cancelled() or task.exception() is not None:
            task.cancel()
            _log.warning("a Kafka client did not stop in order: its connections are cut")
            with contextlib.suppress(KafkaError, TimeoutError, OSError):
                async with asyncio.timeout(_STOP_S):
                    await kafka_internals.inner(client).close()
        if isinstance(client, AIOKafkaProducer):
            kafka_internals.look_at_errors(client)


def record_of(fetched: Any) -> Record:
    """Return what aiokafka fetched, as the codec takes it."""
    return Record(
        topic=fetched.topic,
        partition=fetched.partition,
        offset=fetched.offset,
        timestamp_ms=fetched.timestamp,
        key=fetched.key,
        value=fetched.value,
        headers=tuple(fetched.headers),
    )
