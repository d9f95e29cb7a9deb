"""Which offset of a partition may be committed: pure arithmetic."""

from collections import deque


class OffsetTracker:
    """Knows which records of one partition are taken and which are finished.

    The committable offset never passes an unfinished record. Offsets that never show up (compaction,
    transaction markers) hold nobody up: only records that were taken count.
    """

    def __init__(self) -> None:
        self._taken: deque[int] = deque()
        self._finished: set[int] = set()
        self._next: int | None = None

    def take(self, offset: int) -> None:
        """Note a record that was handed out for work. Offsets come in ascending order.

        Raises:
            ValueError: the offset is not above those before it.
        """
        if self._next is not None and offset < self._next:
            raise ValueError(f"offset {offset} after {self._next - 1}: a partition's offsets only rise")
        self._taken.append(offset)
        self._next = offset + 1

    def finish(self, offset: int) -> None:
        """Note a record whose work is over: published, dead-lettered or rightly ignored."""
        self._finished.add(offset)
        while self._taken and self._taken[0] in self._finished:
            self._finished.discard(self._taken.popleft())

    @property
    def next_offset(self) -> int | None:
        """What may be committed: the lowest unfinished offset, or the one after the last; None at the start."""
        return self._taken[0] if self._taken else self._next

    @property
    def unfinished(self) -> int:
        """How many taken records are not finished."""
        return len(self._taken) - len(self._finished)
