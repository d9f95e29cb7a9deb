"""A member of a group on strings: it polls, takes what it is assigned, and notes everything."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager

from consumers.ports.consumer_group import ConsumerGroup, PartitionId
from schemas.record import Record
from tests.contracts.port_stage import until

_names = itertools.count(1)


class Puppet:
    """Polls in a task of its own. As a listener it notes, and begins each partition where its group has committed.

    Args:
        group: not started.
        begins: whether it seeks and resumes what it is assigned.
        revoking: awaited within each `on_revoked` of something.
        notes: where it writes what happens to it; several may share them.
    """

    def __init__(
        self,
        group: ConsumerGroup,
        *,
        begins: bool = True,
        revoking: "Callable[[Puppet], Awaitable[None]] | None" = None,
        notes: list[str] | None = None,
    ) -> None:
        self.name = f"puppet-{next(_names)}"
        self.group = group
        self.owned: frozenset[PartitionId] = frozenset()
        self.generations: list[int] = []
        self.records: list[Record] = []
        self.notes = notes if notes is not None else []
        self.failure: BaseException | None = None
        self._begins = begins
        self._revoking = revoking
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def values(self) -> list[bytes | None]:
        return [record.value for record in self.records]

    async def on_revoked(self, partitions: AbstractSet[PartitionId]) -> None:
        if partitions:
            self.notes.append(f"{self.name} gives")
            if self._revoking is not None:
                await self._revoking(self)
            self.notes.append(f"{self.name} gave")
        self.owned = frozenset()

    def on_assigned(self, partitions: AbstractSet[PartitionId], generation: int) -> None:
        self.notes.append(f"{self.name} has {len(partitions)}")
        self.owned = frozenset(partitions)
        self.generations.append(generation)
        if self._begins and partitions:
            self._tasks.append(asyncio.create_task(self.begin(self.owned)))

    async def begin(self, partitions: AbstractSet[PartitionId]) -> None:
        committed = await self.group.committed(partitions)
        for pid in partitions:
            at = committed.get(pid)
            self.group.seek(pid, at.next_offset if at else await self.group.start_offset(pid))
        self.group.resume(partitions)

    async def assigned(self, count: int, *, after_generation: int = -1) -> frozenset[PartitionId]:
        """Wait until it owns so many partitions."""
        await until(
            lambda: (
                len(self.owned) == count
                and bool(self.generations)
                and self.generations[-1] > after_generation
            )
        )
        return self.owned

    async def poll(self, *, timeout_s: float = 0.1, max_records: int = 100) -> None:
        """Poll once."""
        for records in (await self.group.poll(timeout_s=timeout_s, max_records=max_records)).values():
            self.records += records

    async def run(self, topic: str) -> None:
        """Join and poll until cancelled."""
        await self.group.start(frozenset({topic}), self)
        while True:
            await self.poll()

    def start(self, topic: str) -> None:
        self._tasks.append(asyncio.create_task(self.run(topic), name=self.name))

    async def end(self) -> None:
        """Stop polling; the membership is left to whoever owns it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def playing(topic: str, *puppets: Puppet) -> AsyncGenerator[None]:
    """Let puppets play while the block runs."""
    for puppet in puppets:
        puppet.start(topic)
    try:
        yield
    finally:
        for puppet in puppets:
            await puppet.end()


@asynccontextmanager
async def joined(puppet: Puppet, topic: str, partitions: int = 1) -> AsyncGenerator[frozenset[PartitionId]]:
    """Join with a puppet that is polled by the test, and yield what it is assigned."""
    await puppet.group.start(frozenset({topic}), puppet)
    while len(puppet.owned) != partitions:
        await puppet.poll()
    yield puppet.owned
    await puppet.end()
