"""The verdict on one chosen action."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from consumers.policy.provenance import Concern
from consumers.policy.rules import Effect, Facts, Rule, RuleError, matches

UNRULED: Final = "No rule of this route allows it, and this route does no write that none allows."
"""Why a write is denied that no rule allowed, on a route that demands it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Allow, deny or hold, and why.

    Attributes:
        effect: what to do.
        rule: the rule that decided, or None where nothing matched.
        message: why, in words.
        checked: names of the rules that were looked at, in order.
        holds: every rule that holds it, in order; each wants its own people to agree.
    """

    effect: Effect
    rule: str | None
    message: str
    checked: tuple[str, ...]
    holds: tuple[Rule, ...] = ()


def judge(
    rules: Sequence[Rule], action: str, effect: str, facts: Mapping[str, Any], *, require_allow: bool = False
) -> Verdict:
    """Judge one action: a matching deny wins over hold, hold over allow.

    Every rule that applies is evaluated, so that the record shows all that were checked. A rule that cannot
    be evaluated denies: what nobody can judge does not happen.

    Args:
        rules: those of the route.
        action: full name.
        effect: read or write.
        facts: what rules see.
        require_allow: whether a write that no rule matches is denied; otherwise it is allowed.
    """
    checked: list[str] = []
    found: dict[Effect, list[Rule]] = {}
    relevant = [rule for rule in rules if rule.applies_to(action, effect)]
    known = Facts(relevant, facts)
    for rule in relevant:
        checked.append(rule.name)
        try:
            matched = matches(rule, known)
        except RuleError as error:
            return Verdict(Effect.DENY, rule.name, str(error), tuple(checked))
        if matched:
            found.setdefault(rule.then, []).append(rule)
    for wins in (Effect.DENY, Effect.HOLD, Effect.ALLOW):
        if rules_found := found.get(wins):
            first, holds = rules_found[0], tuple(rules_found) if wins is Effect.HOLD else ()
            return Verdict(wins, first.name, first.message, tuple(checked), holds)
    if require_allow and effect == "write":
        return Verdict(Effect.DENY, None, UNRULED, tuple(checked))
    return Verdict(Effect.ALLOW, None, "", tuple(checked))


def concerned(verdict: Verdict, effect: str, why: Concern) -> Verdict:
    """Return a verdict that does not deny, with what is of concern beside the rules: nobody is asked about a read."""
    checked = (*verdict.checked, why.rule)
    if effect == "read":
        return Verdict(Effect.DENY, why.rule, why.message, checked)
    rule, message = (verdict.rule, verdict.message) if verdict.holds else (why.rule, why.message)
    return Verdict(Effect.HOLD, rule, message, checked, (*verdict.holds, why.as_rule()))
