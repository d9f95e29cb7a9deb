"""What a broker's refusal of a message means, for who must act; and sending what aiokafka's `send` does not take."""

import asyncio
from asyncio import Future
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    IllegalOperation,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    OffsetMetadataTooLargeError,
    RecordListTooLargeError,
    UnknownError,
    UnknownTopicOrPartitionError,
)

from consumers.adapters import kafka_internals
from consumers.adapters.kafka_clients import REFUSALS
from consumers.errors import DeadLetterError, HaltError, PointsmanError, UnavailableError
from schemas.record import Outgoing

FAILURES: Final = (KafkaError, IllegalOperation, TimeoutError, AssertionError)
"""What aiokafka's producers raise; the second and the last after an error before."""

_TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
_NO_TOPIC: Final = (UnknownTopicOrPartitionError, InvalidTopicError)
_ASKED: Final = 5
_AGAIN_S: Final = 0.5


class Topics:
    """The topics that are known to exist. aiokafka asks for one that does not for 40 s, and then says nothing of it."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    async def check(self, producer: AIOKafkaProducer, messages: Iterable[Outgoing]) -> None:
        """Return at once where all are known, else ask the broker, a few times: a new topic needs a moment.

        Raises:
            UnknownTopicOrPartitionError: one is not there.
        """
        unknown = {message.topic for message in messages} - self._known
        wanted = frozenset(unknown)
        for last in range(_ASKED if unknown else 0):
            cluster = await kafka_internals.topics_there(producer)
            unknown -= cluster.topics()
            if not unknown:
                break
            if last == _ASKED - 1:
                raise UnknownTopicOrPartitionError(", ".join(sorted(unknown)))
            await asyncio.sleep(_AGAIN_S)
        self._known |= wanted

    def forget(self) -> None:
        """Ask again, after an error: one may have been deleted."""
        self._known.clear()


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


def meaning(error: BaseException, messages: Sequence[Outgoing], where: str = "") -> PointsmanError:
    """Return the error to raise instead of aiokafka's, which may be behind another one of aiokafka's."""
    what = where + (", ".join(sorted({message.topic for message in messages})) or "no message")
    for each in causes(error):
        if isinstance(each, _TOO_LARGE):
            return DeadLetterError(
                f"{what}: the broker does not take so large a message", reason="output_refused"
            )
        if isinstance(each, _NO_TOPIC):
            return HaltError(f"{what}: no such topic; `pointsman topics create` makes it")
        if isinstance(each, REFUSALS):
            return HaltError(f"{what}: the cluster refuses us: {each!r}; check the ACLs and the login")
        if isinstance(each, OffsetMetadataTooLargeError):
            return HaltError(
                f"{what}: more metadata than the broker takes: set its offset.metadata.max.bytes to 4096 or more"
            )
        if isinstance(each, UnknownError) and any(message.key is None for message in messages):
            # The broker says INVALID_RECORD, which aiokafka does not know. For ever, so there is no use in trying again.
            return HaltError(
                f"{what}: refused, without a key: a compacted topic takes no such message; "
                "set its cleanup.policy to delete"
            )
    return UnavailableError(f"{what}: not acknowledged by the broker: {error!r}")


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__
