"""The configuration of routes: which event may lead to what."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from consumers.app.contradictions import refuse
from consumers.app.plan_settings import PlannedCallSettings, PlanSettings
from consumers.app.section import Section
from consumers.router.finding import SHOWN, SHOWN_AT_MOST
from schemas.topics import OUTCOMES


class RuleSettings(Section):
    """One rule over `event`, `arguments`, `session`, `action` and `now`: a CEL expression, or a Python function."""

    name: str
    when: str | None = None
    use: str | None = None
    then: Literal["allow", "deny", "hold"]
    message: str = ""
    actions: tuple[str, ...] = ()
    """Full action names; none means every write."""
    approvers: tuple[str, ...] = ()
    """With `hold`: the roles of which a person must have one to answer; any approver where there are none"""
    quorum: int = Field(default=1, gt=0)
    """With `hold`: how many different people must agree to the same arguments; one `reject` ends it"""
    escalate_to: tuple[str, ...] = ()
    """With `hold`: the roles of those who are asked, for as long again, if nobody answers in time; refused where there are none"""

    @model_validator(mode="after")
    def _fits(self) -> "RuleSettings":
        if (self.when is None) == (self.use is None):
            problem = "a rule has either `when`, a CEL expression, or `use`, the name of an installed rule in Python"
            refuse("RuleSettings", [("when", problem)])
        if self.then != "hold":
            wrong = "asks people, and only `then: hold` does: remove it"
            refuse(
                "RuleSettings",
                [
                    (name, wrong)
                    for name in ("approvers", "quorum", "escalate_to")
                    if name in self.model_fields_set
                ],
            )
        return self


class BudgetSettings(Section):
    """What one run may use."""

    turns: int = Field(default=8, gt=0)
    calls: int = Field(default=24, gt=0)
    repairs: int = Field(default=3, gt=0)
    tokens: int = Field(default=50_000, gt=0)
    usd: float = Field(default=1.0, gt=0)
    seconds: float = Field(default=120.0, gt=0)
    prompt_tokens: int = Field(default=60_000, gt=0)


class RouteSettings(Section):
    """One route: events of a type on a topic, and what they may lead to."""

    name: str | None = None
    topic: str
    event: str
    tenant: str = "default"
    read_as: str | None = None
    """A schema file such as `order.paid.v2`, or `newest`: Avro records of other versions are resolved to it; as written if missing"""
    goal: str
    actions: Annotated[tuple[str, ...], Field(min_length=1)]
    """Full names, or `<connector>.*` for all of a connector."""
    shown: int = Field(default=SHOWN, gt=0, le=SHOWN_AT_MOST)
    """Where there are more: how many the model is shown; it finds the others with `find_actions`"""
    pinned: tuple[str, ...] = ()
    """Actions among these that it is always shown"""
    rules: tuple[RuleSettings, ...] = ()
    require_allow: bool = False
    """Whether a write needs a rule that allows or holds it."""
    trusted_fields: tuple[str, ...] = ()
    trusted_values: tuple[str | int | float, ...] = ()
    despite_untrusted_text: tuple[str, ...] = ()
    budget: BudgetSettings = BudgetSettings()
    atomic: bool = False
    output: str = OUTCOMES.name
    approval_window: timedelta = timedelta(hours=24)
    fields: tuple[str, ...] | None = None
    """Payload fields that the model may see; all where it is missing."""
    show_personal: tuple[str, ...] = ()
    """Fields tagged as personal that may be seen and written in the clear; account and card numbers in them may not"""
    session_field: str | None = None
    requester_field: str | None = None
    session_tokens: int = Field(default=1500, ge=0)
    prompt: Path | None = None
    """File with the system message, with `$goal` and `$rules` where those belong; ours if missing"""
    context: tuple[PlannedCallSettings, ...] = ()
    """Reads that are done before the model is asked first"""
    plan: PlanSettings | None = None
    documents: tuple[Path, ...] = ()
    """Text files that the model is given with every event, as data, such as the rules for returns"""
