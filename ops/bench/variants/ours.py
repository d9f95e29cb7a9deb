"""Our runtime, composed as `consumers/app/compose.py` does it, around a handler that only waits."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from account import Account
from job import Job, Settled

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_batches import bound_batches
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_group import KafkaGroup
from consumers.adapters.kafka_parked import KafkaParkedLog
from consumers.adapters.kafka_sender import KafkaSender
from consumers.adapters.kafka_transactions import KafkaTransactionsOpener
from consumers.app.config import Kafka
from consumers.errors import RetryError
from consumers.ports.claim import Claim
from consumers.ports.clock import SystemClock
from consumers.runtime.letters import Letters
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.loop import ConsumerLoop
from consumers.runtime.publishing import DirectPublisher, Publisher
from consumers.runtime.transactional import TransactionalPublisher
from consumers.telemetry.metrics import Metrics
from schemas.record import Outgoing, Record

SETTINGS: Final = Kafka()
"""The defaults; the driver makes the topics they name."""
LETTERS: Final = Letters(SETTINGS.dead_letters_topic, SETTINGS.parked_topic, SystemClock())


@asynccontextmanager
async def at_least_once(job: Job, account: Account) -> AsyncGenerator[Settled]:
    """`kafka.delivery: at-least-once`, the default."""
    connection = KafkaConnection(job.bootstrap, {})
    sender = KafkaSender(lambda: kafka_clients.producer(connection))
    await sender.start()
    try:
        async with _running(
            job, account, lambda group, metrics: DirectPublisher(sender, group, metrics)
        ) as settled:
            yield settled
    finally:
        await sender.stop()


@asynccontextmanager
async def transactional(job: Job, account: Account) -> AsyncGenerator[Settled]:
    """`kafka.delivery: transactional`."""
    opener = KafkaTransactionsOpener(KafkaConnection(job.bootstrap, {}), group=job.group)

    def publisher(group: KafkaGroup, metrics: Metrics) -> TransactionalPublisher:
        return TransactionalPublisher(
            opener, group, rewrite=LETTERS.rewrite, linger_s=RuntimeLimits().transaction_s, metrics=metrics
        )

    async with _running(job, account, publisher) as settled:
        yield settled


@asynccontextmanager
async def _running(
    job: Job, account: Account, publisher: Callable[[KafkaGroup, Metrics], Publisher]
) -> AsyncGenerator[Settled]:
    account.stuck = _retry if job.stuck else None
    connection = KafkaConnection(job.bootstrap, {})
    bound_batches(SETTINGS.batch_bytes)  # as a worker does
    consumer = kafka_clients.group_consumer(
        connection,
        group=job.group,
        instance_id=None,
        session_timeout_s=SETTINGS.session_timeout_s,
    )

    async def handle(record: Record, claim: Claim) -> Sequence[Outgoing]:
        claim.enter("work")
        await account.work(record.key, record.value)
        return (Outgoing(job.out, record.key, record.value, record.headers),)

    group = KafkaGroup(consumer)
    metrics = Metrics(version="bench")
    loop = ConsumerLoop(
        group=group,
        topics=[job.topic],
        handler=handle,
        publisher=publisher(group, metrics),
        parked=KafkaParkedLog(connection, SETTINGS.parked_topic),
        letters=LETTERS,
        limits=replace(RuntimeLimits(), in_flight=job.in_flight),
        lease_s=SETTINGS.session_timeout_s,
        metrics=metrics,
    )

    async def settled() -> None:
        await loop.assigned.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(loop.run(), name="run")
        yield settled
        loop.stop()


async def _retry() -> None:
    raise RetryError("stuck")
