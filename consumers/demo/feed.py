"""Reads Pointsman's own topics from now on, as any subscriber would: without a group, decoded by the schemas."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.demo.board import Published, Seen
from schemas.codec.outgoing import own_message_of
from schemas.codec.records import RecordCodec
from schemas.dead_letter import dead_letter_of
from schemas.errors import UnreadableError
from schemas.outcome import Outcome
from schemas.record import Record
from schemas.topics import DEAD_LETTERS, TOPICS

_POLL_MS: Final = 100
_EMPTY_POLL_S: Final = 0.01
"""Pause after an empty poll: the embedded broker answers those at once."""


@asynccontextmanager
async def following(
    connection: KafkaConnection, codec: RecordCodec, see: Callable[[Seen], None]
) -> AsyncGenerator[asyncio.Task[None]]:
    """Call `see` for every message that is published while the block runs; yields the task that reads.

    What was published before is not seen. The task ends early only by an error.
    """
    consumer = kafka_clients.reader(connection)
    await consumer.start()
    try:
        # Of the topics of other topics' records, the dead letters are part of the story.
        told = [topic for topic in TOPICS if topic.carries or topic is DEAD_LETTERS]
        partitions = [TopicPartition(topic.name, n) for topic in told for n in range(topic.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        task = asyncio.create_task(_read(consumer, codec, see), name="feed")
        try:
            yield task
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, codec: RecordCodec, see: Callable[[Seen], None]) -> None:
    while True:
        batches = await consumer.getmany(timeout_ms=_POLL_MS)
        for fetched in (record for batch in batches.values() for record in batch):
            see(await read(kafka_clients.record_of(fetched), codec))
        if not batches:
            await asyncio.sleep(_EMPTY_POLL_S)


async def read(record: Record, codec: RecordCodec) -> Seen:
    """Read one record of our own topics.

    Raises:
        SchemaError: it is none of ours.
    """
    if record.topic == DEAD_LETTERS.name:
        return dead_letter_of(record)
    envelope = await codec.decode(record, tenant="pointsman")
    message = own_message_of(envelope)
    if isinstance(message, Outcome):
        return Published(message, record.value or b"")
    if message is not None:
        return message
    raise UnreadableError(f"{record.place}: {envelope.type} is none of our messages")
