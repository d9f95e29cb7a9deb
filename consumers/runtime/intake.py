"""How much is taken: which partitions are to be paused and which resumed. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from consumers.runtime.finished import NEARLY_FULL
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.partition import Partition


@dataclass(frozen=True, slots=True)
class Turns:
    """What is to change."""

    pause: frozenset[Partition]
    resume: frozenset[Partition]


def turns(partitions: Collection[Partition], limits: RuntimeLimits) -> Turns:
    """Return the partitions that hold enough, and the paused ones that have room again.

    Each bound has two marks: a partition is paused at the whole of it and resumed at half, because a pause drops what
    was fetched ahead. Where all partitions together hold too much, those pause that hold more than their share.
    """
    total = sum(partition.held_bytes for partition in partitions)
    share = limits.total_bytes / max(1, len(partitions))
    pause: set[Partition] = set()
    resume: set[Partition] = set()
    for partition in partitions:
        part = 0.5 if partition.paused else 1.0
        full = (
            len(partition.held) >= part * limits.partition_records
            or partition.held_bytes >= part * limits.partition_bytes
            or (total >= part * limits.total_bytes and partition.held_bytes >= part * share)
            or (partition.committed is not None and len(partition.committed.metadata) >= part * NEARLY_FULL)
        )
        if full and not partition.paused:
            pause.add(partition)
        elif partition.paused and not full:
            resume.add(partition)
    return Turns(frozenset(pause), frozenset(resume))
