"""How far a job has come in a partition: kept beside the offset that its group commits, and with it. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

import orjson
from pydantic import TypeAdapter, ValidationError

from consumers.errors import HaltError
from consumers.ports.consumer_group import Committed

Tally = Counter[str]
"""Records by what became of them: `read`, `republished`, a status, `skipped: <why>`."""

_COUNTS = TypeAdapter(dict[str, int])


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a job has come in one partition.

    Attributes:
        next_offset: the first that is not done.
        tally: what became of all before it, over all runs of the job.
    """

    next_offset: int
    tally: Tally = field(default_factory=Tally)

    def further(self, next_offset: int, more: Tally) -> Self:
        """Return it with more records done."""
        return type(self)(next_offset, self.tally + more)

    def committed(self) -> Committed:
        """Return it as a group commits it; a few hundred bytes, since reasons are few."""
        return Committed(self.next_offset, orjson.dumps(self.tally, option=orjson.OPT_SORT_KEYS).decode())

    @classmethod
    def of(cls, committed: Committed) -> Self:
        """Read what `committed` returned.

        Raises:
            HaltError: something else was committed in the name of the job.
        """
        try:
            return cls(committed.next_offset, Tally(_COUNTS.validate_json(committed.metadata)))
        except ValidationError as error:
            raise HaltError(
                f"the job's group has committed offset {committed.next_offset} without counts: it is not this job's alone"
            ) from error


def total(reached: Iterable[Reached]) -> Tally:
    """Add up what became of the records of all partitions."""
    return sum((each.tally for each in reached), Tally())


def skipped(why: str) -> str:
    """Return under which name records are counted of which nothing came."""
    return f"skipped: {why}"
