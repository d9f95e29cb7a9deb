"""What is replayed: a part of a topic, by time or by offsets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Selection:
    """A part of one topic. With nothing given, all of it as it stands when the replay starts.

    Attributes:
        topic: an input topic of a route.
        since: records with this timestamp or a later one.
        until: records before this timestamp.
        offsets: for each partition the first offset and the one after the last; other partitions are left out.
    """

    topic: str
    since: datetime | None = None
    until: datetime | None = None
    offsets: Mapping[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])

    def __post_init__(self) -> None:
        if self.offsets and (self.since or self.until):
            raise ValueError("select by time or by offsets, not by both")
        for at in (self.since, self.until):
            if at is not None and at.tzinfo is None:
                raise ValueError(f"{at.isoformat()} has no time zone; write {at.isoformat()}Z for UTC")
        if self.since and self.until and self.since >= self.until:
            raise ValueError(
                f"from {self.since.isoformat()} on up to {self.until.isoformat()} there is no time: the second is the end"
            )
        for partition, (first, end) in self.offsets.items():
            if not 0 <= first <= end:
                raise ValueError(f"partition {partition}: the range {first}-{end - 1} is upside down")


def parse_offsets(text: str) -> tuple[int, tuple[int, int]]:
    """Read `PARTITION:FIRST-LAST`, such as `0:100-199`; the last offset is included.

    Raises:
        ValueError: it is something else.
    """
    try:
        partition, _, span = text.partition(":")
        first, _, last = span.partition("-")
        return int(partition), (int(first), int(last) + 1)
    except ValueError:
        raise ValueError(f"{text!r}: write PARTITION:FIRST-LAST, such as 0:100-199") from None


def parse_all_offsets(texts: Iterable[str]) -> dict[int, tuple[int, int]]:
    """Read several of them, one for each partition.

    Raises:
        ValueError: one is something else, or a partition has two: a job has one range of each.
    """
    parts: dict[int, tuple[int, int]] = {}
    for text in texts:
        partition, span = parse_offsets(text)
        if partition in parts:
            raise ValueError(f"{text!r}: partition {partition} has a range already; order a job for each")
        parts[partition] = span
    return parts
