"""The steps topic, read back."""

import logging
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from aiokafka import TopicPartition

from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import Span, topic_reader
from schemas.codec.outgoing import step_of
from schemas.codec.records import RecordCodec
from schemas.errors import UnknownSchemaError, UnreadableError
from schemas.record import Record
from schemas.step import Step

_log = logging.getLogger(__name__)


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
            UnavailableError: no broker answers.
        """
        async with topic_reader(self._connection) as source:
            if self._topic not in await source.topics():
                return None
            spans = await source.spans([self._topic])
        return {tp.partition: span for tp, span in spans.items()}

    async def read(self, parts: Mapping[int, Span]) -> AsyncIterator[tuple[int, datetime, Step | None]]:
        """Yield partition, time and step; None in place of one that cannot be read.

        Raises:
            UnavailableError: no broker answers.
        """
        spans = {TopicPartition(self._topic, n): part for n, part in parts.items() if part.first < part.end}
        async with topic_reader(self._connection) as source:
            async for record in source.between(spans):
                yield (
                    record.partition,
                    datetime.fromtimestamp(record.timestamp_ms / 1000, UTC),
                    await self._step(record),
                )

    async def _step(self, record: Record) -> Step | None:
        try:
            return step_of(await self._codec.decode(record, tenant=self._tenant))
        except (UnreadableError, UnknownSchemaError) as error:
            where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            _log.warning("a step cannot be read", extra={**where, "error": str(error)})
            return None
