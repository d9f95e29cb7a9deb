"""The limit: batches from aiokafka's consumer straight into its producer, with no work and nothing in between.

Every send is put on its way without waiting, the acknowledgements are awaited once a batch, and then it commits.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from account import Account
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from job import CONSUMER, PRODUCER, Job, Settled, at_once

_POLL_MS = 200
_BATCH = 2000


@asynccontextmanager
async def bare(job: Job, account: Account) -> AsyncGenerator[Settled]:
    if job.work_s or job.stuck:
        raise ValueError("bare does no work")
    consumer = AIOKafkaConsumer(
        job.topic, bootstrap_servers=job.bootstrap, group_id=job.group, enable_auto_commit=False, **CONSUMER
    )
    producer = AIOKafkaProducer(bootstrap_servers=job.bootstrap, linger_ms=job.linger_ms, **PRODUCER)
    async with consumer, producer, asyncio.TaskGroup() as tasks:
        stopping = asyncio.Event()
        tasks.create_task(_consume(consumer, producer, job, account, stopping), name="consume")
        yield at_once
        stopping.set()


async def _consume(
    consumer: AIOKafkaConsumer,
    producer: AIOKafkaProducer,
    job: Job,
    account: Account,
    stopping: asyncio.Event,
) -> None:
    while not stopping.is_set():
        batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_BATCH)
        sent: list[asyncio.Future[object]] = []
        for record in (one for records in batches.values() for one in records):
            assert record.key is not None
            assert record.value is not None
            account.begin(record.key, record.value)
            headers = list(record.headers)
            sent.append(await producer.send(job.out, record.value, key=record.key, headers=headers))
            account.end(record.key)
        for future in sent:
            await future
        if batches:
            await consumer.commit({tp: records[-1].offset + 1 for tp, records in batches.items()})
