"""The verdict on one chosen action."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumers.policy.rules import Effect, Rule, RuleError, context_of, matches


@dataclass(frozen=True, slots=True)
class Verdict:
    """Allow, deny or hold, and why.

    Attributes:
        effect: what to do.
        rule: the rule that decided, or None where nothing matched.
        message: why, in words.
        checked: names of the rules that were looked at, in order.
    """

    effect: Effect
    rule: str | None
    message: str
    checked: tuple[str, ...]


def judge(rules: Sequence[Rule], action: str, effect: str, facts: Mapping[str, Any]) -> Verdict:
    """Judge one action: a matching deny wins over hold, hold over allow; with no match it is allowed.

    Every rule that applies is evaluated, so that the record shows all that were checked. A rule that cannot
    be evaluated denies: what nobody can judge does not happen.
    """
    checked: list[str] = []
    found: dict[Effect, Rule] = {}
    relevant = [rule for rule in rules if rule.applies_to(action, effect)]
    context = context_of(relevant, facts)
    for rule in relevant:
        checked.append(rule.name)
        try:
            matched = matches(rule, context)
        except RuleError as error:
            return Verdict(Effect.DENY, rule.name, str(error), tuple(checked))
        if matched:
            found.setdefault(rule.then, rule)
    for wins in (Effect.DENY, Effect.HOLD, Effect.ALLOW):
        if rule := found.get(wins):
            return Verdict(wins, rule.name, rule.message, tuple(checked))
    return Verdict(Effect.ALLOW, None, "", tuple(checked))
