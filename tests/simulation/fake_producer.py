"""The `Producer` port on the fake broker: idempotent, in order, and never giving up what it has taken."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.errors import DeadLetterError, HaltError, PointsmanError, UnavailableError
from consumers.ports.consumer_group import PartitionId
from schemas.record import Outgoing
from tests.simulation.fake_broker import FakeBroker
from tests.simulation.fake_link import Link

_SEND_S: Final = 15.0
_AGAIN_S: Final = 0.1


@dataclass(slots=True, eq=False)
class _Line:
    """What waits for one partition; one batch is on its way at a time, so the order stays."""

    waiting: deque[tuple[list[Outgoing], "asyncio.Future[None]"]] = field(
        default_factory=deque[tuple[list[Outgoing], "asyncio.Future[None]"]]
    )
    sequence: int = 0
    task: "asyncio.Task[None] | None" = None


class FakeProducer:
    """One producer. As aiokafka's, it goes on sending what a caller has given up waiting for."""

    def __init__(self, broker: FakeBroker, link: Link) -> None:
        self._broker = broker
        self._link = link
        self._id = broker.new_producer()
        self._lines: dict[PartitionId, _Line] = {}

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """As the port says."""
        (error,) = await self.send_each([messages])
        if error is not None:
            raise error

    async def send_each(self, groups: Sequence[Sequence[Outgoing]]) -> Sequence[PointsmanError | None]:
        """As the port says."""
        queued = [self._queue_all(group) for group in groups]
        waiting = [future for each in queued if not isinstance(each, PointsmanError) for future in each]
        if waiting:
            await asyncio.wait(waiting, timeout=_SEND_S)
        return [_failure(each) for each in queued]

    def _queue_all(self, group: Sequence[Outgoing]) -> "list[asyncio.Future[None]] | PointsmanError":
        try:
            return [self._queue(pid, batch) for pid, batch in batches(self._broker, group).items()]
        except PointsmanError as error:
            return error

    def _queue(self, pid: PartitionId, batch: list[Outgoing]) -> "asyncio.Future[None]":
        line = self._lines.setdefault(pid, _Line())
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append((batch, acknowledged))
        if line.task is None or line.task.done():
            line.task = asyncio.create_task(self._drain(pid, line), name=f"{self._link.name} sends {pid}")
        return acknowledged

    async def _drain(self, pid: PartitionId, line: _Line) -> None:
        while line.waiting:
            batch, acknowledged = line.waiting[0]
            sequence = line.sequence
            try:
                await self._link.call(
                    "produce",
                    lambda batch=batch, sequence=sequence: self._broker.append(
                        pid, batch, producer=self._id, sequence=sequence
                    ),
                )
            except UnavailableError:
                await asyncio.sleep(_AGAIN_S)
                continue
            line.waiting.popleft()
            line.sequence += len(batch)
            if not acknowledged.done():
                acknowledged.set_result(None)


def _failure(queued: "list[asyncio.Future[None]] | PointsmanError") -> PointsmanError | None:
    if isinstance(queued, PointsmanError):
        return queued
    late = not all(future.done() for future in queued)
    return UnavailableError("not acknowledged by the broker") if late else None


def batches(broker: FakeBroker, messages: Sequence[Outgoing]) -> dict[PartitionId, list[Outgoing]]:
    """Return the messages by where they go, in order.

    Raises:
        HaltError: a topic does not exist.
        DeadLetterError: one is too large.
    """
    found: dict[PartitionId, list[Outgoing]] = {}
    for message in messages:
        if not broker.partitions(message.topic):
            raise HaltError(f"{message.topic}: no such topic")
        headers = sum(len(name) + len(value) for name, value in message.headers)
        if len(message.key or b"") + len(message.value or b"") + headers > broker.max_message_bytes:
            raise DeadLetterError(f"{message.topic}: too large for the broker", reason="output_refused")
        found.setdefault(broker.partition_for(message), []).append(message)
    return found
