"""What came of an evaluation: figures of the candidate beside those that were recorded. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from consumers.evaluation.case import Case, Figures
from consumers.evaluation.compare import GRAVITY, Kind
from consumers.evaluation.trial import Trial

ERROR: Final = "error"
"""What stands in place of a kind of difference where a trial came to no end."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A case and its trials, of which there is one at least."""

    case: Case
    trials: tuple[Trial, ...]

    @property
    def score(self) -> float:
        """The mean of its trials."""
        return math.fsum(trial.score for trial in self.trials) / len(self.trials)

    @property
    def same(self) -> int:
        """How many of its trials did just what was expected."""
        return sum(1 for trial in self.trials if trial.comparison and not trial.comparison.differences)

    @property
    def error(self) -> str:
        """Why a trial came to no end; empty if all did."""
        return next((trial.error for trial in self.trials if trial.comparison is None), "")

    @property
    def kind(self) -> str:
        """The gravest kind of difference of any trial, or `error`."""
        if self.error:
            return ERROR
        kinds = [trial.comparison.kind for trial in self.trials if trial.comparison]
        return str(max(kinds, key=GRAVITY.index))

    @property
    def words(self) -> tuple[str, ...]:
        """What differs, each once, in the order of the trials."""
        said = (
            f"{difference.kind}: {difference.words}"
            for trial in self.trials
            if trial.comparison
            for difference in trial.comparison.differences
        )
        return tuple(dict.fromkeys(said))


@dataclass(frozen=True, slots=True)
class Totals:
    """What runs used together, and how long the model took for an answer.

    Attributes:
        runs: how many.
        models: who answered.
        prompts: versions of the prompts that were shown.
        p50_s: seconds of the median answer; None where there is none.
        p99_s: seconds that all answers but one of a hundred stayed within.
    """

    runs: int
    models: tuple[str, ...]
    prompts: tuple[str, ...]
    turns: int
    reads: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    p50_s: float | None
    p99_s: float | None

    @classmethod
    def of(cls, figures: Iterable[Figures]) -> "Totals":
        """Add up."""
        each = list(figures)
        seconds = sorted(s for one in each for s in one.model_s)
        return cls(
            len(each),
            tuple(sorted({one.model for one in each} - {""})),
            tuple(sorted({one.prompt for one in each} - {""})),
            sum(one.turns for one in each),
            sum(one.reads for one in each),
            sum(one.input_tokens for one in each),
            sum(one.output_tokens for one in each),
            math.fsum(one.cost_usd for one in each),
            _percentile(seconds, 0.5),
            _percentile(seconds, 0.99),
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What came of an evaluation.

    Attributes:
        candidate: name of its model.
        cases: what came of each, one at least.
        skipped: recorded runs that are no cases, by why.
    """

    candidate: str
    cases: Sequence[Evaluated]
    skipped: Mapping[str, int]

    @property
    def trials(self) -> int:
        """How many there were."""
        return sum(len(each.trials) for each in self.cases)

    @property
    def accuracy(self) -> float:
        """The share of trials that did just what was expected."""
        return sum(each.same for each in self.cases) / self.trials

    @property
    def score(self) -> float:
        """The mean of the cases' scores, in which differences count by what they would have done."""
        return math.fsum(each.score for each in self.cases) / len(self.cases)

    @property
    def errors(self) -> int:
        """How many cases have a trial that came to no end."""
        return sum(1 for each in self.cases if each.error)

    @property
    def kinds(self) -> Mapping[str, int]:
        """How many cases there are of each kind of difference, the harmless kinds first."""
        found = Counter(each.kind for each in self.cases)
        return {kind: found[kind] for kind in (*map(str, Kind), ERROR) if found[kind]}

    @property
    def recorded(self) -> Totals:
        """What the recorded runs used."""
        return Totals.of(each.case.recorded for each in self.cases if each.case.recorded)

    @property
    def tried(self) -> Totals:
        """What the trials used that came to an end."""
        return Totals.of(trial.figures for each in self.cases for trial in each.trials if trial.comparison)

    def body(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "candidate": self.candidate,
            "cases": len(self.cases),
            "trials": self.trials,
            "accuracy": self.accuracy,
            "score": self.score,
            "errors": self.errors,
            "kinds": dict(self.kinds),
            "recorded": asdict(self.recorded),
            "tried": asdict(self.tried),
            "skipped": dict(self.skipped),
            "results": [_body(each) for each in self.cases],
        }


def _body(each: Evaluated) -> dict[str, Any]:
    return {
        "id": each.case.id,
        "topic": each.case.topic,
        "kind": each.kind,
        "score": each.score,
        "same": each.same,
        "expected": asdict(each.case.expected),
        "trials": [
            {
                "status": trial.status,
                "summary": trial.summary,
                "score": trial.score,
                "differences": [
                    {"kind": str(d.kind), "words": d.words, "penalty": d.penalty}
                    for d in (trial.comparison.differences if trial.comparison else ())
                ],
                "effects": [asdict(effect) for effect in trial.effects],
                "unrecorded": list(trial.unrecorded),
                "figures": asdict(trial.figures),
                "error": trial.error,
            }
            for trial in each.trials
        ],
    }


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the nearest rank."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
