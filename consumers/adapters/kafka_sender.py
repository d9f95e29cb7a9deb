"""Sending with an idempotent producer, and replacing the producer once its sequence is broken.

Whatever a broker refuses for good (a message that is too large, a producer that it has forgotten by an unclean restart)
has used up a sequence number, and the broker refuses everything behind it. Brokers expect the producer to take a new
epoch then (KIP-360), which aiokafka cannot: only a new producer helps. What the old one has under way may come out as
well as what is sent again; subscribers de-duplicate on the event's id.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError

from consumers.adapters import kafka_internals
from consumers.adapters.kafka_clients import stop
from consumers.adapters.kafka_refused import FAILURES, Topics, meaning, send
from consumers.errors import PointsmanError, UnavailableError
from schemas.record import Outgoing

_log = logging.getLogger(__name__)

_SEND_S = 15.0
"""How long the brokers may take; an idempotent producer's own sends never expire."""
_Sent = list[asyncio.Future[Any]] | Exception
"""A group that was sent, or could not be."""


class KafkaSender:
    """The `Producer` port: sends records and waits until all replicas have them. Safe to use from many tasks of one event loop.

    Args:
        make: makes a producer, not started.
    """

    def __init__(self, make: Callable[[], AIOKafkaProducer]) -> None:
        self._make = make
        self._producer = make()
        self._renewing = asyncio.Lock()
        self._topics = Topics()

    async def start(self) -> None:
        """Connect, within a bound.

        Raises:
            KafkaError: no broker answers.
        """
        try:
            async with asyncio.timeout(_SEND_S):
                await self._producer.start()
        except TimeoutError as error:
            raise KafkaTimeoutError(f"no answer in {_SEND_S:.0f} s") from error

    async def stop(self) -> None:
        """Send what is under way and disconnect, within a bound."""
        await stop(self._producer)

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """As the port says."""
        (error,) = await self.send_each([messages])
        if error is not None:
            raise error

    async def send_each(self, groups: Sequence[Sequence[Outgoing]]) -> Sequence[PointsmanError | None]:
        """As the port says. What is sent together shares a deadline: one for each group costs more than sending does.

        What is acknowledged counts, whatever else is not: one partition without a leader does not make others go twice.
        """
        producer = self._producer
        sent: list[_Sent] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SEND_S):
                await self._send(producer, groups, sent)
        sent += [TimeoutError("no answer in time")] * (len(groups) - len(sent))
        failures = [_failure(each) for each in sent]
        if any(failures):
            self._topics.forget()
            broken = next(filter(None, map(_breaking, sent)), None)
            if broken is None and kafka_internals.is_dead(producer):
                broken = next(filter(None, failures))
            if broken is not None:
                with contextlib.suppress(UnavailableError):  # those that failed are told so already
                    await self._renew(producer, broken)
        return [failure and meaning(failure, group) for failure, group in zip(failures, groups, strict=True)]

    async def _send(
        self, producer: AIOKafkaProducer, groups: Sequence[Sequence[Outgoing]], sent: list[_Sent]
    ) -> None:
        for group in groups:
            try:
                await self._topics.check(producer, group)
                sent.append([await send(producer, message) for message in group])
            except FAILURES as error:
                sent.append(error)
        for futures in sent:
            if not isinstance(futures, Exception):
                for future in futures:
                    with contextlib.suppress(*FAILURES):  # looked at later
                        await future

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


def _failure(sent: _Sent) -> BaseException | None:
    """Return the first error of a group. All are looked at: asyncio complains of those that nobody has seen."""
    if isinstance(sent, Exception):
        return sent
    errors = [
        TimeoutError("no answer in time") if not future.done() or future.cancelled() else future.exception()
        for future in sent
    ]
    return next(filter(None, errors), None)


def _breaking(sent: _Sent) -> BaseException | None:
    """Return an error that a message met on its way: its sequence number is used up, and the broker waits for it."""
    if isinstance(sent, Exception):
        return None  # refused before it was given one
    over = (future for future in sent if future.done() and not future.cancelled())
    return next(filter(None, (future.exception() for future in over)), None)
