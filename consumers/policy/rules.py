"""Rules: what is asked of the event, the arguments, the session, the action and the time, and what follows from it.

The question is a CEL expression (https://cel.dev), which always terminates and cannot do I/O, so that it is safe to
evaluate on hostile data; or, for what CEL cannot say, a Python function that somebody installed and named.
"""

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from consumers.policy.expressions import Expression, ExpressionError, compiled, facts_for, value_of

VARIABLES: Final = frozenset({"event", "arguments", "session", "action", "now"})
"""The names a rule may use."""

RuleFunction = Callable[[Mapping[str, Any]], bool]
"""A rule in Python: called with `event`, `arguments`, `session`, `action` and `now`, as CEL sees them; says if it matches.

It is called on the worker's event loop, possibly several times for one action: it computes, and does no I/O.
"""


class Effect(StrEnum):
    """What a matching rule does."""

    ALLOW = "allow"
    DENY = "deny"
    HOLD = "hold"


class RuleError(ValueError):
    """A rule that does not parse or uses an unknown name; the message says which, and what is known."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to be judged by.

    Attributes:
        name: stable; recorded in the journal, named in outcomes and metrics.
        actions: full action names it applies to; empty means every write.
        then: what happens when it matches.
        message: why, for the model and for people.
        when: when it matches.
        approvers: the roles of which a person must have one to answer; empty means any approver.
        quorum: how many different people must agree.
        escalate_to: roles of those who are asked next if nobody answers in time; empty means that it is refused then.
    """

    name: str
    actions: frozenset[str]
    then: Effect
    message: str
    when: Expression | RuleFunction
    approvers: frozenset[str] = frozenset()
    quorum: int = 1
    escalate_to: frozenset[str] = frozenset()

    @property
    def may_answer(self) -> frozenset[str]:
        """The roles whose consent counts, whichever question it was given to; empty means anybody's."""
        return self.approvers | self.escalate_to if self.approvers else self.approvers

    def applies_to(self, action: str, effect: str) -> bool:
        """Whether the rule is about this action at all."""
        return action in self.actions if self.actions else effect == "write"

    @property
    def source(self) -> str:
        """The CEL expression, or the name of the Python function."""
        if isinstance(self.when, Expression):
            return self.when.source
        return f"{self.when.__module__}.{getattr(self.when, '__qualname__', type(self.when).__qualname__)}"


class Facts:
    """What rules are judged by: as it is for those in Python, and converted for CEL; see `facts_for`."""

    def __init__(self, rules: Collection[Rule], facts: Mapping[str, Any]) -> None:
        self.plain = facts
        self.converted = facts_for([r.when for r in rules if isinstance(r.when, Expression)], facts)


def compile_rule(*, name: str, when: str, then: Effect, message: str, actions: frozenset[str]) -> Rule:
    """Compile a rule and check the names it uses.

    Raises:
        RuleError: the expression does not parse, or uses a variable or function that rules do not know.
    """
    try:
        return Rule(name, actions, then, message, compiled(when, VARIABLES))
    except ExpressionError as error:
        raise RuleError(f"rule {name!r} {error}") from error


def matches(rule: Rule, facts: Facts) -> bool:
    """Evaluate a rule.

    Raises:
        RuleError: the rule could not be evaluated on these facts, or did not give a boolean. Callers must
            fail closed.
    """
    value = _evaluated(rule, facts)
    if not isinstance(value, bool):
        raise RuleError(f"rule {rule.name!r} gives {type(value).__name__}, not true or false")
    return value


def _evaluated(rule: Rule, facts: Facts) -> object:
    if isinstance(rule.when, Expression):
        try:
            return value_of(rule.when, facts.converted)
        except ExpressionError as error:
            raise RuleError(f"rule {rule.name!r} {error}") from error
    try:
        return rule.when(
            deepcopy(facts.plain)
        )  # nothing a rule does to it may reach the next one, or the action
    # Other people's code, whatever it raises; its text may hold what it looked at.
    except Exception as error:
        raise RuleError(f"rule {rule.name!r} cannot be evaluated: {type(error).__name__}") from error
