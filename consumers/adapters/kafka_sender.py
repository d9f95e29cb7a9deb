"""Sending with an idempotent producer, and replacing the producer once its sequence is broken.

A broker that has forgotten a producer's last batches (an unclean restart, expired producer state) refuses everything
the producer sends from then on. Brokers expect it to take a new epoch (KIP-360), which aiokafka cannot: only a new
producer helps. What the old one sent may be there already; subscribers de-duplicate on the event's id.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    KafkaError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    UnknownProducerId,
)

from consumers.adapters.kafka_clients import stop
from consumers.adapters.kafka_refused import FAILURES, meaning, send, topics_of
from consumers.errors import UnavailableError
from schemas.record import Outgoing

_log = logging.getLogger(__name__)

_SEND_S = 15.0
"""How long the brokers may take; an idempotent producer's own sends never expire."""
_BROKEN = (
    OutOfOrderSequenceNumber,
    UnknownProducerId,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    ProducerFenced,
)
"""Errors after which a producer can send nothing any more."""


class KafkaSender:
    """The `Producer` port: sends records and waits until all replicas have them. Safe to use from many tasks of one event loop.

    Args:
        make: makes a producer, not started.
    """

    def __init__(self, make: Callable[[], AIOKafkaProducer]) -> None:
        self._make = make
        self._producer = make()
        self._renewing = asyncio.Lock()

    async def start(self) -> None:
        """Connect.

        Raises:
            KafkaError: no broker answers.
        """
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is under way and disconnect, within a bound."""
        await stop(self._producer)

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """As the port says."""
        producer = self._producer
        try:
            async with asyncio.timeout(_SEND_S):
                sent = [await send(producer, message) for message in messages]
                for future in sent:
                    await future
        except _BROKEN as error:
            await self._renew(producer, error)
            raise UnavailableError(
                f"{topics_of(messages)}: {type(error).__name__}; a new producer sends it again"
            ) from error
        except FAILURES as error:
            raise meaning(error, topics_of(messages)) from error

    async def _renew(self, broken: AIOKafkaProducer, why: Exception) -> None:
        async with self._renewing:
            if self._producer is not broken:
                return  # somebody else met the same error first
            fresh = self._make()
            try:
                async with asyncio.timeout(_SEND_S):
                    await fresh.start()
            except (KafkaError, TimeoutError) as error:
                await stop(fresh)
                raise UnavailableError(f"no new producer: {error!r}") from error
            self._producer = fresh
            _log.warning("the producer was replaced", extra={"error": repr(why)})
        await stop(broken)
