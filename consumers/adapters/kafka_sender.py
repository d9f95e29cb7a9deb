"""Sending with an idempotent producer, and replacing the producer once its sequence is broken.

A broker that has forgotten a producer's last batches (an unclean restart, expired producer state) refuses everything
the producer sends from then on. Brokers expect it to take a new epoch (KIP-360), which aiokafka cannot: only a new
producer helps. What the old one sent may be there already; subscribers de-duplicate on the event's id.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

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
from consumers.errors import PointsmanError, UnavailableError
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
        (error,) = await self.send_each([messages])
        if error is not None:
            raise error

    async def send_each(self, groups: Sequence[Sequence[Outgoing]]) -> Sequence[PointsmanError | None]:
        """As the port says. What is sent together shares a deadline: one for each group costs more than sending does."""
        producer = self._producer
        failures: list[BaseException | None] = [TimeoutError("no answer in time") for _ in groups]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SEND_S):
                sent = [await _sent(producer, group) for group in groups]
                for at, futures in enumerate(sent):
                    failures[at] = await _failure(futures)
        broken = next((failure for failure in failures if isinstance(failure, _BROKEN)), None)
        if broken is not None:
            with contextlib.suppress(UnavailableError):  # those that failed are told so already
                await self._renew(producer, broken)
        return [
            failure and meaning(failure, topics_of(group))
            for failure, group in zip(failures, groups, strict=True)
        ]

    async def _renew(self, broken: AIOKafkaProducer, why: BaseException) -> None:
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


async def _sent(
    producer: AIOKafkaProducer, group: Sequence[Outgoing]
) -> list[asyncio.Future[Any]] | Exception:
    try:
        return [await send(producer, message) for message in group]
    except FAILURES as error:
        return error


async def _failure(sent: list[asyncio.Future[Any]] | Exception) -> Exception | None:
    if isinstance(sent, Exception):
        return sent
    try:
        for future in sent:
            await future
    except FAILURES as error:
        return error
    return None
