"""Which offset of a partition may be committed, and what is finished above it: pure arithmetic."""

from collections import deque
from collections.abc import Sequence

from consumers.ports.consumer_group import Committed
from consumers.runtime.finished import decode, encode


class OffsetTracker:
    """Knows which records of one partition are delivered and which are finished.

    The committable offset never passes an unfinished record. Offsets that are never delivered (compaction, the
    markers of transactions) hold nobody up: they count as finished once a higher offset was seen.

    Its size follows the unfinished records, however many are finished above the first of them.

    Args:
        next_offset: where delivery begins.
        upto: all below it was delivered in an earlier life ...
        unfinished: ... and finished, except these, ascending.
    """

    def __init__(self, next_offset: int, upto: int | None = None, unfinished: Sequence[int] = ()) -> None:
        self._position = next_offset
        self._restored_upto = self._upto = max(next_offset, upto or 0)
        self._expected = deque(unfinished)
        """Unfinished from an earlier life and not delivered again yet."""
        self._unfinished = set(unfinished)
        self._open = deque(unfinished)
        """Ascending; may still hold finished ones, which are left out when they come to the front."""

    @classmethod
    def restored(cls, committed: Committed) -> "OffsetTracker":
        """Go on from what the group has.

        Raises:
            ValueError: the metadata is not ours.
        """
        upto, unfinished = decode(committed.next_offset, committed.metadata)
        return cls(committed.next_offset, upto, unfinished)

    @property
    def position(self) -> int:
        """The offset after the last one delivered."""
        return self._position

    def take(self, offset: int) -> bool:
        """Note a delivered record; False where it was finished in an earlier life. Offsets ascend.

        Raises:
            ValueError: the offset is not above those before it.
        """
        if offset < self._position:
            raise ValueError(f"offset {offset} after {self._position - 1}: a partition's offsets only rise")
        self.pass_gap(offset)
        self._position = offset + 1
        if offset < self._restored_upto:
            if not self._expected or self._expected[0] != offset:
                return False
            self._expected.popleft()
            return True
        self._upto = offset + 1
        self._unfinished.add(offset)
        self._open.append(offset)
        return True

    def pass_gap(self, position: int) -> None:
        """Note that nothing more will be delivered below a position: what is missing there does not exist."""
        if position <= self._position:
            return
        while self._expected and self._expected[0] < position:
            self._unfinished.discard(self._expected.popleft())
        self._position = position
        self._upto = max(self._upto, position)
        self._tidy()

    def finish(self, offset: int) -> None:
        """Note a record whose work is over: published, dead-lettered, parked or rightly ignored."""
        self._unfinished.discard(offset)
        self._tidy()

    @property
    def next_offset(self) -> int:
        """What may be committed: the lowest unfinished offset, or the one after the last delivered."""
        return self._open[0] if self._open else self._upto

    @property
    def committable(self) -> Committed:
        """What may be committed, with what is finished above it."""
        return self.committable_with(())

    def committable_with(self, also_finished: Sequence[int]) -> Committed:
        """Return what could be committed if these were finished, too."""
        left = self._unfinished.difference(also_finished)
        if not left:
            return Committed(self._upto)
        unfinished = sorted(left)
        return Committed(unfinished[0], encode(unfinished[0], self._upto, unfinished))

    def _tidy(self) -> None:
        while self._open and self._open[0] not in self._unfinished:
            self._open.popleft()
        if len(self._open) > 2 * len(self._unfinished) + 64:
            self._open = deque(offset for offset in self._open if offset in self._unfinished)
