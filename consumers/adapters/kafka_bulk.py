"""Many messages given to a producer at a time: whole batches, instead of a future for each message."""

from asyncio import Future
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from consumers.adapters import kafka_internals
from consumers.adapters.kafka_refused import send
from schemas.record import Outgoing

_KEYS: Final = 16_384
"""Keys whose partition is remembered: the client hashes in Python."""
_LARGE: Final = 16 * 1024
"""Of a value: what is larger goes alone, and `send` says whether it is too large."""


async def send_all(producer: AIOKafkaProducer, messages: Sequence[Outgoing]) -> list[Future[Any]]:
    """Give messages to the producer, to the partitions and in the order that `send` would: no later one passes an earlier one.

    The futures end once what they stand for is acknowledged; each stands for one message or more.
    """
    sent: list[Future[Any]] = []
    filling: dict[tuple[str, int], Any] = {}
    partitions: dict[str, tuple[int, ...]] = {}

    async def give(place: tuple[str, int]) -> None:
        topic, partition = place
        sent.append(await producer.send_batch(filling.pop(place), topic, partition=partition))

    for message in messages:
        topic, key, value = message.topic, message.key, message.value
        if key is None or (value is not None and len(value) > _LARGE):
            for place in list(filling):
                await give(place)
            sent.append(await send(producer, message))
            continue
        if topic not in partitions:
            partitions[topic] = tuple(await producer.partitions_for(topic))
        place = (topic, _partition_of(kafka_internals.partitioner(producer), key, partitions[topic]))
        headers = list(message.headers)
        batch = filling.get(place)
        if batch is not None and batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
            await give(place)  # it is full
            batch = None
        if batch is None:
            batch = filling[place] = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value, headers=headers)
    for place in list(filling):
        await give(place)
    return sent


@lru_cache(_KEYS)
def _partition_of(partitioner: Any, key: bytes, partitions: tuple[int, ...]) -> int:
    return partitioner(key, partitions, partitions)
