"""How a run stands and what it came to, from its journal. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from consumers.session import place

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Totals:
    """What runs came to.

    Attributes:
        turns: answers of the model.
        actions: actions that have a result, whatever it is.
        approvals: questions to a person.
        tokens: in and out.
        cost_usd: of the model.
        action_s: seconds that actions took, one beside the other counted twice.
        seconds: from the first turn to the outcome, waiting included; 0 while there is none.
    """

    turns: int = 0
    actions: int = 0
    approvals: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    action_s: float = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        parts = [
            _count(self.turns, "turn"),
            _count(self.actions, "action"),
            f"{self.action_s:,.2f} s in actions",
            _count(self.approvals, "question to a person", "questions to people"),
            _count(self.tokens, "token"),
            f"{self.seconds:,.1f} s in all",
        ]
        return f"{', '.join(parts)}, ${self.cost_usd:.4f}"


def totals(entries: Mapping[str, Body]) -> Totals:
    """Add up one run."""
    kinds = {at: at.rpartition("/")[2] for at in entries}
    decisions = [entries[at] for at, kind in kinds.items() if kind == "decision"]
    results = [entries[at] for at, kind in kinds.items() if kind in {"result", "undo.result"}]
    outcome = entries.get(place.OUTCOME)
    return Totals(
        turns=len(decisions),
        actions=len(results),
        approvals=sum(kind in {"hold", "doubt"} for kind in kinds.values()),
        tokens=sum(body["input_tokens"] + body["output_tokens"] for body in decisions),
        cost_usd=sum(body["cost_usd"] for body in decisions),
        action_s=sum(body.get("ms", 0) for body in results) / 1000,
        seconds=_seconds(outcome) if outcome else 0.0,
    )


def all_of(several: Iterable[Totals]) -> Totals:
    """Add up several runs."""
    each = list(several)
    return Totals(**{field.name: sum(getattr(one, field.name) for one in each) for field in fields(Totals)})


def standing(entries: Mapping[str, Body]) -> str:
    """Return a run's status: of one that is not finished, what it waits for."""
    if outcome := entries.get(place.OUTCOME):
        return str(outcome["status"])
    if place.ERASED in entries:
        return "erased"
    asked = {at for at in entries if at.endswith("/doubt") and f"{at}.answer" not in entries}
    if asked:
        return "in_doubt"
    held = {at for at in entries if at.endswith("/hold") and at.replace("/hold", "/approval") not in entries}
    return "requires_approval" if held else "in_progress"


def _seconds(outcome: Body) -> float:
    started, finished = (datetime.fromisoformat(outcome[name]) for name in ("started_at", "finished_at"))
    return max(0.0, (finished - started).total_seconds())


def _count(number: int, one: str, several: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else several or one + 's'}"
