"""The fake broker's transaction coordinator: ids, epochs, fencing, and ends that become visible a little later."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from consumers.ports.consumer_group import Committed, PartitionId
from tests.simulation.fake_coordinator import METADATA_BYTES, MetadataTooLargeError
from tests.simulation.fake_log import FakeLog
from tests.simulation.virtual_time import unowned

TIMEOUT_S: Final = 30.0


class FencedError(Exception):
    """Somebody else has begun with this transactional id since."""


class BusyError(Exception):
    """The last transaction's end is not written everywhere yet: try again in a moment."""


class _State(Enum):
    READY = auto()
    OPEN = auto()
    ENDING = auto()
    """Decided; the markers are on their way."""


@dataclass(slots=True, eq=False)
class _Id:
    name: str
    producer: int
    epoch: int = -1
    state: _State = _State.READY
    commits: bool = False
    logs: list[FakeLog] = field(default_factory=list[FakeLog])
    offsets: dict[str, dict[PartitionId, Committed]] = field(
        default_factory=dict[str, dict[PartitionId, Committed]]
    )
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True, eq=False)
class FakeTransactionLog:
    """All transactional ids. Each method takes effect at once.

    Attributes:
        rng: draws how long after an end its markers are written.
        apply: commits an offset of a group: group, partition, what, by whom.
        moved: called when a marker was written.
        markers_s: the longest that markers take.
    """

    rng: random.Random
    apply: Callable[[str, PartitionId, Committed, str], None]
    moved: Callable[[], None]
    markers_s: float = 0.02
    _ids: dict[str, _Id] = field(default_factory=dict[str, _Id])

    def begin_producer(self, name: str, new_producer: Callable[[], int]) -> tuple[int, int]:
        """Give a new epoch: fence whoever had the id, and abort what is open. Return producer and epoch.

        Raises:
            BusyError: a decided transaction, or the aborted one, is still being ended.
        """
        one = self._ids.get(name)
        if one is None:
            one = self._ids[name] = _Id(name, new_producer())
        if one.state is _State.OPEN:
            one.epoch += 1  # before the abort, so that the former owner is fenced from here on
            self._end(one, commit=False)
        if one.state is _State.ENDING:
            raise BusyError(name)
        one.epoch += 1
        return one.producer, one.epoch

    def add(self, name: str, epoch: int, log: FakeLog) -> None:
        """Take a partition into the transaction, beginning it where none is open.

        Raises:
            FencedError, BusyError: see there.
        """
        one = self._open(name, epoch)
        if log not in one.logs:
            one.logs.append(log)

    def add_offset(self, name: str, epoch: int, group: str, pid: PartitionId, at: Committed) -> None:
        """Commit an offset with the transaction; nobody sees it before.

        Raises:
            FencedError, BusyError: see there.
            MetadataTooLargeError: the group's coordinator takes less.
        """
        one = self._open(name, epoch)
        if len(at.metadata.encode()) > METADATA_BYTES:
            raise MetadataTooLargeError(str(pid))
        one.offsets.setdefault(group, {})[pid] = at

    def end(self, name: str, epoch: int, *, commit: bool) -> None:
        """Decide a transaction. An end that was decided already, the same way, is no error.

        Raises:
            FencedError: see there.
        """
        one = self._checked(name, epoch)
        if one.state is _State.OPEN:
            self._end(one, commit=commit)

    def check(self, name: str, epoch: int, log: FakeLog) -> None:
        """Raise FencedError unless this log is part of the open transaction of this epoch."""
        one = self._checked(name, epoch)
        if one.state is not _State.OPEN or log not in one.logs:
            raise FencedError(f"{name}: no transaction is open for {log.pid}")

    def _checked(self, name: str, epoch: int) -> _Id:
        one = self._ids.get(name)
        if one is None or one.epoch != epoch:
            raise FencedError(name)
        return one

    def _open(self, name: str, epoch: int) -> _Id:
        one = self._checked(name, epoch)
        if one.state is _State.ENDING:
            raise BusyError(name)
        if one.state is _State.READY:
            one.state = _State.OPEN
            loop = asyncio.get_running_loop()
            one.timer = loop.call_later(TIMEOUT_S, self._time_out, one, context=unowned())
        return one

    def _time_out(self, one: _Id) -> None:
        if one.state is _State.OPEN:
            one.epoch += 1
            self._end(one, commit=False)

    def _end(self, one: _Id, *, commit: bool) -> None:
        one.state, one.commits = _State.ENDING, commit
        if one.timer is not None:
            one.timer.cancel()
        loop = asyncio.get_running_loop()
        epoch = one.epoch
        for log in one.logs:
            # Partition by partition: what one transaction wrote does not become visible everywhere in one moment.
            delay = self.rng.uniform(0, self.markers_s)
            loop.call_later(delay, self._mark, log, one.producer, commit, context=unowned())
        loop.call_later(self.markers_s, self._complete, one, epoch, context=unowned())

    def _mark(self, log: FakeLog, producer: int, commit: bool) -> None:
        log.end_transaction(producer, commit=commit)
        self.moved()

    def _complete(self, one: _Id, epoch: int) -> None:
        offsets: Mapping[str, Mapping[PartitionId, Committed]] = one.offsets
        if one.commits:
            for group, wanted in offsets.items():
                for pid, at in wanted.items():
                    self.apply(group, pid, at, f"{one.name}@{epoch}")
        one.state, one.logs, one.offsets = _State.READY, [], {}
