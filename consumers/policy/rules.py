"""Rules: what is asked of the event, the arguments, the session, the action and the time, and what follows from it.

The question is a CEL expression (https://cel.dev), which always terminates and cannot do I/O, so that it is safe to
evaluate on hostile data; or, for what CEL cannot say, a Python function that somebody installed and named.
"""

import re
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import cel

VARIABLES: Final = frozenset({"event", "arguments", "session", "action", "now"})
"""The names a rule may use."""

FUNCTIONS: Final = frozenset(
    (
        *("size", "contains", "startsWith", "endsWith", "matches", "type", "dyn"),
        *("int", "uint", "double", "string", "bytes", "duration", "timestamp"),
        *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
        *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
    )
)
"""The functions a rule may call; operators and macros (`has`, `all`, `exists`, `exists_one`, `filter`, `map`) beside them."""

_BOUND: Final = re.compile(r"\.\s*(?:all|exists|exists_one|filter|map)\s*\(\s*([A-Za-z_]\w*)\s*,")
"""A macro and the name it binds, such as `h` in `session.history.exists(h, h.status == "success")`."""

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
class Expression:
    """A compiled CEL expression.

    Attributes:
        source: as it was written.
        program: compiled.
        names: the variables it uses.
    """

    source: str
    program: cel.Program
    names: frozenset[str]


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
    """What rules are judged by, converted for CEL once for all of them: that costs far more than evaluating.

    What the session remembers is most of all facts: each part is left out for CEL unless a rule says its name. A rule
    that reached for it in any other way could not be evaluated, and would deny.
    """

    def __init__(self, rules: Collection[Rule], facts: Mapping[str, Any]) -> None:
        self.plain = facts
        self.converted = cel.Context(variables=_used([r.when for r in rules], facts))


def compile_rule(*, name: str, when: str, then: Effect, message: str, actions: frozenset[str]) -> Rule:
    """Compile a rule and check the names it uses.

    Raises:
        RuleError: the expression does not parse, or uses a variable or function that rules do not know.
    """
    try:
        program = cel.compile(when)
    except ValueError as error:
        raise RuleError(f"rule {name!r} does not parse: {_first_line(error)}") from error
    names = frozenset(program.variables())
    # The parser lists what macros bind as well. A name that slips through here fails when evaluated, and denies.
    _refuse(name, names - VARIABLES - set(_BOUND.findall(when)), VARIABLES)
    _refuse(name, {called for called in program.functions() if called.isidentifier()} - FUNCTIONS, FUNCTIONS)
    return Rule(name, actions, then, message, Expression(when, program, names & VARIABLES))


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
            return rule.when.program.execute(facts.converted)
        except (ValueError, TypeError, KeyError, RuntimeError, OverflowError) as error:
            raise RuleError(f"rule {rule.name!r} cannot be evaluated: {_first_line(error)}") from error
    try:
        return rule.when(
            deepcopy(facts.plain)
        )  # nothing a rule does to it may reach the next one, or the action
    # Other people's code, whatever it raises; its text may hold what it looked at.
    except Exception as error:
        raise RuleError(f"rule {rule.name!r} cannot be evaluated: {type(error).__name__}") from error


def _used(conditions: Collection[Expression | RuleFunction], facts: Mapping[str, Any]) -> dict[str, Any]:
    expressions = [each for each in conditions if isinstance(each, Expression)]
    names = frozenset[str]().union(*(each.names for each in expressions))
    variables = {name: facts[name] for name in names if name in facts}
    if "session" in variables:
        variables["session"] = {
            name: fact
            for name, fact in facts["session"].items()
            if name == "results" or any(name in each.source for each in expressions)
        }
    return variables


def _refuse(rule: str, unknown: Collection[str], known: Collection[str]) -> None:
    if unknown:
        listed = ", ".join(sorted(known))
        raise RuleError(f"rule {rule!r} uses {', '.join(sorted(unknown))}; a rule knows {listed}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
