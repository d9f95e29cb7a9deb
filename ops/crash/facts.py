"""What is known of one play. Everything that is checked is computed from this, and nothing here asks anybody."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from books import Books
from points import Point
from scenarios import Play

from schemas.approval import ApprovalRequest
from schemas.outcome import Outcome
from schemas.record import Record
from schemas.step import Step

_ID = re.compile(r"\b[OBIS]-\d+\b")


@dataclass(frozen=True, slots=True)
class Instant:
    """What was written down at an instant.

    Attributes:
        journals: stored entries by run and place.
        books: the sandbox's.
        asked: how often the model has answered so far.
        published: steps that subscribers have seen, by their ids, which are run and place; each body they came with.
    """

    journals: Mapping[str, Mapping[str, bytes]]
    books: Books
    asked: int
    published: Mapping[str, Sequence[Any]]

    @property
    def decisions(self) -> list[str]:
        """Those in the journals, as ids of their steps."""
        return [
            f"{run}/{place}"
            for run, entries in self.journals.items()
            for place in entries
            if place.endswith("/decision")
        ]

    def keys_of_intents(self) -> set[str]:
        """Return the idempotency keys of all writes that the journals say are about to be done, or undone."""
        return {
            orjson.loads(body)["key"]
            for entries in self.journals.values()
            for place, body in entries.items()
            if place.endswith("intent")
        }


@dataclass(frozen=True)
class Played:
    """One play.

    Attributes:
        play: who played.
        point: where it was struck; None for a calm one.
        calls: of the ports, by what they do.
        struck: whether the point was reached.
        then: what was written down when it was struck; with a worker killed, right after its death.
        end: what is written down now.
        outcomes, requests, steps: all that was published, copies included, in order; once all was over, the events
            were published again, so that each outcome is there twice at least.
        lag: how many input records are not committed.
        strays: how many dead letters and parked records there are.
        restarts: how often the worker ended by itself and was started again.
        trouble: why it did not come to its end; empty otherwise.
        seconds: from the publication to the end.
    """

    play: Play
    point: Point | None
    calls: Sequence[str]
    struck: bool
    then: Instant | None
    end: Instant
    outcomes: Sequence[tuple[Record, Outcome]]
    requests: Sequence[tuple[Record, ApprovalRequest]]
    steps: Sequence[tuple[Record, Step]]
    lag: int
    strays: int
    restarts: int
    trouble: str
    seconds: float

    @cached_property
    def first_outcomes(self) -> list[Outcome]:
        """The first outcome of each event, in the order in which their runs ended."""
        found: dict[str, Outcome] = {}
        for _, outcome in self.outcomes:
            found.setdefault(outcome.event_id, outcome)
        return sorted(found.values(), key=lambda outcome: outcome.finished_at)

    @cached_property
    def told(self) -> list[dict[str, Any]]:
        """What the outcomes say, without what differs from one play to the next: names, ids, times and tokens."""
        names: dict[str, str] = {self.play.customer: "CUSTOMER"}
        return [
            _renamed(
                {
                    "status": str(outcome.status),
                    "summary": outcome.summary,
                    "turns": outcome.turns,
                    "actions": [
                        {name: getattr(action, name) for name in action.__slots__}
                        for action in outcome.actions
                    ],
                },
                names,
            )
            for outcome in self.first_outcomes
        ]

    @property
    def answers_lost(self) -> int:
        """How many answers the model had given that were written down nowhere when the play was struck."""
        return self.then.asked - len(self.then.decisions) if self.then else 0

    @property
    def name(self) -> str:
        return str(self.point) if self.point else f"{self.play.scenario.name}, calm"


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """Return a value with every id in it replaced by the place at which it first comes up among those of its kind."""
    if isinstance(value, dict):
        return {name: _renamed(part, names) for name, part in value.items()}
    if isinstance(value, list):
        return [_renamed(part, names) for part in value]
    if not isinstance(value, str):
        return value
    for customer, instead in list(names.items())[:1]:
        value = value.replace(customer, instead)
    return _ID.sub(lambda found: _name(found[0], names), value)


def _name(found: str, names: dict[str, str]) -> str:
    kind = found[0]
    known = sum(name.startswith(f"{kind}-") and name[2:].isdigit() for name in names)
    return names.setdefault(found, f"{kind}#{known + 1}")
