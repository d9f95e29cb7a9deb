"""What a session remembers, followed from step to step of the audit trail. Pure."""

from typing import Final

from consumers.session import place
from consumers.session.context import Context
from consumers.session.stored import DamagedError
from schemas.canonical import canonical_json
from schemas.step import Step, StepKind

NOTHING: Final = Context()


def is_of_run(step: Step) -> bool:
    """Say whether a step tells of a run that is being worked, and not of what others did to it."""
    return step.kind is not StepKind.REPLAY and step.place != place.CANCEL


def teaches(step: Step) -> bool:
    """Say whether a session may remember something else after it."""
    return step.memory is not None or step.place == place.ERASED


def after(remembered: Context, step: Step) -> Context:
    """Return what a session remembers once a step of it is known; what the step remembers and cannot be read is left out."""
    if step.place == place.ERASED:
        return NOTHING
    if step.memory is None:
        return remembered
    try:
        learnt = Context.load(canonical_json(step.memory))
    except DamagedError:
        return remembered
    return remembered.merged(learnt).within_bounds()
