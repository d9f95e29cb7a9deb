"""The figures of a run, beside what was checked: they show what the blows have done."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from facts import Played
from run import Ran


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run took, and what was done in it.

    Attributes:
        seconds: for all of it, servers included.
        cpu_s: of all processes, which does not depend on what else the machine has to do.
        points: where something was struck.
        slowest_point_s: from the publication of its events to the end.
        plays_repeated: because their point was not reached.
        workers_killed: with SIGKILL, at a point.
        workers_stopped: by themselves, because they met a Redis that had lost what they had written.
        answers_lost: of the model, before they were written down; it was asked again.
        effects_asked_again: of the sandbox, which knew their keys.
        outcomes_again: copies beside the first, which a crash was the reason for; subscribers drop them by their id.
        steps_again: the same of the audit trail.
        steps_in_two_versions: steps of one id that are not alike: the first one was published and never written down.
    """

    seconds: float
    cpu_s: float
    points: int
    slowest_point_s: float
    plays_repeated: int
    workers_killed: int
    workers_stopped: int
    answers_lost: int
    effects_asked_again: int
    outcomes_again: int
    steps_again: int
    steps_in_two_versions: int


def figures(ran: Ran) -> Figures:
    """Return them."""
    plays = ran.struck
    return Figures(
        seconds=round(ran.seconds, 1),
        cpu_s=round(ran.cpu_s, 1),
        points=len(plays),
        slowest_point_s=round(max((played.seconds for played in plays), default=0.0), 1),
        plays_repeated=ran.again,
        workers_killed=sum(p.struck and p.point is not None and p.point.blow == "worker" for p in plays),
        workers_stopped=sum(played.restarts for played in plays),
        answers_lost=sum(played.answers_lost for played in plays),
        effects_asked_again=sum(e.attempts - 1 for played in plays for e in played.end.books.effects),
        # Each event was published twice, so that two copies are as it has to be.
        outcomes_again=sum(max(0, len(p.outcomes) - 2 * len(p.first_outcomes)) for p in plays),
        steps_again=sum(len(played.steps) - len(_versions(played)) for played in plays),
        steps_in_two_versions=sum(count > 1 for played in plays for count in _versions(played).values()),
    )


def _versions(played: Played) -> "Counter[str]":
    """Return how many bodies each step was published with."""
    bodies = {(step.id, repr(step.body)) for _, step in played.steps}
    return Counter(name for name, _ in bodies)


def of_scenario(name: str, plays: Sequence[Played]) -> list[Played]:
    """Return the plays of one scenario."""
    return [played for played in plays if played.play.scenario.name == name]
