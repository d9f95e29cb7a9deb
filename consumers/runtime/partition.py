"""One assigned partition and its lanes: what this worker holds of it, from assignment to loss."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from consumers.errors import DeadLetterError
from consumers.ports.claim import ClaimLostError, HandedOverError
from consumers.ports.consumer_group import Committed, PartitionId
from consumers.runtime.membership import Membership
from consumers.runtime.offsets import OffsetTracker
from schemas.record import Outgoing, Record

LaneKey = bytes | int
"""The record's key; a record without one is alone in its lane, named by its offset."""
WAITS_FOR_SLOT: Final = "waits for a free slot (limits.in_flight)"
PUBLISHING: Final = "publishing"


class Phase(Enum):
    """Where a partition stands."""

    OPEN = auto()
    """Ours: work begins, goes on and is committed."""
    CLOSING = auto()
    """Being handed over, perhaps to us again: work ends at the next step, none begins."""
    HELD = auto()
    """Revoked, and kept in case it comes back: nothing begins and nothing is committed before that."""
    GONE = auto()
    """Not ours: nothing may be done for it."""


class Mode(Enum):
    """What happens to the records of a lane."""

    WORKED = auto()
    PARKED = auto()
    """They go to the parked topic, behind the ones that are there."""
    RELEASING = auto()
    """Those that were parked are worked; those that arrive wait behind them."""


class End(Enum):
    """How work on a record ended."""

    DONE = auto()
    DEAD = auto()
    PARKED = auto()


@dataclass(slots=True, eq=False)
class Lane:
    """The records of one key, one after the other."""

    partition: "Partition"
    key: LaneKey
    mode: Mode = Mode.WORKED
    arrived: "deque[Item]" = field(default_factory=deque)
    released: "deque[Item]" = field(default_factory=deque)
    busy: bool = False
    """In the ready queue, running, or waiting for its retry."""
    timer: asyncio.TimerHandle | None = None
    fed: int = -1
    """Offset, on the parked topic, of the last record that was queued for release."""

    @property
    def queue(self) -> "deque[Item]":
        """What is to be worked first."""
        return self.released if self.mode is Mode.RELEASING else self.arrived

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to remember."""
        return self.mode is Mode.WORKED and not self.arrived and not self.released


@dataclass(slots=True, eq=False)
class Item:
    """One record on its way through this worker; the handler's claim to it as well.

    Attributes:
        record: as fetched.
        size: its bytes.
        lane: the others of its key.
        place: where it lies on the parked topic, for one that was parked and is released.
        outputs: what is to be published for it; None until its work is over.
        end: how that ended.
        error: why it was given up, or None.
        step: what it does or waits for now.
        step_at: since when, by the event loop's clock.
        running: it holds a slot; else it waits.
        abandoned: its partition went away under it.
    """

    record: Record
    size: int
    lane: Lane
    step_at: float
    place: tuple[int, int] | None = None
    attempts: int = 0
    first_failure_at: float | None = None
    outputs: tuple[Outgoing, ...] | None = None
    end: End = End.DONE
    error: DeadLetterError | None = None
    step: str = WAITS_FOR_SLOT
    running: bool = False
    abandoned: bool = False

    def enter(self, step: str) -> None:
        """As the port says."""
        self.now(step)
        if not self.lane.partition.may_begin:
            raise HandedOverError(f"{self.record.place} is handed over before: {step}")

    def hold(self, step: str) -> None:
        """As the port says."""
        self.now(step)
        if not self.lane.partition.may_act:
            raise ClaimLostError(f"{self.record.place} may be another worker's: {step} does not begin")

    @property
    def where(self) -> dict[str, object]:
        """Its place, for a log line."""
        return {
            "topic": self.record.topic,
            "partition": self.record.partition,
            "offset": self.record.offset,
        }

    def now(self, step: str) -> None:
        """Note what is done or waited for."""
        self.step = step
        self.step_at = asyncio.get_running_loop().time()


class Partition:
    """What this worker holds of one partition.

    Args:
        pid: which.
        generation: of the group, when it was assigned.
        tracker: where it begins.
        committed: what the group has; None where it has nothing.
        membership: whether it can be another's already.
    """

    def __init__(
        self,
        pid: PartitionId,
        generation: int,
        tracker: OffsetTracker,
        committed: Committed | None,
        membership: Membership,
    ) -> None:
        self.pid = pid
        self.generation = generation
        self.tracker = tracker
        self.committed = committed
        self.phase = Phase.OPEN
        self.paused = False
        self.lanes: dict[LaneKey, Lane] = {}
        self.held: dict[int, Item] = {}
        """Delivered and not finished, by offset."""
        self.held_bytes = 0
        self.moved_at = asyncio.get_running_loop().time()
        """When something was last delivered, or there was nothing to deliver."""
        self._membership = membership

    @property
    def may_begin(self) -> bool:
        """Whether a step may begin."""
        return self.phase is Phase.OPEN and self._membership.is_certain

    @property
    def may_commit(self) -> bool:
        """Whether offsets may be committed for it."""
        return self.phase in {Phase.OPEN, Phase.CLOSING}

    @property
    def may_act(self) -> bool:
        """Whether a step under way may still act on the world."""
        return self.phase is not Phase.GONE and self._membership.is_certain

    def hold(self, item: Item) -> None:
        """Note a delivered record."""
        self.held[item.record.offset] = item
        self.held_bytes += item.size

    def finish(self, item: Item) -> None:
        """Note that a record's outputs are acknowledged: its offset may be committed."""
        if item.place is None and self.held.pop(item.record.offset, None):
            self.held_bytes -= item.size
            self.tracker.finish(item.record.offset)

    @property
    def blocking(self) -> Item | None:
        """The item that the committed offset cannot pass; None where nothing is unfinished."""
        return self.held.get(self.tracker.next_offset)
