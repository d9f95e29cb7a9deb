"""What must hold of a session, whoever does what in whatever order: a model small enough to be seen to be right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from consumers.ports.sessions import Body, Entry, Lease
from consumers.session import place
from consumers.session.context import Context
from schemas.canonical import canonical_json

Journal = dict[str, Body]


@dataclass
class Session:
    """One session as everybody together could know it."""

    highest_epoch: int = 0
    """Ever given, whatever was lost since."""
    there: bool = False
    holder: Lease | None = None
    lapsed: bool = False
    """Time has passed: the holder may go on, but others may take the session from it."""
    context: Context = field(default_factory=Context)
    journals: dict[str, Journal] = field(default_factory=dict[str, Journal])
    closed: set[str] = field(default_factory=set[str])
    opened: set[str] = field(default_factory=set[str])
    left_by: dict[str, tuple[Lease, bool]] = field(default_factory=dict[str, tuple[Lease, bool]])
    """Who last gave the lease back together with a run's context, and whether that ended the run; by run."""

    def journal(self, run_id: str) -> Journal:
        return self.journals.get(run_id, {})

    def keeps_out(self, run_id: str, *, take_over: bool) -> bool:
        """Whether nobody may open this run now."""
        if self.holder is None or self.lapsed:
            return False
        return not (take_over and self.holder.run_id == run_id)

    def open(self, lease: Lease) -> None:
        self.holder, self.highest_epoch = lease, lease.epoch
        self.there, self.lapsed = True, False
        self.opened.add(lease.run_id)

    def was_left_so(self, lease: Lease, entries: Sequence[Entry], *, ends: bool) -> bool:
        """Whether this lease was given back like this and with these entries: then the call is a repetition."""
        journal = self.journal(lease.run_id)
        return self.left_by.get(lease.run_id) == (lease, ends) and all(
            journal.get(e.place) == e.body for e in entries
        )

    def write(self, run_id: str, entries: Sequence[Entry]) -> None:
        if after := written(self.journal(run_id), entries):
            self.journals[run_id] = after

    def leave(self, lease: Lease, context: Context, *, ends: bool) -> None:
        self.holder, self.context = None, context
        self.left_by[lease.run_id] = (lease, ends)
        self.journals.setdefault(lease.run_id, {})
        if ends:
            self.closed.add(lease.run_id)

    def wipe(self) -> None:
        highest = self.highest_epoch
        self.__init__(highest_epoch=highest)

    def unfinished(self) -> set[str]:
        return self.journals.keys() - self.closed

    def erase(self, tombstone: Body) -> None:
        """Nothing of it can be written again by who held it before."""
        self.holder, self.context = None, Context()
        self.journals = {run: {place.ERASED: tombstone} for run in self.journals}
        self.left_by.clear()


def written(journal: Mapping[str, Body], entries: Sequence[Entry]) -> Journal:
    """Return what a journal holds after an append: written once, in order, nothing after what was there before."""
    after = dict(journal)
    for entry in entries:
        if after.setdefault(entry.place, entry.body) != entry.body:
            break
    return after


def answered(journal: Mapping[str, Body], entries: Sequence[Entry]) -> list[Entry]:
    """Return what an append to this journal answers: ours up to what was there before, or a cancellation after them."""
    told: list[Entry] = []
    after = dict(journal)
    for entry in entries:
        body = after.setdefault(entry.place, entry.body)
        told.append(Entry(entry.place, body))
        if body != entry.body:
            return told
    cancelled = journal.get(place.CANCEL)
    return [*told, Entry(place.CANCEL, cancelled)] if cancelled else told


def size(journal: Mapping[str, Body]) -> tuple[int, int]:
    """Return how many entries and bytes count towards the limits; an operator's word needs no room."""
    counted = {at: canonical_json(body) for at, body in journal.items() if at != place.CANCEL}
    return len(counted), sum(len(at.encode()) + len(body) for at, body in counted.items())
