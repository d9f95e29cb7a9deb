"""What the cases of the ports need of a broker, whichever it is."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from consumers.ports.consumer_group import ConsumerGroup
from consumers.ports.producing import Producer, TransactionsOpener
from schemas.record import Outgoing, Record

WITHIN_S = 30.0


class PortStage(Protocol):
    """A broker to try the ports on. Everything it hands out is disposed of with it."""

    largest_message: int
    """Bytes of a message that the broker refuses for its size."""

    async def new_topic(self, partitions: int = 1) -> str: ...

    async def publish(self, topic: str, values: Sequence[bytes], partition: int = 0) -> None:
        """Publish without keys, in order, outside of the ports."""
        ...

    def member(self, group: str, *, session_s: float = 5.0, from_end: bool = False) -> ConsumerGroup:
        """Return a member, not started, with a way of its own to the broker."""
        ...

    async def crash(self, member: ConsumerGroup) -> None:
        """Let a member go silent without a word, as a killed process does."""
        ...

    async def put_out(self, member: ConsumerGroup) -> None:
        """Let the broker drop a member that does not know of it yet."""
        ...

    async def producer(self) -> Producer: ...

    def opener(self, group: str) -> TransactionsOpener: ...

    async def committed_records(self, topic: str) -> list[Record]:
        """Return all that a reader of committed records is given."""
        ...


async def until(condition: Callable[[], bool], within_s: float = WITHIN_S) -> None:
    """Return once it is true; TimeoutError otherwise."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


def message(topic: str, value: bytes | None, key: bytes | None = b"k") -> Outgoing:
    return Outgoing(topic, key, value)
