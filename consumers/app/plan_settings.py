"""The configuration of plans: what a route does without asking the model."""

from typing import Any, Literal

from pydantic import Field, model_validator

from consumers.app.contradictions import refuse
from consumers.app.section import Section


class PlannedCallSettings(Section):
    """One action of a plan, with its arguments."""

    action: str
    """Full name of an action on the route's list"""
    arguments: dict[str, Any] = {}  # noqa: RUF012 - pydantic copies it
    """Its arguments: constants, or CEL behind `=`, such as `=event.payload.customer_id`; `==` begins a constant with `=`"""


class PlanStepSettings(Section):
    """One step of a plan: actions, or the end of the run."""

    when: str | None = None
    """CEL over `event`, `session`, `failures` and `now`; always where missing"""
    do: tuple[PlannedCallSettings, ...] = ()
    """The actions of the step, in order; reads beside each other"""
    finish: Literal["completed", "refused", "failed"] | None = None
    """How the step ends the run, instead of `do`"""
    summary: str = ""
    """What the outcome says then; CEL behind `=`"""
    after_failure: bool = False
    """Whether the step is for the case that an action of the step before was not done, and only for that"""

    @model_validator(mode="after")
    def _fits(self) -> "PlanStepSettings":
        if bool(self.do) == (self.finish is not None):
            refuse("PlanStepSettings", [("do", "a step has either `do`, its actions, or `finish`")])
        if self.finish is not None and not self.summary:
            refuse("PlanStepSettings", [("finish", "needs a `summary`: the outcome says it")])
        return self


class PlanSettings(Section):
    """A fixed plan: each step is taken at most once, in order."""

    steps: tuple[PlanStepSettings, ...] = Field(min_length=1, max_length=64)
    otherwise: Literal["model", "failed"] = "failed"
    """What happens where no step applies: the model goes on from there, or the run ends as failed"""
