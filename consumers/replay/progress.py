"""How far a job came in one partition, and what became of the records before: both are committed together. Pure."""

from collections import Counter
from typing import Any, Final, Self, cast

import orjson

from consumers.ports.consumer_group import Committed

_MOST_BYTES: Final = 3_500
"""Of the text beside an offset; brokers take 4,096 bytes by default."""
OTHERS: Final = "others"


class PartProgress:
    """Knows what is finished without a gap. What is finished above an unfinished record counts once that is finished, too.

    Args:
        first: where the span begins.
        end: the offset after its last one.
        next_offset: the first that is not finished.
        tally: how many of those before it ended how.
    """

    def __init__(self, first: int, end: int, next_offset: int, tally: Counter[str]) -> None:
        self._first = first
        self._end = end
        self.next_offset = next_offset
        self.tally = tally
        self.committed_upto = next_offset
        self._open: dict[int, str | None] = {}
        """Taken and not counted yet, in order: how each ended, or None."""
        self._position = next_offset

    @classmethod
    def restored(cls, first: int, end: int, committed: Committed | None) -> Self:
        """Go on from what an earlier run of the job has committed; a text that is not ours counts for nothing."""
        if committed is None or committed.next_offset <= first:
            return cls(first, end, first, Counter())
        return cls(first, end, min(committed.next_offset, end), _tally_of(committed.metadata))

    @property
    def is_over(self) -> bool:
        """Whether all of it is finished."""
        return self.next_offset >= self._end

    @property
    def done(self) -> int:
        """How many offsets of the span are finished, from its beginning on."""
        return self.next_offset - self._first

    @property
    def has_moved(self) -> bool:
        """Whether more is finished than is committed."""
        return self.next_offset > self.committed_upto

    @property
    def committable(self) -> Committed:
        """What may be committed."""
        tally = dict(self.tally.most_common())
        while len(text := orjson.dumps(tally)) > _MOST_BYTES:
            rarest = min((name for name in tally if name != OTHERS), key=tally.__getitem__)
            tally[OTHERS] = tally.get(OTHERS, 0) + tally.pop(rarest)
        return Committed(self.next_offset, text.decode())

    def take(self, offset: int) -> None:
        """Note a record that is in hand; offsets ascend."""
        self._open[offset] = None

    def finish(self, offset: int, how: str) -> None:
        """Note how a record ended."""
        self._open[offset] = how
        self._count()

    def reached(self, position: int) -> None:
        """Note that everything below this position was taken: what is missing there does not exist."""
        self._position = max(self._position, min(position, self._end))
        self._count()

    def _count(self) -> None:
        while self._open:
            offset, how = next(iter(self._open.items()))
            if how is None:
                return
            del self._open[offset]
            self.tally[how] += 1
            self.next_offset = offset + 1
        self.next_offset = max(self.next_offset, self._position)


def _tally_of(metadata: str) -> Counter[str]:
    try:
        found: Any = orjson.loads(metadata)
    except orjson.JSONDecodeError:
        return Counter()
    if not isinstance(found, dict):
        return Counter()
    counts = cast("dict[str, Any]", found)
    return Counter({name: count for name, count in counts.items() if isinstance(count, int)})
