"""From the steps of a session to what its store held: each run's journal, and what the session remembers. Pure.

Steps are published before or soon after their entries are stored, so that a topic of them tells more than a store had:
entries of a worker that died before it stored them, and of one that was fenced when it tried. What holds:

- A run's epochs grow with each takeover. Whoever takes an unfinished run over publishes first what it found.
- So where two bodies claim one place, the higher epoch's is the stored one. The holder of the lower epoch had stored
  neither its own nor anything after it.
- What a lower epoch publishes after a higher one was not stored, or is published by the higher one as well.

An entry that was never stored and that nothing contradicts stays in: an intent too many is resolved as any other in
doubt, and a decision too many has had no effect yet.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from consumers.session import place
from consumers.session.context import Context
from schemas.canonical import canonical_json

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What is needed of a step, in the order of the topic."""

    run_id: str
    place: str
    body: Body
    epoch: int
    memory: Body | None = None


@dataclass(frozen=True, slots=True)
class Refolded:
    """A session as its steps tell it.

    Attributes:
        runs: the entries of each run, by place.
        memories: what it remembers of each run that ended or waits, in the order of time.
        forgets: it was erased meanwhile: whatever a store remembers from before is to go.
    """

    runs: Mapping[str, Mapping[str, Body]]
    memories: tuple[Context, ...]
    forgets: bool

    def context(self, before: Context) -> Context:
        """Return what the session remembers, where a store still remembers what was `before`."""
        context = Context() if self.forgets else before
        for memory in self.memories:
            context = context.merged(memory)
        return context

    def since(self, at: datetime) -> "Refolded":
        """Return it without the runs that were over before then: a store would have forgotten them by itself.

        What a session remembers of them is forgotten with its last run.
        """
        runs = {run: entries for run, entries in self.runs.items() if not _over_before(entries, at)}
        return Refolded(runs, self.memories if runs else (), self.forgets)


def refold(steps: Iterable[Told]) -> Refolded:
    """Read the steps of one session.

    Raises:
        DamagedError: what a step says of the session's memory cannot be read.
    """
    runs: dict[str, _Run] = {}
    erased_at = -1
    for order, step in enumerate(steps):
        run = runs.setdefault(step.run_id, _Run())
        if step.place == place.ERASED:
            erased_at = order
            run.entries = {place.ERASED: _Held(step.body, step.epoch, order)}
        elif place.ERASED not in run.entries:
            run.take(step, order)
    memories = sorted(
        (memory for run in runs.values() if (memory := run.memory()) and memory[0] > erased_at),
        key=lambda memory: memory[0],
    )
    return Refolded(
        {run_id: run.bodies() for run_id, run in runs.items()},
        tuple(Context.load(canonical_json(memory)) for _, memory in memories),
        forgets=erased_at >= 0,
    )


_ALONE: Final = frozenset({place.CANCEL})
"""Written by somebody without the lease: no worker's silence speaks against it."""


@dataclass(frozen=True, slots=True)
class _Held:
    body: Body
    epoch: int
    order: int
    """When that epoch published it."""
    memory: tuple[int, Body] | None = None


@dataclass(slots=True)
class _Run:
    entries: dict[str, _Held] = field(default_factory=dict[str, _Held])
    epoch: int = 0

    def take(self, step: Told, order: int) -> None:
        if step.epoch < self.epoch:
            return
        self.epoch = step.epoch
        before = self.entries.get(step.place)
        memory = (order, step.memory) if step.memory is not None else None
        if before and before.body == step.body:
            memory = memory or before.memory
        elif before:
            self._drop(before)
        self.entries[step.place] = _Held(step.body, step.epoch, order, memory)

    def _drop(self, contradicted: _Held) -> None:
        """Leave out what the same holder published after it: it was not stored either."""
        self.entries = {
            at: held
            for at, held in self.entries.items()
            if at in _ALONE or held.epoch != contradicted.epoch or held.order < contradicted.order
        }

    def sound(self) -> Mapping[str, _Held]:
        """Return the entries; an end counts only if nobody went on after it."""
        end = self.entries.get(place.OUTCOME)
        if end is None or end.epoch == self.epoch:
            return self.entries
        return {at: held for at, held in self.entries.items() if at != place.OUTCOME}

    def bodies(self) -> Mapping[str, Body]:
        return {at: held.body for at, held in self.sound().items()}

    def memory(self) -> tuple[int, Body] | None:
        told = [held.memory for held in self.sound().values() if held.memory]
        return max(told, key=lambda memory: memory[0], default=None)


def _over_before(entries: Mapping[str, Body], at: datetime) -> bool:
    if erased := entries.get(place.ERASED):
        return datetime.fromisoformat(erased["at"]) < at
    end = entries.get(place.OUTCOME)
    return end is not None and datetime.fromisoformat(end["finished_at"]) < at
