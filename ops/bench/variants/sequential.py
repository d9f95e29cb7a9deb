"""One event after the other: consume, work, produce, commit. What most people write first."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from account import Account, never
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from job import CONSUMER, PRODUCER, Job, Settled, at_once


@asynccontextmanager
async def sequential(job: Job, account: Account) -> AsyncGenerator[Settled]:
    account.stuck = never if job.stuck else None
    consumer = AIOKafkaConsumer(
        job.topic, bootstrap_servers=job.bootstrap, group_id=job.group, enable_auto_commit=False, **CONSUMER
    )
    producer = AIOKafkaProducer(bootstrap_servers=job.bootstrap, linger_ms=job.linger_ms, **PRODUCER)
    async with consumer, producer, asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_consume(consumer, producer, job, account), name="consume")
        yield at_once
        task.cancel()


async def _consume(
    consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, job: Job, account: Account
) -> None:
    async for record in consumer:
        await account.work(record.key, record.value)
        await producer.send_and_wait(job.out, record.value, key=record.key, headers=list(record.headers))
        await consumer.commit({TopicPartition(record.topic, record.partition): record.offset + 1})
