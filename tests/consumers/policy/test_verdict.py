"""Deny wins over hold, hold over allow; what cannot be judged does not happen."""

from itertools import permutations
from typing import Any

import pytest

from consumers.policy.rules import Effect, Facts, Rule, RuleError, RuleFunction, compile_rule
from consumers.policy.verdict import UNRULED, Verdict, judge
from tests.consumers.policy.rules_in_python import last_digit_is_right, meddles, says_one

FACTS: dict[str, Any] = {
    "event": {"type": "order.requested", "payload": {"quantity": 3}},
    "arguments": {"quantity": 3},
    "session": {"results": {"crm.get_customer": {"tier": "vip"}}, "history": []},
    "action": {"name": "erp.create_order", "effect": "write"},
}


def rule(then: Effect, when: str = "true", *actions: str) -> Any:
    return compile_rule(
        name=f"{then} {when}", when=when, then=then, message="why", actions=frozenset(actions)
    )


def verdict(*rules: Any, effect: str = "write", require_allow: bool = False) -> Any:
    return judge(rules, "erp.create_order", effect, FACTS, require_allow=require_allow)


def python(then: Effect, function: RuleFunction) -> Rule:
    return Rule("python", frozenset(), then, "why", function)


@pytest.mark.parametrize("order", list(permutations((Effect.ALLOW, Effect.HOLD, Effect.DENY))), ids=str)
def test_deny_wins_in_any_order(order: tuple[Effect, ...]) -> None:
    assert verdict(*map(rule, order)).effect is Effect.DENY


def test_hold_wins_over_allow() -> None:
    assert verdict(rule(Effect.ALLOW), rule(Effect.HOLD)).effect is Effect.HOLD


def test_without_a_match_a_listed_action_is_allowed_and_what_was_checked_is_known() -> None:
    found = verdict(rule(Effect.DENY, "arguments.quantity > 5"))
    assert (found.effect, found.rule) == (Effect.ALLOW, None)
    assert found.checked == ("deny arguments.quantity > 5",)


@pytest.mark.parametrize(
    "when",
    [
        "arguments.nothing > 1",
        "event.payload.quantity",
        "session.results['x'].y",
        "arguments.quantity > 'a'",
        "arguments.quantity / 0 > 1",
        "arguments.quantity % 0 > 1",
        "[arguments.quantity][1] > 1",
        "arguments.quantity + 9223372036854775807 > 1",
    ],
)
@pytest.mark.parametrize("then", list(Effect))
def test_a_rule_that_cannot_be_evaluated_denies(when: str, then: Effect) -> None:
    assert verdict(rule(Effect.ALLOW), rule(then, when)).effect is Effect.DENY


def test_a_rule_without_actions_is_about_writes_only() -> None:
    assert verdict(rule(Effect.DENY), effect="read").effect is Effect.ALLOW
    assert verdict(rule(Effect.DENY, "true", "erp.create_order"), effect="read").effect is Effect.DENY
    assert verdict(rule(Effect.DENY, "true", "erp.other")).effect is Effect.ALLOW


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("session.history.exists(h, h.status == 'success')", Effect.DENY),
        ("session.history.exists( run, run.actions.exists(a, a.action == 'erp.create_order'))", Effect.DENY),
        ("session.history.filter(h, h.status == 'failed').size() > 0", Effect.ALLOW),
        ("session.history.all(h, h.status == 'success')", Effect.DENY),
    ],
)
def test_rules_may_look_through_the_history(when: str, expected: Effect) -> None:
    history = [{"status": "success", "actions": [{"action": "erp.create_order"}]}]
    facts = FACTS | {"session": {"results": {}, "history": history}}
    assert judge([rule(Effect.DENY, when)], "erp.create_order", "write", facts).effect is expected


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("size(now) > max(1, 2)", "uses max; known are .*size"),
        ("a >", "does not parse"),
        ("payload.x == 1", "payload"),
        ("session.history.exists(h, g)", "g"),
    ],
)
def test_a_bad_rule_is_refused_when_it_is_compiled(when: str, says: str) -> None:
    with pytest.raises(RuleError, match=says):
        rule(Effect.DENY, when)


def test_history_is_converted_only_for_rules_that_say_its_name() -> None:
    facts = {"session": {"results": {"a": 1}, "history": [{"status": "success"}]}}
    without = Facts([rule(Effect.DENY, "'a' in session.results")], facts).converted
    assert without.variables == {"session": {"results": {"a": 1}}}
    with_it = Facts([rule(Effect.DENY, "size(session.history) > 0")], facts).converted
    assert with_it.variables == facts


def test_a_route_may_demand_that_a_rule_allows_each_write() -> None:
    assert verdict(require_allow=True) == Verdict(Effect.DENY, None, UNRULED, ())
    assert verdict(rule(Effect.ALLOW, "false"), require_allow=True).effect is Effect.DENY
    assert verdict(rule(Effect.ALLOW), require_allow=True).effect is Effect.ALLOW
    assert verdict(rule(Effect.HOLD), require_allow=True).effect is Effect.HOLD, "a person allows it"
    assert verdict(require_allow=True, effect="read").effect is Effect.ALLOW


def test_a_rule_in_python_is_judged_like_any_other() -> None:
    facts = FACTS | {"arguments": {"product_id": "1236"}}
    rules = [rule(Effect.ALLOW), python(Effect.DENY, last_digit_is_right)]
    assert judge(rules, "erp.create_order", "write", facts).effect is Effect.ALLOW
    facts = FACTS | {"arguments": {"product_id": "1234"}}
    found = judge(rules, "erp.create_order", "write", facts)
    assert (found.effect, found.rule, found.checked) == (Effect.DENY, "python", ("allow true", "python"))
    assert rules[1].source == f"{last_digit_is_right.__module__}.last_digit_is_right"


def test_a_rule_in_python_changes_nothing() -> None:
    facts = FACTS | {"arguments": {"product_id": "1236"}}
    judge([python(Effect.DENY, meddles)], "erp.create_order", "write", facts)
    assert facts["arguments"] == {"product_id": "1236"}


@pytest.mark.parametrize("function", [last_digit_is_right, says_one])
@pytest.mark.parametrize("then", list(Effect))
def test_a_rule_in_python_that_gives_no_answer_denies_and_tells_no_values(
    then: Effect, function: Any
) -> None:
    facts = FACTS | {"arguments": {"product_id": "secret"}}
    found = judge([rule(Effect.ALLOW), python(then, function)], "erp.create_order", "write", facts)
    assert found.effect is Effect.DENY
    assert "secret" not in found.message


def test_every_rule_that_holds_is_named_because_each_has_its_own_people() -> None:
    first, second = rule(Effect.HOLD), rule(Effect.HOLD, "arguments.quantity == 3")
    found = verdict(first, rule(Effect.HOLD, "false"), second)
    assert (found.rule, found.holds) == (first.name, (first, second))
    assert verdict(first, rule(Effect.DENY)).holds == ()
