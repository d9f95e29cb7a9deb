"""Replay jobs in memory, for one process: tests, and replays without Redis."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from consumers.ports.jobs import JobDocument


class MemoryJobs:
    """The `Jobs` port in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, JobDocument] = {}
        self._ends: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._taken: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)

    async def keep(self, job_id: str, document: JobDocument) -> None:
        """As the port says."""
        self._kept[job_id] = document

    async def find(self, job_id: str) -> JobDocument | None:
        """As the port says."""
        return self._kept.get(job_id)

    async def listed(self) -> Sequence[JobDocument]:
        """As the port says."""
        return [self._kept[job_id] for job_id in sorted(self._kept, reverse=True)]

    async def note(self, job_id: str, run_id: str, how: str) -> None:
        """As the port says."""
        self._ends[job_id][run_id] = how

    async def ends(self, job_id: str) -> Mapping[str, int]:
        """As the port says."""
        return Counter(self._ends[job_id].values())

    async def take(self, job_id: str, what: str, thing: str, amount: int, most: int | None) -> bool:
        """As the port says."""
        taken = self._taken[job_id, what]
        if thing in taken:
            return True
        if most is not None and sum(taken.values()) + amount > most:
            return False
        taken[thing] = amount
        return True

    async def used(self, job_id: str) -> Mapping[str, int]:
        """As the port says."""
        return {
            what: sum(taken.values()) for (of, what), taken in self._taken.items() if of == job_id and taken
        }
