"""What live workers of the group have before them, for jobs that work beside them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import partitions_of
from consumers.app.config import Config
from consumers.app.connections import kafka_connection
from consumers.errors import UnavailableError
from consumers.runtime.finished import decode

_log = logging.getLogger(__name__)

_ANSWER_S: Final = 10.0
_WITHOUT_MEMBERS: Final = frozenset({"Empty", "Dead"})
"""States of a group, as DescribeGroups (KIP-88 and later) names them."""


class Live:
    """Asks the broker; nothing is committed and no group is joined. Open it with `live`."""

    def __init__(
        self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, group: str, topics: frozenset[str]
    ) -> None:
        self._admin = admin
        self._consumer = consumer
        self._group = group
        self._topics = topics

    async def committed(self, topic: str) -> Mapping[int, int]:
        """Return up to where the group has committed each partition; without a commit, one is left out.

        Raises:
            UnavailableError: the broker does not answer.
        """
        found = await self._committed()
        return {tp.partition: at.offset for tp, at in found.items() if tp.topic == topic}

    async def lag(self) -> int:
        """Return how many records of the routes' topics wait for the group, as far as it has committed anything.

        Nothing waits for a group without members: whoever yielded to it would yield for ever.

        Raises:
            UnavailableError: the broker does not answer.
        """
        if not await self._has_members():
            return 0
        committed = {tp: at for tp, at in (await self._committed()).items() if tp.topic in self._topics}
        if not committed:
            return 0
        try:
            async with asyncio.timeout(_ANSWER_S):
                ends = await self._consumer.end_offsets(list(committed))
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError(f"the broker does not say where topics end: {error!r}") from error
        return sum(max(0, ends[tp] - at.offset - _finished_above(at)) for tp, at in committed.items())

    async def _has_members(self) -> bool:
        try:
            async with asyncio.timeout(_ANSWER_S):
                (answer,) = await self._admin.describe_consumer_groups([self._group])
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError(f"the broker does not say who is in {self._group}: {error!r}") from error
        (described,) = answer.to_object()["groups"]
        return described["state"] not in _WITHOUT_MEMBERS

    async def _committed(self) -> Mapping[TopicPartition, OffsetAndMetadata]:
        try:
            async with asyncio.timeout(_ANSWER_S):
                found = await kafka_clients.committed_by(self._admin, self._group)
        except (KafkaError, TimeoutError) as error:
            raise UnavailableError(
                f"the broker does not say what {self._group} has committed: {error!r}"
            ) from error
        return {tp: at for tp, at in found.items() if at.offset >= 0}


def _finished_above(at: OffsetAndMetadata) -> int:
    try:
        upto, unfinished = decode(at.offset, at.metadata)
    except ValueError:
        return 0
    return max(0, upto - at.offset - len(unfinished))


async def live(config: Config, stack: AsyncExitStack) -> Live:
    """Return what asks after the group of a configuration, disconnected with the stack.

    Raises:
        UnavailableError: no broker answers.
    """
    connection = kafka_connection(config.kafka)
    topics = frozenset(route.topic for route in config.routes)
    admin, consumer = kafka_clients.admin(connection), kafka_clients.reader(connection)
    stack.push_async_callback(kafka_clients.stop, admin)
    stack.push_async_callback(kafka_clients.stop, consumer)
    try:
        async with asyncio.timeout(_ANSWER_S):
            await admin.start()
            await consumer.start()
            await partitions_of(consumer, topics)
    except (KafkaError, TimeoutError) as error:
        raise UnavailableError(f"no Kafka broker answers at {connection.bootstrap}") from error
    return Live(admin, consumer, config.kafka.group, topics)


def telling(lag: Callable[[], Awaitable[int]], most: int) -> Callable[[], Awaitable[int]]:
    """Return a look at live work that says so whenever a job begins to wait for it, because more wait than `most`."""
    waits = False

    async def looked() -> int:
        nonlocal waits
        behind = await lag()
        if behind > most and not waits:
            _log.warning("live workers are %d records behind: the replay waits for them", behind)
        waits = behind > most
        return behind

    return looked
