"""The steps topic, read back."""

import logging
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import Span, topic_reader
from consumers.errors import UnavailableError
from schemas.codec.outgoing import step_of
from schemas.codec.records import RecordCodec
from schemas.errors import RegistryError, UnknownSchemaError, UnreadableError
from schemas.record import Record
from schemas.step import Step

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundStep:
    """What stands at an offset of the topic.

    Attributes:
        partition: of the topic.
        offset: in the partition.
        at: when it was published.
        step: what it says; None where that cannot be read.
    """

    partition: int
    offset: int
    at: datetime
    step: Step | None


class KafkaSteps:
    """Reads the topic with a consumer of its own for each call.

    Args:
        connection: where.
        topic: its name.
        codec: reads what is on it.
        tenant: whose our own messages are.
    """

    def __init__(self, connection: KafkaConnection, topic: str, codec: RecordCodec, tenant: str) -> None:
        self._connection = connection
        self._topic = topic
        self._codec = codec
        self._tenant = tenant

    async def extents(self) -> Mapping[int, Span] | None:
        """Return what each partition holds now; None where there is no such topic.

        Raises:
            UnavailableError: no broker answers, or we may not read it.
        """
        with self._away():
            async with topic_reader(self._connection) as source:
                if self._topic not in await source.topics():
                    return None
                spans = await source.spans([self._topic])
        return {tp.partition: span for tp, span in spans.items()}

    async def read(self, parts: Mapping[int, Span]) -> AsyncIterator[FoundStep]:
        """Yield what stands at these offsets, in order for each partition.

        Raises:
            UnavailableError: no broker answers, or no registry.
        """
        spans = {TopicPartition(self._topic, n): part for n, part in parts.items() if part.first < part.end}
        with self._away():
            async with topic_reader(self._connection) as source:
                async for record in source.between(spans):
                    at = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC)
                    yield FoundStep(record.partition, record.offset, at, await self._step(record))

    @contextmanager
    def _away(self) -> Generator[None]:
        try:
            yield
        except (KafkaError, RegistryError, TimeoutError) as error:
            raise UnavailableError(f"{self._topic} cannot be read: {error!r}") from error

    async def _step(self, record: Record) -> Step | None:
        try:
            return step_of(await self._codec.decode(record, tenant=self._tenant))
        except (UnreadableError, UnknownSchemaError) as error:
            where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            _log.warning("a step cannot be read", extra={**where, "error": str(error)})
            return None
