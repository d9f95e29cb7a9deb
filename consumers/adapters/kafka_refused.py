"""What a broker's refusal of a message means, for who must act; and sending what aiokafka's `send` does not take."""

from asyncio import Future
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    UnknownTopicOrPartitionError,
)

from consumers.adapters.kafka_clients import REFUSALS
from consumers.errors import DeadLetterError, HaltError, PointsmanError, UnavailableError
from schemas.record import Outgoing

_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)


async def send(producer: AIOKafkaProducer, message: Outgoing) -> Future[Any]:
    """Give a message to the producer; the future ends once it is acknowledged."""
    headers = list(message.headers)
    if message.key is not None or message.value is not None:
        return await producer.send(message.topic, key=message.key, value=message.value, headers=headers)
    # `send` asserts that one of the two is there. A tombstone without a key is a record as well.
    batch = producer.create_batch()
    batch.append(key=None, value=None, timestamp=None, headers=headers)
    partition = min(await producer.partitions_for(message.topic))
    return await producer.send_batch(batch, message.topic, partition=partition)


def meaning(error: BaseException, topics: str) -> PointsmanError:
    """Return the error to raise instead of aiokafka's."""
    if isinstance(error, _TOO_LARGE):
        return DeadLetterError(
            f"{topics}: the broker does not take so large a message", reason="output_refused"
        )
    if isinstance(error, UnknownTopicOrPartitionError | InvalidTopicError):
        return HaltError(f"{topics}: no such topic; `pointsman topics create` makes it")
    if isinstance(error, REFUSALS):
        return HaltError(f"{topics}: the cluster refuses us: {error!r}; check the ACLs and the login")
    return UnavailableError(f"{topics}: not acknowledged by the broker: {error!r}")


FAILURES: Final = (KafkaError, TimeoutError, AssertionError)
"""What aiokafka's producers raise; assertions after a fatal error."""


def topics_of(messages: Sequence[Outgoing]) -> str:
    """Return the topics of messages, for an error."""
    return ", ".join(sorted({message.topic for message in messages})) or "no message"
