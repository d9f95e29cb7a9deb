"""FastStream, in its two concurrent modes, each with what makes it quickest: raw bodies, no injection, no log lines.

`max_workers` with an acknowledgement after the work starts that many consumers in the group: each works its partitions
one event after the other and commits after each. That keeps order, so the most that helps is one for each partition.
With the default policy, acknowledgement before the work, `max_workers` is that many tasks of one consumer: no order,
and offsets are committed for events that are still being worked. There is no order by key in either.
Its batch mode hands a list to one call of the handler: what order and concurrency there is, is then the handler's own.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from account import Account, never
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage, KafkaResponse
from job import CONSUMER, PRODUCER, Job, Settled, at_once

_STOP_S = 0.5
"""Beyond the work: it waits for the whole of its graceful timeout, whether anything is under way or not."""
_LOOK_S = 0.05


@asynccontextmanager
async def partitions_in_order(job: Job, account: Account) -> AsyncGenerator[Settled]:
    """The nearest it has to order by key: order by partition."""
    account.stuck = never if job.stuck else None
    broker = _broker(job)
    subscriber: Any = broker.subscriber(
        job.topic,
        group_id=job.group,
        max_workers=job.partitions,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        decoder=_whole,
        **CONSUMER,
    )

    async def settled() -> None:
        consumers = subscriber.consumer_subgroup
        while any(len(consumer.assignment()) != 1 for consumer in consumers):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(_LOOK_S)

    _handle(broker, subscriber, job, account)
    await broker.start()
    try:
        yield settled
    finally:
        await broker.stop()


@asynccontextmanager
async def without_order(job: Job, account: Account) -> AsyncGenerator[Settled]:
    """Its plain concurrent mode: tasks of one consumer."""
    account.stuck = never if job.stuck else None
    broker = _broker(job)
    subscriber = broker.subscriber(
        job.topic,
        group_id=job.group,
        max_workers=job.in_flight,
        ack_policy=AckPolicy.ACK_FIRST,
        decoder=_whole,
        **CONSUMER,
    )
    _handle(broker, subscriber, job, account)
    await broker.start()
    try:
        yield at_once
    finally:
        await broker.stop()


def _broker(job: Job) -> KafkaBroker:
    return KafkaBroker(
        job.bootstrap,
        linger_ms=job.linger_ms,
        allow_auto_create_topics=False,
        graceful_timeout=job.work_s + _STOP_S,
        apply_types=False,
        logger=None,
        **PRODUCER,
    )


def _handle(broker: KafkaBroker, subscriber: Any, job: Job, account: Account) -> None:
    @subscriber
    @broker.publisher(job.out)
    async def handle(message: KafkaMessage) -> KafkaResponse:  # pyright: ignore[reportUnusedFunction] - registered
        record: Any = message.raw_message
        await account.work(record.key, record.value)
        return KafkaResponse(record.value, key=record.key, headers=message.headers)


async def _whole(message: KafkaMessage) -> KafkaMessage:
    """Give the handler the message as it is: decoding JSON is no part of what is compared."""
    return message
