"""What runs of a route used so far, and so what more of them are likely to. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas.outcome import Outcome

_TOOK_EFFECT: Final = frozenset({"done", "compensated", "compensation_failed"})


@dataclass(frozen=True, slots=True)
class Expected:
    """What a number of runs is likely to use.

    Attributes:
        model_calls: turns that a model decides.
        usd: what they cost.
        effects: writes that take effect, by action, such as `erp.create_order`.
        of_runs: how many finished runs this is the mean of; 0 means that nobody knows.
    """

    model_calls: float = 0.0
    usd: float = 0.0
    effects: Mapping[str, float] = field(default_factory=dict[str, float])
    of_runs: int = 0


@dataclass(slots=True)
class History:
    """Adds up finished runs of one route."""

    runs: int = 0
    turns: int = 0
    usd: float = 0.0
    effects: Counter[str] = field(default_factory=Counter[str])

    def take(self, outcome: Outcome) -> None:
        """Add one."""
        self.runs += 1
        self.turns += outcome.turns
        self.usd += outcome.cost_usd
        for each in outcome.actions:
            if each.effect == "write" and each.status in _TOOK_EFFECT:
                self.effects[each.action] += 1

    def expected(self, runs: float) -> Expected:
        """Return what so many more runs are likely to use: so many times the mean."""
        if not self.runs:
            return Expected()
        times = runs / self.runs
        return Expected(
            model_calls=self.turns * times,
            usd=self.usd * times,
            effects={action: count * times for action, count in sorted(self.effects.items())},
            of_runs=self.runs,
        )


def by_connector(effects: Mapping[str, float]) -> dict[str, float]:
    """Add up effects of actions by their connectors."""
    summed: Counter[str] = Counter()
    for action, count in effects.items():
        summed[action.partition(".")[0]] += count  # pyright: ignore[reportArgumentType] - a mean is no whole number
    return dict(sorted(summed.items()))
