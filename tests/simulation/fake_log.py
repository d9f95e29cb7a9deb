"""One partition of the fake broker: a log with offsets, gaps, transaction markers and a last stable offset."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from consumers.ports.consumer_group import PartitionId
from schemas.record import Outgoing, Record


class Fate(Enum):
    """What became of an entry's transaction."""

    PLAIN = auto()
    OPEN = auto()
    COMMITTED = auto()
    ABORTED = auto()


@dataclass(slots=True)
class Entry:
    """One offset: a record, or the marker that ends a transaction.

    Attributes:
        offset: its place.
        record: None for a marker.
        fate: of its transaction.
        producer: the producer's id.
    """

    offset: int
    record: Record | None
    fate: Fate = Fate.PLAIN
    producer: int = -1


class OutOfOrderError(Exception):
    """A batch of an idempotent producer that does not follow its last one."""


@dataclass(slots=True)
class FakeLog:
    """A partition's log. Changes are atomic: nothing here waits."""

    pid: PartitionId
    entries: list[Entry] = field(default_factory=list[Entry])
    end: int = 0
    """The offset after the last entry."""
    _sequences: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    """By producer and epoch: the sequence number of its next record."""
    _open: dict[int, list[Entry]] = field(default_factory=dict[int, list[Entry]])
    """By producer: the entries of its open transaction."""

    @property
    def first(self) -> int:
        """The lowest offset that is there."""
        return self.entries[0].offset if self.entries else self.end

    @property
    def stable(self) -> int:
        """The last stable offset: below it, no transaction is open."""
        return min((entries[0].offset for entries in self._open.values()), default=self.end)

    def append(
        self,
        messages: Sequence[Outgoing],
        *,
        now_ms: int,
        producer: int = -1,
        epoch: int = 0,
        sequence: int = -1,
        in_transaction: bool = False,
    ) -> bool:
        """Append a batch; False where it is there already, since a producer sends again what was not answered.

        Raises:
            OutOfOrderError: a batch before it is missing.
        """
        if producer >= 0:
            due = self._sequences.get((producer, epoch), 0)
            if sequence < due:
                return False
            if sequence > due:
                raise OutOfOrderError(f"{self.pid}: sequence {sequence} of producer {producer}, not {due}")
            self._sequences[producer, epoch] = sequence + len(messages)
        fate = Fate.OPEN if in_transaction else Fate.PLAIN
        for message in messages:
            record = Record(
                self.pid.topic,
                self.pid.number,
                self.end,
                now_ms,
                message.key,
                message.value,
                message.headers,
            )
            entry = Entry(self.end, record, fate, producer)
            self.entries.append(entry)
            self.end += 1
            if in_transaction:
                self._open.setdefault(producer, []).append(entry)
        return True

    def end_transaction(self, producer: int, *, commit: bool) -> None:
        """Write the marker that ends a producer's open transaction here, if there is one."""
        fate = Fate.COMMITTED if commit else Fate.ABORTED
        for entry in self._open.pop(producer, []):
            entry.fate = fate
        self.entries.append(Entry(self.end, None, fate, producer))
        self.end += 1

    def committed_from(self, offset: int, at_most: int) -> tuple[list[Record], int]:
        """Return committed records from an offset on, and the offset to go on from: past what nobody is given."""
        found: list[Record] = []
        stable = self.stable
        for entry in self.entries[bisect_left(self.entries, offset, key=lambda one: one.offset) :]:
            if entry.offset >= stable:
                break
            if entry.record is None or entry.fate is Fate.ABORTED:
                continue
            if len(found) == at_most:
                return found, found[-1].offset + 1
            found.append(entry.record)
        return found, max(offset, stable)

    def compact(self, offsets: Sequence[int]) -> None:
        """Remove records, as compaction does; the end stays."""
        gone = set(offsets)
        self.entries = [entry for entry in self.entries if entry.offset not in gone]
