"""What could become of an action, as far as the event alone tells."""

import pytest

from consumers.policy.explain import Explained, explain
from consumers.policy.rules import Effect, Rule, compile_rule

ALLOW, HOLD, DENY = Effect.ALLOW, Effect.HOLD, Effect.DENY
YES, NO = "event.payload.n == 1", "event.payload.n == 2"
OPEN = "arguments.n == 1"
KNOWN = {"event": {"payload": {"n": 1}}, "action": {"name": "a.b", "effect": "write"}}


def rule(then: Effect, when: str) -> Rule:
    return compile_rule(name=f"{then} {when}", when=when, then=then, message="", actions=frozenset())


def explained(*rules: Rule, require_allow: bool = False, effect: str = "write") -> Explained:
    return explain(rules, "a.b", effect, KNOWN, require_allow=require_allow)


@pytest.mark.parametrize(
    ("rules", "possible"),
    [
        ([], [ALLOW]),
        ([(DENY, YES)], [DENY]),
        ([(DENY, NO)], [ALLOW]),
        ([(DENY, OPEN)], [ALLOW, DENY]),
        ([(HOLD, YES)], [HOLD]),
        ([(HOLD, OPEN)], [ALLOW, HOLD]),
        ([(HOLD, YES), (DENY, OPEN)], [HOLD, DENY]),
        ([(HOLD, OPEN), (DENY, YES)], [DENY]),
        ([(HOLD, OPEN), (DENY, OPEN)], [ALLOW, HOLD, DENY]),
        ([(ALLOW, YES)], [ALLOW]),
        ([(DENY, f"{YES} && {OPEN}")], [ALLOW, DENY]),
        ([(DENY, f"{NO} && {OPEN}")], [ALLOW]),
        ([(DENY, f"{OPEN} || {YES}")], [DENY]),
        ([(ALLOW, "event.payload.nothing == 1")], [DENY]),
    ],
)
def test_every_verdict_that_is_possible_is_named(
    rules: list[tuple[Effect, str]], possible: list[Effect]
) -> None:
    assert list(explained(*(rule(*each) for each in rules)).verdicts) == possible


@pytest.mark.parametrize(
    ("rules", "possible", "unruled"),
    [
        ([], [DENY], True),
        ([(ALLOW, YES)], [ALLOW], False),
        ([(ALLOW, OPEN)], [ALLOW, DENY], True),
        ([(ALLOW, NO)], [DENY], True),
        ([(HOLD, YES)], [HOLD], False),
        ([(HOLD, OPEN)], [HOLD, DENY], True),
    ],
)
def test_a_route_may_demand_a_rule_that_allows(
    rules: list[tuple[Effect, str]], possible: list[Effect], unruled: bool
) -> None:
    found = explained(*(rule(*each) for each in rules), require_allow=True)
    assert (list(found.verdicts), found.unruled) == (possible, unruled)


def test_a_read_needs_no_rule() -> None:
    assert explained(require_allow=True, effect="read").verdicts == (ALLOW,)


def test_it_is_said_on_what_a_rule_depends_and_why_one_can_never_be_evaluated() -> None:
    found = explained(rule(DENY, f"{OPEN} && 'x' in session.results"), rule(HOLD, "event.payload.x.y == 1"))
    depends, broken = found.rules
    assert (depends.matches, depends.depends_on) == (None, ("arguments", "session"))
    assert broken.matches
    assert "cannot be evaluated" in (broken.problem or "")
    assert found.verdicts == (DENY,)


def test_a_rule_in_python_may_depend_on_everything() -> None:
    def never(_facts: object) -> bool:
        raise AssertionError("nobody has all facts yet")

    found = explained(Rule("python", frozenset(), DENY, "", never))
    assert found.verdicts == (ALLOW, DENY)
    assert found.rules[0].depends_on == ("arguments", "now", "session")
