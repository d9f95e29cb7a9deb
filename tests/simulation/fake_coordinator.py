"""The fake broker's group coordinator: members, generations, and what is committed. Eager rebalancing, as aiokafka's."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from consumers.ports.consumer_group import Committed, PartitionId
from tests.simulation.virtual_time import unowned

METADATA_BYTES: Final = 4096


class UnknownMemberError(Exception):
    """The group does not know this member, or not in this generation."""


class MetadataTooLargeError(Exception):
    """More than `offset.metadata.max.bytes`."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer to a join: what a member is given in a generation."""

    member: str
    generation: int
    partitions: frozenset[PartitionId]


@dataclass(slots=True, eq=False)
class _Member:
    name: str
    topics: frozenset[str]
    session_s: float
    rebalance_s: float
    joining: "asyncio.Future[Joined] | None" = None
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True, eq=False)
class FakeCoordinator:
    """One group. Each method takes effect at once.

    Attributes:
        name: of the group.
        partitions_of: how many partitions a topic has.
        applied: called with each commit that is applied: partition, what was and is committed, by whom.
    """

    name: str
    partitions_of: Callable[[str], int]
    applied: Callable[[PartitionId, Committed | None, Committed, str], None]
    generation: int = 0
    offsets: dict[PartitionId, Committed] = field(default_factory=dict[PartitionId, Committed])
    owners: dict[PartitionId, str] = field(default_factory=dict[PartitionId, str])
    """Who was given what in this generation."""
    _members: dict[str, _Member] = field(default_factory=dict[str, _Member])
    _names: int = 0
    _deadline: asyncio.TimerHandle | None = None

    @property
    def is_rebalancing(self) -> bool:
        return self._deadline is not None

    @property
    def members(self) -> Sequence[str]:
        return list(self._members)

    def join(
        self, member: str | None, topics: frozenset[str], *, session_s: float, rebalance_s: float, client: str
    ) -> "asyncio.Future[Joined]":
        """Begin or take part in a rebalance; answered when every member has joined, or its time is over.

        Raises:
            UnknownMemberError: this member was put out; it may join as a new one.
        """
        if member is not None and member not in self._members:
            raise UnknownMemberError(member)
        if member is None:
            self._names += 1
            member = f"{client}-{self._names}"
            self._members[member] = _Member(member, topics, session_s, rebalance_s)
        one = self._members[member]
        one.topics, one.session_s, one.rebalance_s = topics, session_s, rebalance_s
        self._stop_timer(one)  # a member that waits for the answer needs no heartbeat
        one.joining = asyncio.get_running_loop().create_future()
        self._begin_rebalance()
        answer = one.joining
        self._complete_if_all_joined()
        return answer

    def leave(self, member: str) -> None:
        """Put a member out; nothing happens where it is not one."""
        one = self._members.pop(member, None)
        if one is None:
            return
        self._stop_timer(one)
        if one.joining is not None and not one.joining.done():
            one.joining.cancel()
        if self._members:
            self._begin_rebalance()
            self._complete_if_all_joined()
        else:
            self._end_rebalance()
            self.generation += 1
            self.owners = {}

    def heartbeat(self, member: str, generation: int) -> bool:
        """Keep a member; False where a rebalance wants it to join again.

        Raises:
            UnknownMemberError: it was put out.
        """
        one = self._members.get(member)
        if one is None or generation != self.generation:
            raise UnknownMemberError(member)
        self._start_timer(one)
        return not self.is_rebalancing

    def commit(self, member: str, generation: int, offsets: Mapping[PartitionId, Committed]) -> None:
        """Commit for a member.

        Raises:
            UnknownMemberError: it is not one in this generation; nothing was committed.
            MetadataTooLargeError: some have too much; the others were committed, as by the real one.
        """
        self.heartbeat(member, generation)
        too_large = [pid for pid, at in offsets.items() if len(at.metadata.encode()) > METADATA_BYTES]
        for pid, at in offsets.items():
            if pid not in too_large:
                self.apply(pid, at, f"{member}@{generation}")
        if too_large:
            raise MetadataTooLargeError(str(too_large[0]))

    def apply(self, pid: PartitionId, at: Committed, by: str) -> None:
        """Set what is committed, whoever asks: a member, or the transaction of somebody."""
        before = self.offsets.get(pid)
        self.offsets[pid] = at
        self.applied(pid, before, at, by)

    def _begin_rebalance(self) -> None:
        if self.is_rebalancing:
            return
        longest = max(one.rebalance_s for one in self._members.values())
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(longest, self._put_out_the_late, context=unowned())

    def _put_out_the_late(self) -> None:
        for late in [one for one in self._members.values() if one.joining is None]:
            self._stop_timer(late)
            del self._members[late.name]
        if self._members:
            self._complete_if_all_joined()
        else:
            self._end_rebalance()

    def _complete_if_all_joined(self) -> None:
        if not self._members or any(one.joining is None for one in self._members.values()):
            return
        self._end_rebalance()
        self.generation += 1
        given = self._assign()
        self.owners = {pid: name for name, pids in given.items() for pid in pids}
        for one in self._members.values():
            assert one.joining is not None
            if not one.joining.done():
                one.joining.set_result(Joined(one.name, self.generation, frozenset(given[one.name])))
            one.joining = None
            self._start_timer(one)

    def _assign(self) -> dict[str, list[PartitionId]]:
        """Deal the partitions out in turn, among those who want the topic; the same members, the same hands."""
        given: dict[str, list[PartitionId]] = {name: [] for name in self._members}
        turn = 0
        for topic in sorted({topic for one in self._members.values() for topic in one.topics}):
            takers = sorted(one.name for one in self._members.values() if topic in one.topics)
            for number in range(self.partitions_of(topic)):
                given[takers[turn % len(takers)]].append(PartitionId(topic, number))
                turn += 1
        return given

    def _end_rebalance(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _start_timer(self, one: _Member) -> None:
        self._stop_timer(one)
        loop = asyncio.get_running_loop()
        one.timer = loop.call_later(one.session_s, self.leave, one.name, context=unowned())

    def _stop_timer(self, one: _Member) -> None:
        if one.timer is not None:
            one.timer.cancel()
            one.timer = None
