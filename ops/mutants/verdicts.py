"""What became of a mutant."""

from dataclasses import dataclass
from enum import StrEnum


class MutantsError(Exception):
    """Nothing could be found out; the message says why."""


class Verdict(StrEnum):
    KILLED = "killed"
    TIMEOUT = "timeout"
    """The tests did not come to an end: as good as killed, for they would not have passed."""
    SURVIVED = "survived"
    UNTESTED = "untested"
    """No test reaches the changed code."""

    @property
    def escaped(self) -> bool:
        return self in {Verdict.SURVIVED, Verdict.UNTESTED}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small change of one module.

    Attributes:
        module: which.
        name: of the change.
        verdict: what became of it.
        change: the changed lines, of those that escaped.
    """

    module: str
    name: str
    verdict: Verdict
    change: str
