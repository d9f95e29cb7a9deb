"""Rules: CEL expressions over the event, the arguments, the session, the action and the time.

CEL (https://cel.dev) always terminates and cannot do I/O, so a rule is safe to evaluate on hostile data.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import cel

VARIABLES: Final = frozenset({"event", "arguments", "session", "action", "now"})
"""The names a rule may use."""

_BOUND: Final = re.compile(r"\.\s*(?:all|exists|exists_one|filter|map)\s*\(\s*([A-Za-z_]\w*)\s*,")
"""A macro and the name it binds, such as `h` in `session.history.exists(h, h.status == "success")`."""


class Effect(StrEnum):
    """What a matching rule does."""

    ALLOW = "allow"
    DENY = "deny"
    HOLD = "hold"


class RuleError(ValueError):
    """A rule that does not parse or uses an unknown name; the message says which, and what is known."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule.

    Attributes:
        name: stable; recorded in the journal, named in outcomes and metrics.
        actions: full action names it applies to; empty means every write.
        then: what happens when `when` is true.
        message: why, for the model and for people.
        when: the CEL source.
        program: `when`, compiled.
        names: the variables it uses.
    """

    name: str
    actions: frozenset[str]
    then: Effect
    message: str
    when: str
    program: cel.Program
    names: frozenset[str]

    def applies_to(self, action: str, effect: str) -> bool:
        """Whether the rule is about this action at all."""
        return action in self.actions if self.actions else effect == "write"


def compile_rule(*, name: str, when: str, then: Effect, message: str, actions: frozenset[str]) -> Rule:
    """Compile a rule and check the names it uses.

    Raises:
        RuleError: the expression does not parse, or uses a name that no rule has.
    """
    try:
        program = cel.compile(when)
    except ValueError as error:
        raise RuleError(f"rule {name!r} does not parse: {_first_line(error)}") from error
    names = frozenset(program.variables())
    # The parser lists what macros bind as well. A name that slips through here fails when evaluated, and denies.
    unknown = sorted(names - VARIABLES - set(_BOUND.findall(when)))
    if unknown:
        known = ", ".join(sorted(VARIABLES))
        raise RuleError(f"rule {name!r} uses {', '.join(unknown)}; a rule knows {known}")
    return Rule(
        name=name,
        actions=actions,
        then=then,
        message=message,
        when=when,
        program=program,
        names=names & VARIABLES,
    )


def context_of(rules: Collection[Rule], facts: Mapping[str, Any]) -> cel.Context:
    """Convert, once for all rules, the facts they use: converting costs far more than evaluating.

    What the session remembers is most of all facts: each part is left out unless a rule says its name. A rule that
    reached for it in any other way could not be evaluated, and would deny.
    """
    used = frozenset[str]().union(*(rule.names for rule in rules))
    variables = {name: facts[name] for name in used if name in facts}
    if "session" in variables:
        variables["session"] = {
            name: fact
            for name, fact in facts["session"].items()
            if name == "results" or any(name in rule.when for rule in rules)
        }
    return cel.Context(variables=variables)


def matches(rule: Rule, facts: cel.Context) -> bool:
    """Evaluate a rule.

    Raises:
        RuleError: the rule could not be evaluated on these facts, or did not give a boolean. Callers must
            fail closed.
    """
    try:
        value = rule.program.execute(facts)
    except (ValueError, TypeError, KeyError, RuntimeError, OverflowError) as error:
        raise RuleError(f"rule {rule.name!r} cannot be evaluated: {_first_line(error)}") from error
    if not isinstance(value, bool):
        raise RuleError(f"rule {rule.name!r} gives {type(value).__name__}, not true or false")
    return value


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
