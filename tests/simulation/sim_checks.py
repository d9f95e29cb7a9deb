"""What must be true of a simulated world, at every commit and at the end."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from consumers.ports.consumer_group import Committed, PartitionId
from consumers.runtime.finished import decode
from schemas.record import Record
from tests.simulation.fake_broker import CommitSeen
from tests.simulation.sim_world import GROUP, INPUT, PARTITIONS, World


class ViolationError(AssertionError):
    """Something that must never be is."""


class Checks:
    """Watches a world; the first violation is kept, and raised by `raise_first`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._first: str | None = None
        self.commits = 0
        world.broker.on_commit.append(self._on_commit)

    def raise_first(self) -> None:
        """Raise what was found.

        Raises:
            ViolationError: something was.
        """
        if self._first is None and self._world.died:
            self._first = f"a worker ended by itself: {self._world.died}"
        if self._first is not None:
            raise ViolationError(self._first)

    def _on_commit(self, seen: CommitSeen) -> None:
        """The committed offset never falls and never passes an unfinished event; nor does what it says above it."""
        if seen.group != GROUP or seen.partition.topic != INPUT:
            return
        self.commits += 1
        before = seen.before.next_offset if seen.before else 0
        if seen.after.next_offset < before:
            self._found(f"{seen.partition}: the commit fell from {before} to {seen.after} by {seen.by}")
        ended = self._ended()
        for event, (pid, offset, _) in self._world.events.items():
            if pid == seen.partition and _is_finished(offset, seen.after) and event not in ended:
                self._found(f"{pid}@{offset} ({event}) has not ended, and {seen.by} committed {seen.after}")

    def _ended(self) -> set[str]:
        """Return the events that came to something: an outcome, a letter, or the end of one that says nothing."""
        found = {_event_of(record) for record in self._published("out")}
        by_offset = {(pid, offset): name for name, (pid, offset, _) in self._world.events.items()}
        for topic in ("dead", "parked"):
            found |= {by_offset[origin] for record in self._published(topic) if (origin := _origin(record))}
        journal = self._world.systems.journal.events
        return found | {event for event in self._world.silent if event in journal and journal[event].outcome}

    def _published(self, topic: str) -> Iterator[Record]:
        for entry in self._world.broker.entries(topic):
            if entry.record is not None:
                yield entry.record

    def _found(self, what: str) -> None:
        self._first = self._first or what

    def at_the_end(self) -> None:
        """Everything has ended, once; order was kept; nothing is left.

        Raises:
            ViolationError: else.
        """
        self.raise_first()
        self._each_ended_once()
        self._order_was_kept()
        self._all_is_committed()
        self.raise_first()

    def _each_ended_once(self) -> None:
        world = self._world
        outcomes = Counter(_event_of(record) for record in world.broker.read_committed("out"))
        dead = Counter(
            origin for record in world.broker.read_committed("dead") if (origin := _origin(record))
        )
        for event, (pid, offset, _) in world.events.items():
            worked, buried = outcomes[event], dead[pid, offset]
            silent = event in world.silent and event in world.systems.journal.events
            if bool(worked) + bool(buried) + silent != 1:
                self._found(f"{event} at {pid}@{offset}: {worked} outcomes, {buried} dead letters")
            if world.transactional and worked + buried > 1:
                self._found(f"{event}: readers of transactions see {worked} outcomes, {buried} dead letters")

    def _order_was_kept(self) -> None:
        world = self._world
        firsts: dict[str, int] = {}
        for number, record in enumerate(world.broker.read_committed("out")):
            firsts.setdefault(_event_of(record), number)
        effects = {
            event: number for number, (event, step) in enumerate(world.systems.target.effects) if step == 1
        }
        lasts = {
            event: number for number, (event, step) in enumerate(world.systems.target.effects) if step == 2
        }
        for key in {key for _, _, key in world.events.values() if key is not None}:
            mine = [event for event, (_, _, own) in world.events.items() if own == key]
            for order in (firsts, effects):
                places = [order[event] for event in mine if event in order]
                if places != sorted(places):
                    self._found(f"key {key!r}: the order of {mine} is {places}")
            worked = [event for event in mine if event in effects and event in lasts]
            for one, two in pairwise(worked):
                if effects[two] < lasts[one]:
                    self._found(f"key {key!r}: {two} began before {one} had ended")

    def _all_is_committed(self) -> None:
        for number in range(PARTITIONS):
            pid = PartitionId(INPUT, number)
            end, at = self._world.broker.log(*pid).end, self._world.broker.committed(GROUP, pid)
            if end and (at is None or at.next_offset != end):
                self._found(f"{pid}: committed {at}, and its end is {end}")


def _is_finished(offset: int, committed: Committed) -> bool:
    upto, unfinished = decode(committed.next_offset, committed.metadata)
    return offset < committed.next_offset or (offset < upto and offset not in unfinished)


def _event_of(record: Record) -> str:
    return dict(record.headers)["event"].decode()


def _origin(record: Record) -> tuple[PartitionId, int] | None:
    headers = dict(record.headers)
    if "pointsman-offset" not in headers:
        return None
    return PartitionId(INPUT, int(headers["pointsman-partition"])), int(headers["pointsman-offset"])
