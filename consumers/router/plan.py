"""A plan: what a route does without asking the model, step after step. Pure.

A plan's turn looks to everything behind it like one of the model's: its calls are validated, judged, journaled and undone
in the same way. What was decided is read from the journal; what comes next is computed from it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, cast

import orjson

from consumers.policy.expressions import Expression, ExpressionError, facts_for, value_of
from consumers.router.decision import FINISH, FinishStatus
from consumers.router.exchange import Reply, ToolCall
from schemas.canonical import digest

VARIABLES: Final = frozenset({"event", "session", "failures", "now"})
"""What an expression of a plan may use; `failures` has a code for each action of the last step that was not done."""

Otherwise = Literal["model", "failed"]
"""What happens where no step applies: the model goes on, or the run ends as failed."""
Value = Any
"""A JSON-like value in which expressions stand for values."""
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """An action with its arguments."""

    action: str
    arguments: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What is done in one turn.

    Attributes:
        when: whether it applies, or None for always.
        calls: the actions, in order; reads beside each other.
        finish: how it ends the run, or None.
        summary: what is said then.
        after_failure: whether it is for what was not done: then it applies only if an action of the step before was not.
        optional: whether calls whose arguments have no value are left out, and the plan goes on if they fail.
    """

    when: Expression | None = None
    calls: tuple[PlannedCall, ...] = ()
    finish: FinishStatus | None = None
    summary: Value = ""
    after_failure: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Plan:
    """The steps in order; each is taken at most once, and none before the one taken last."""

    steps: Sequence[PlannedStep]
    otherwise: Otherwise = "failed"
    source: Any = field(default=None, compare=False)
    """As it was written, for its name."""

    @cached_property
    def name(self) -> str:
        """Stands where the model's name would: names this version of the plan."""
        return f"plan:{digest(self.source)[:12]}"

    @cached_property
    def constants(self) -> tuple[Scalar, ...]:
        """The values that are written in it: they come from the configuration."""
        return tuple(dict.fromkeys(_scalars([call.arguments for step in self.steps for call in step.calls])))

    @cached_property
    def expressions(self) -> Sequence[Expression]:
        """All of them."""
        return tuple(_expressions([[s.when, s.summary, [c.arguments for c in s.calls]] for s in self.steps]))


@dataclass(frozen=True, slots=True)
class Taken:
    """Where a plan stands.

    Attributes:
        step: number of the step taken last, from 1; 0 before the first.
        plan: name of the plan that took it.
    """

    step: int = 0
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """The next turn of a plan: the step's number, and what it chose, in the words of a model."""

    step: int
    reply: Reply


def next_turn(plan: Plan, taken: Taken, turn: int, facts: Mapping[str, Any]) -> Planned | None:
    """Return the next turn, or None where the model is to decide.

    Args:
        plan: the plan.
        taken: where it stands.
        turn: number of the turn that is to be decided.
        facts: `event`, `session`, `failures` and `now`.
    """
    if taken.step and taken.plan != plan.name:
        why = "The plan was changed while the run was under way."  # its numbers mean other steps now
    else:
        found = _next(plan, taken, turn, facts)
        if isinstance(found, Planned):
            return found
        why = found
    if plan.otherwise == "model":
        return None
    last = len(plan.steps) + 1
    return Planned(last, _reply(plan, (_finish(turn, "failed", why),)))


def _next(plan: Plan, taken: Taken, turn: int, facts: Mapping[str, Any]) -> Planned | str:
    """Return the next turn, or why there is none."""
    lenient = taken.step > 0 and plan.steps[taken.step - 1].optional
    failures: Mapping[str, str] = {} if lenient else facts["failures"]
    number = taken.step
    try:
        context = facts_for(plan.expressions, facts)
        for number, step in enumerate(plan.steps[taken.step :], start=taken.step + 1):
            if step.after_failure is not bool(failures):
                continue
            if step.when is not None and not _holds(step.when, context):
                continue
            if calls := _calls(step, turn, context):
                return Planned(number, _reply(plan, calls))
    except (ExpressionError, TypeError) as error:
        return f"Step {number} of the plan {error}."
    broken = "; ".join(f"{action} was not done ({code})" for action, code in failures.items())
    return f"No step of the plan applies{': ' if broken else ''}{broken}."


def _calls(step: PlannedStep, turn: int, context: Any) -> tuple[ToolCall, ...]:
    if step.finish is not None:
        return (_finish(turn, step.finish, _filled(step.summary, context)),)
    calls: list[ToolCall] = []
    for planned in step.calls:
        try:
            arguments = _filled(dict(planned.arguments), context)
            text = orjson.dumps(arguments, option=orjson.OPT_NON_STR_KEYS).decode()
        except (ExpressionError, TypeError):
            if step.optional:
                continue
            raise
        name = planned.action.replace(".", "__")
        calls.append(ToolCall(f"plan-{turn}-{len(calls)}", name, text))
    return tuple(calls)


def _finish(turn: int, status: FinishStatus, summary: Any) -> ToolCall:
    said = orjson.dumps({"status": status, "summary": str(summary)}).decode()
    return ToolCall(f"plan-{turn}-finish", FINISH, said)


def _reply(plan: Plan, calls: tuple[ToolCall, ...]) -> Reply:
    return Reply(plan.name, "", calls, "tool_calls", 0, 0, 0.0)


def _holds(condition: Expression, context: Any) -> bool:
    value = value_of(condition, context)
    if not isinstance(value, bool):
        raise ExpressionError(f"gives {type(value).__name__} where true or false is needed")
    return value


def _filled(value: Value, context: Any) -> Any:
    if isinstance(value, Expression):
        return value_of(value, context)
    if isinstance(value, Mapping):
        return {key: _filled(item, context) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_filled(item, context) for item in cast("Sequence[Any]", value)]
    return value


def _expressions(value: Value) -> Iterator[Expression]:
    if isinstance(value, Expression):
        yield value
    for item in _items(value):
        yield from _expressions(item)


def _scalars(value: Value) -> Iterator[Scalar]:
    if isinstance(value, Scalar):
        yield value
    for item in _items(value):
        yield from _scalars(item)


def _items(value: Value) -> Sequence[Value]:
    if isinstance(value, Mapping):
        return list(cast("Mapping[str, Any]", value).values())
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()
