"""How processes share a job whose partitions are gone through one by one. Pure."""

from dataclasses import replace
from typing import Final

from consumers.replay.job import Job

_WORTH: Final = 25_000
"""Records for which one more process is started: fewer are done by the time that it is there."""
_MOST: Final = 4
"""Processes that nobody asked for: each takes memory, and a container may have less of that, and of cores, than its machine."""


def processes_for(job: Job, cores: int) -> int:
    """Return how many processes are worth it for a job, on a machine with so many cores: at least one.

    One more than there are cores: partitions differ in length, and each process waits now and then.
    """
    partitions = sum(end > first for first, end in job.spans.values())
    return max(1, min(partitions, cores + 1, _MOST, job.records // _WORTH))


def shares(job: Job, most: int) -> list[Job]:
    """Deal the partitions to so many processes at most, about as many records to each; none gets nothing.

    Returns the job as each of them is to have it: with its own partitions only.
    """
    dealt: list[dict[int, tuple[int, int]]] = [{} for _ in range(max(1, min(most, len(job.spans))))]
    sizes = [0] * len(dealt)
    for number, (first, end) in sorted(job.spans.items(), key=lambda item: item[1][0] - item[1][1]):
        # By partitions as well: where the rest is empty, each still goes to one that has none.
        least = min(range(len(dealt)), key=lambda share: (sizes[share], len(dealt[share])))
        dealt[least][number] = (first, end)
        sizes[least] += end - first
    return [replace(job, spans=spans) for spans in dealt if spans or not job.spans]
