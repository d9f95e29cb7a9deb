"""What the rules could say of an action before anything is known but the event: for people who write rules. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from consumers.policy.expressions import Expression
from consumers.policy.rules import VARIABLES, Effect, Facts, Rule, RuleError, matches

_ORDER: Final = (Effect.ALLOW, Effect.HOLD, Effect.DENY)


@dataclass(frozen=True, slots=True)
class RuleSays:
    """What one rule says of one action.

    Attributes:
        rule: the rule.
        matches: whether it does, or None where that depends on what is not known yet.
        depends_on: the variables it depends on: `arguments`, `session`.
        problem: why it can never be evaluated, and so denies; or None.
    """

    rule: Rule
    matches: bool | None
    depends_on: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def effect(self) -> Effect:
        """What it does if it matches."""
        return Effect.DENY if self.problem else self.rule.then


@dataclass(frozen=True, slots=True)
class Explained:
    """What may become of one action.

    Attributes:
        action: full name.
        effect: read or write.
        verdicts: those that are possible, mildest first; one where it is certain.
        rules: what each rule that applies says, in the order of the file.
        unruled: whether it is denied unless a rule that may match does.
    """

    action: str
    effect: str
    verdicts: tuple[Effect, ...]
    rules: tuple[RuleSays, ...]
    unruled: bool


def explain(
    rules: Sequence[Rule], action: str, effect: str, known: Mapping[str, Any], *, require_allow: bool
) -> Explained:
    """Return which verdicts an action may get.

    A rule is evaluated with what is known; CEL's `&&` and `||` give an answer where one side alone decides.

    Args:
        rules: those of the route.
        action: full name.
        effect: read or write.
        known: the facts that are known, such as `event`, `action` and `now`.
        require_allow: whether a write that no rule matches is denied.
    """
    said = tuple(_says(rule, known) for rule in rules if rule.applies_to(action, effect))
    certain = {each.effect for each in said if each.matches}
    possible = certain | {each.effect for each in said if each.matches is None}
    unruled = require_allow and effect == "write" and not certain & {Effect.ALLOW, Effect.HOLD}
    if Effect.DENY in certain:
        verdicts = {Effect.DENY}
    else:
        verdicts = possible - {Effect.ALLOW}
        if Effect.HOLD not in certain and (not unruled or Effect.ALLOW in possible):
            verdicts.add(Effect.ALLOW)
        if unruled:
            verdicts.add(Effect.DENY)
    return Explained(action, effect, tuple(each for each in _ORDER if each in verdicts), said, unruled)


def _says(rule: Rule, known: Mapping[str, Any]) -> RuleSays:
    uses = rule.when.names if isinstance(rule.when, Expression) else VARIABLES
    unknown = tuple(sorted(uses - known.keys()))
    if not isinstance(rule.when, Expression) and unknown:
        return RuleSays(rule, None, unknown)
    try:
        return RuleSays(rule, matches(rule, Facts([rule], known)))
    except RuleError as error:
        return RuleSays(rule, None, unknown) if unknown else RuleSays(rule, True, problem=str(error))
