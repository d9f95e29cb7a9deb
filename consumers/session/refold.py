"""From the steps of a session to what its store held: each run's journal, and what the session remembers. Pure.

Steps are published before or soon after their entries are stored, so that a topic of them tells more than a store had:
entries of a worker that died before it stored them, and of one that was fenced when it tried. What holds:

- A run's epochs grow with each takeover. Whoever takes an unfinished run over publishes first what it found; giving a run
  back to a store that lost it is a takeover as well.
- So where two bodies claim one place, the higher epoch's is the stored one. The holder of the lower epoch had stored
  neither its own nor anything after it.
- What a lower epoch publishes after a higher one was not stored, or is published by the higher one as well.
- Whoever ends a run has published all of it by then: what only lower epochs told was not stored.

An entry of a run that is not over, was never stored and that nothing contradicts stays in: an intent too many is resolved
as any other in doubt, and a decision too many has had no effect yet.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from consumers.session import place
from consumers.session.context import Context
from schemas.canonical import canonical_json
from schemas.expiry import Expiry
from schemas.step import Step, StepKind

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refolded:
    """A session as its steps tell it.

    Attributes:
        runs: the steps of each run, by place.
        memories: what it remembers of each run that ended or waits, in the order of time.
        forgets: it was erased meanwhile: whatever a store remembers from before is to go.
    """

    runs: Mapping[str, Mapping[str, Step]]
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
        runs = {run: steps for run, steps in self.runs.items() if not _over_before(steps, at)}
        return Refolded(runs, self.memories if runs else (), self.forgets)

    def waiting(self) -> Iterator[Expiry]:
        """Yield the deadlines of questions that nobody has answered."""
        for steps in self.runs.values():
            if steps.keys() & {place.OUTCOME, place.ERASED}:
                continue
            for at, step in steps.items():
                asked = at.removesuffix("/hold")
                if step.kind is StepKind.HOLD and place.approval(asked) not in steps:
                    until = datetime.fromisoformat(step.body["expires_at"])
                    yield Expiry(step.run_id, step.tenant, step.session_id, asked, until)

    def taken_over(self, epoch: int, at: datetime) -> Iterator[Step]:
        """Yield the steps under a new epoch, of runs that were not over before then.

        Who held a lease of such a run may not know yet that it ended; what it still publishes counts no more after these.
        """
        for steps in self.since(at).runs.values():
            yield from (replace(step, epoch=epoch, previous=None, link=None) for step in steps.values())


def refold(steps: Iterable[Step]) -> Refolded:
    """Read the steps of one session, in the order of the topic.

    Raises:
        DamagedError: what a step says of the session's memory cannot be read.
    """
    runs: dict[str, _Run] = {}
    erased_at = -1
    for order, step in enumerate(steps):
        if step.kind is StepKind.REPLAY:
            continue
        run = runs.setdefault(step.run_id, _Run())
        if step.place == place.ERASED:
            erased_at = order
            run.entries = {place.ERASED: _Held(step, order)}
        elif place.ERASED not in run.entries:
            run.take(step, order)
    memories = sorted(
        (memory for run in runs.values() if (memory := run.memory()) and memory.told > erased_at),
        key=lambda memory: memory.told,
    )
    return Refolded(
        {run_id: run.steps() for run_id, run in runs.items()},
        tuple(
            replace(Context.load(canonical_json(memory.step.memory)), link=memory.step.link or "")
            for memory in memories
        ),
        forgets=erased_at >= 0,
    )


_ALONE: Final = frozenset({place.CANCEL})
"""Written by somebody without the lease: no worker's silence speaks against it."""


@dataclass(frozen=True, slots=True)
class _Held:
    step: Step
    order: int
    """When its epoch published it."""
    told: int = -1
    """When what it remembers was published first."""


@dataclass(slots=True)
class _Run:
    entries: dict[str, _Held] = field(default_factory=dict[str, _Held])
    epoch: int = 0

    def take(self, step: Step, order: int) -> None:
        if step.epoch < self.epoch and step.place not in _ALONE:
            return
        self.epoch = max(self.epoch, step.epoch)
        before = self.entries.get(step.place)
        told = order
        if before and before.step.body == step.body:
            # Published again, it may not say what it remembers; if it does, the session has not learnt it anew.
            told = before.told if step.memory in (None, before.step.memory) else order
            # Its place in the chain is where that was said, and not where a store was given it back.
            chained = replace(step, previous=before.step.previous, link=before.step.link)
            if step.memory is None:
                step = replace(chained, memory=before.step.memory)
            elif step.link is None:
                step = chained
        elif before:
            self._drop(before)
        self.entries[step.place] = _Held(step, order, told)

    def _drop(self, contradicted: _Held) -> None:
        """Leave out what the same holder published after it: it was not stored either."""
        self.entries = {
            at: held
            for at, held in self.entries.items()
            if at in _ALONE or held.step.epoch != contradicted.step.epoch or held.order < contradicted.order
        }

    def sound(self) -> Mapping[str, _Held]:
        """Return the entries; an end counts only if nobody went on after it, and only what it knew counts beside it."""
        end = self.entries.get(place.OUTCOME)
        if end is None:
            return self.entries
        if end.step.epoch != self.epoch:
            return {at: held for at, held in self.entries.items() if at != place.OUTCOME}
        return {
            at: held for at, held in self.entries.items() if at in _ALONE or held.step.epoch == self.epoch
        }

    def steps(self) -> Mapping[str, Step]:
        return {at: held.step for at, held in self.sound().items()}

    def memory(self) -> _Held | None:
        """Return the step that says last what the session remembers."""
        told = [held for held in self.sound().values() if held.step.memory is not None]
        return max(told, key=lambda held: held.told, default=None)


def _over_before(steps: Mapping[str, Step], at: datetime) -> bool:
    if erased := steps.get(place.ERASED):
        return datetime.fromisoformat(erased.body["at"]) < at
    end = steps.get(place.OUTCOME)
    return end is not None and datetime.fromisoformat(end.body["finished_at"]) < at
