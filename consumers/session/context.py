"""The context: what earlier events of the session did and found out, bounded, as rules and prompts see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from consumers.session.past import Learnt, PastRun
from consumers.session.stored import DamagedError, problem_of
from consumers.session.summary import summarize
from schemas.canonical import canonical_json

MAX_RUNS: Final = 20
"""Runs a context remembers; older ones are on the steps topic."""
MAX_BYTES: Final = 65_536
"""Size of a stored context; the oldest runs are dropped first, those that wait last."""
MAX_RESULTS: Final = 32
"""Actions whose latest result is remembered."""
MAX_PAYLOADS: Final = 8
"""Types of event whose latest payload is remembered."""
VERSION: Final = 2
"""Of the stored form. The first one had no number, and of each run only what it wrote."""


# Not slotted: what rules see of it is worked out once, and only if a rule asks.
@dataclass(frozen=True)
class Context:
    """What a session remembers, each kind in the order of time.

    Attributes:
        runs: the latest runs, finished or waiting.
        results: the latest result of each action that was done and stands, reads as well.
        payloads: the latest payload of each type of event, as far as its route shows it to the model.
        earlier: runs that are not remembered any more.
        link: of the last step of the run that was left last; what is published next follows it. Empty for a new session.
    """

    runs: tuple[PastRun, ...] = ()
    results: Mapping[str, Learnt] = field(default_factory=dict[str, Learnt])
    payloads: Mapping[str, Learnt] = field(default_factory=dict[str, Learnt])
    earlier: int = 0
    link: str = ""

    @classmethod
    def load(cls, data: bytes | None) -> "Context":
        """Read what this or an older version's `dump` wrote; None is a new session.

        Raises:
            DamagedError: it cannot be read.
        """
        if data is None:
            return cls()
        try:
            stored = _STORED.validate_json(data)
        except ValidationError as error:
            raise DamagedError("context", problem_of(error)) from None
        if stored.version > VERSION:
            raise DamagedError("context", f"its form has the number {stored.version}, newer than {VERSION}")
        return cls(stored.runs, dict(stored.results), dict(stored.payloads), stored.earlier, stored.link)

    def dump(self) -> bytes:
        """Encode within `MAX_BYTES`."""
        data = _encoded(self)
        small = (
            len(self.runs) <= MAX_RUNS
            and len(self.results) <= MAX_RESULTS
            and len(self.payloads) <= MAX_PAYLOADS
        )
        return data if small and len(data) <= MAX_BYTES else _encoded(self.within_bounds())

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that a prompt could tell of it."""
        return not (self.runs or self.results or self.payloads)

    def without(self, run_id: str) -> "Context":
        """Return the context as that run itself should see it: without it."""
        others = tuple(run for run in self.runs if run.run_id != run_id)
        return self if len(others) == len(self.runs) else replace(self, runs=others)

    def merged(self, newer: "Context") -> "Context":
        """Return it with what a run has added, in place of what it said of that run before; storing it bounds it."""
        of = {run.run_id for run in newer.runs}
        results = {
            name: learnt
            for name, learnt in self.results.items()
            if learnt.run_id not in of and name not in newer.results
        }
        payloads = {name: said for name, said in self.payloads.items() if name not in newer.payloads}
        others = (run for run in self.runs if run.run_id not in of)
        return Context(
            (*others, *newer.runs),
            {**results, **newer.results},  # the latest come last
            {**payloads, **newer.payloads},
            self.earlier + newer.earlier,
            newer.link or self.link,
        )

    def within_bounds(self) -> "Context":
        """Return it without what is too old to be kept: runs first, then payloads and results."""
        runs, results = list(self.runs), list(self.results.items())[-MAX_RESULTS:]
        payloads = list(self.payloads.items())[-MAX_PAYLOADS:]
        sizes = {id(each): len(canonical_json(each)) + 1 for each in (*runs, *results, *payloads)}
        left = MAX_BYTES - _ROOM - len(self.link) - sum(sizes.values())
        while len(runs) > MAX_RUNS or (left < 0 and len(runs) > 1):
            # The newest stays, and of the others those that wait for somebody.
            finished = (at for at, run in enumerate(runs[:-1]) if not run.waits)
            left += sizes[id(runs.pop(next(finished, 0)))]
        while left < 0 and (older := payloads or results):
            left += sizes[id(older.pop(0))]
        earlier = self.earlier + len(self.runs) - len(runs)
        return Context(tuple(runs), dict(results), dict(payloads), earlier, self.link)

    def facts(self) -> Mapping[str, Any]:
        """Return what rules see as `session`: `history`, `waiting`, `data`, `learnt_at`, `payloads`."""
        return self._facts

    def summary(self, tokens: int) -> str:
        """Return it in words for a prompt, in at most so many tokens by the estimate of `consumers.session.summary`.

        Empty where there is nothing to tell, or no room to tell anything.
        """
        return summarize(self.runs, self.results, self.payloads, self.earlier, tokens)

    @cached_property
    def _facts(self) -> dict[str, Any]:
        return {
            "history": [run.facts() for run in self.runs if not run.waits],
            "waiting": [run.facts() for run in self.runs if run.waits],
            "data": {name: learnt.value for name, learnt in self.results.items()},
            "learnt_at": {name: learnt.at for name, learnt in self.results.items()},
            "payloads": {name: learnt.value for name, learnt in self.payloads.items()},
        }


_ROOM: Final = 128
"""Bytes of a stored context beside what it remembers."""


@dataclass(frozen=True, slots=True)
class _Stored:
    runs: tuple[PastRun, ...]
    results: tuple[tuple[str, Learnt], ...] = ()
    payloads: tuple[tuple[str, Learnt], ...] = ()
    earlier: int = 0
    version: int = 1
    link: str = ""


_STORED: Final = TypeAdapter(_Stored)


def _encoded(context: Context) -> bytes:
    return canonical_json(
        {
            "version": VERSION,
            "runs": context.runs,
            # Lists, because canonical JSON orders the names of an object, and the order of time counts.
            "results": list(context.results.items()),
            "payloads": list(context.payloads.items()),
            "earlier": context.earlier,
            **({"link": context.link} if context.link else {}),
        }
    )
