"""Rules are checked against the schemas of what they speak of, before any event is judged by them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.catalog import Catalog
from connectors.sandbox.crm import crm
from connectors.sandbox.erp import erp
from consumers.policy.rules import Effect, Facts, Rule, RuleError, compile_rule, matches
from consumers.policy.type_check import Known, type_mistakes
from schemas.registry.files import latest, packaged_schemas
from schemas.registry.json_types import payload_types

PAYLOADS = {event: payload_types(schema) for event, schema in latest(packaged_schemas()).items()}
ACTIONS = Catalog([erp, crm]).actions
RESULTS = {
    name: action.result.model_json_schema(mode="serialization") if action.result else None
    for name, action in ACTIONS.items()
}
KNOWN = Known(
    payload=PAYLOADS["order.requested"],
    arguments={name: action.arguments.model_json_schema() for name, action in ACTIONS.items()},
    results={name: schema for name, schema in RESULTS.items() if name != "crm.resolve_case"},
    remembered=RESULTS,
    payloads=PAYLOADS,
)
EFFECTS = {name: action.effect for name, action in ACTIONS.items()}


def mistakes(when: str, *actions: str, known: Known = KNOWN) -> tuple[str, ...]:
    return type_mistakes(rule(when, *actions), EFFECTS, known)


def rule(when: str, *actions: str) -> Rule:
    about = frozenset(actions or ("erp.create_order",))
    return compile_rule(name="r", when=when, then=Effect.DENY, message="", actions=about)


@pytest.mark.parametrize(
    "when",
    [
        "arguments.quantity >= 100",
        "event.payload.note == null || event.payload.note.startsWith('x')",
        'event.payload.priority in ["standard", "expedited"]',
        "event.time + duration('1h') < now && event.tenant != ''",
        'session.results["crm.get_customer"].credit_status != "approved"',
        "double(arguments.quantity) * session.results['erp.check_stock'].unit_price >= 20000.0",
        '"erp.check_stock" in session.results && has(session.results["erp.check_stock"].available)',
        "session.history.exists(h, h.status == 'success' && h.actions.exists(a, a.arguments.quantity == 1))",
        "size(session.waiting) > 0 && timestamp(session.waiting[0].at) < now",
        'session.learnt_at["erp.check_stock"] < now',
        'session.data["crm.resolve_case"].case_ref == ""',
        'session.payloads["case.opened"].case_ref == session.payloads["of.another.system"].x',
        "action.name == 'erp.create_order' && action.effect == 'write'",
        "int(now.getHours()) > 20",
    ],
)
def test_what_fits_the_schemas_is_no_mistake(when: str) -> None:
    assert mistakes(when) == ()


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("arguments.quantty > 3", "arguments has no `quantty`. Did you mean quantity? (at 10)"),
        (
            "event.payload.customer == ''",
            "event.payload has no `customer`. Did you mean customer_id? (at 14)",
        ),
        ("event.sorce == ''", "event has no `sorce`. Did you mean source? (at 6)"),
        ("session.hstory == []", "session has no `hstory`. Did you mean history? (at 8)"),
        (
            'session.results["crm.get_customer"].credit_sttus == ""',
            'session.results["crm.get_customer"] has no `credit_sttus`. Did you mean credit_status? (at 36)',
        ),
        (
            'session.payloads["case.opened"].case_re == ""',
            'session.payloads["case.opened"] has no `case_re`. Did you mean case_ref? (at 32)',
        ),
        (
            "session.history.exists(h, h.stats == '')",
            "session.history[] has no `stats`. Did you mean status? (at 28)",
        ),
        ("event.payload.quantity > '3'", "`>` cannot be applied to (int, string) (at 24)"),
        ("arguments.quantity * 1.5 > 2.0", "`*` cannot be applied to (int, double) (at 20)"),
        ("event.payload == 3", "`==` cannot be applied to (event.payload, int) (at 15)"),
        ("arguments.quantity", "it gives int, not true or false"),
        ("now.getHours('Europe/Berlin') > 3", "getHours() takes no time zone here; times are in UTC"),
        (
            'session.results["crm.get_custmer"].x == 1',
            'session.results["crm.get_custmer"]: no action of this route has that name. Did you mean crm.get_customer?',
        ),
        (
            '"crm.get_custmer" in session.results',
            'session.results["crm.get_custmer"]: no action of this route has that name. Did you mean crm.get_customer?',
        ),
        (
            'session.results["crm.resolve_case"].case_ref == ""',
            'session.results["crm.resolve_case"]: no action of this route has that name.',
        ),
        (
            'session.data["crm.forget"].x == 1',
            'session.data["crm.forget"]: no action of any connector has that name.',
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(when: str, said: str) -> None:
    (found,) = mistakes(when)
    assert found.startswith(said)


def test_all_mistakes_of_a_rule_are_found() -> None:
    assert len(mistakes("arguments.a == 1 || event.payload.b == 2")) == 2


def test_of_several_actions_a_member_is_known_that_one_of_them_has() -> None:
    both = ("erp.create_order", "erp.schedule_shipment")
    assert mistakes("arguments.order_id == ''", "erp.create_order")
    assert mistakes("arguments.order_id == ''", *both) == ()
    assert mistakes("action.name == 'erp.create_order' && arguments.quantity > 1", *both) == ()
    assert mistakes("arguments.neither == ''", *both)


def test_a_member_that_differs_between_actions_may_be_anything() -> None:
    arguments: dict[str, Any] = {
        "erp.create_order": {"properties": {"x": {"type": "integer", "title": "X"}, "y": {"type": "string"}}},
        "erp.schedule_shipment": {"properties": {"x": {"type": "integer"}, "y": {"type": "boolean"}}},
    }
    known = Known(None, arguments, {}, {})
    both = tuple(arguments)
    assert mistakes("arguments.x == ''", *both, known=known)
    assert mistakes("arguments.y == '' || arguments.y == true", *both, known=known) == ()


def test_a_definition_that_differs_between_actions_may_be_anything() -> None:
    def arguments(kind: str) -> dict[str, Any]:
        line = {"type": "object", "properties": {"product": {"type": kind}, "note": {"type": "string"}}}
        return {"properties": {"line": {"$ref": "#/$defs/Line"}}, "$defs": {"Line": line}}

    both = ("erp.create_order", "erp.schedule_shipment")
    when = "action.name == 'erp.create_order' ? arguments.line.product == 'P-1' : arguments.line.product == 1"
    differ = Known(None, dict(zip(both, map(arguments, ("string", "integer")), strict=True)), {}, {})
    assert mistakes(when, *both, known=differ) == ()
    same = Known(None, dict.fromkeys(both, arguments("string")), {}, {})
    assert mistakes("arguments.line.nota == ''", *both, known=same)


@pytest.mark.parametrize(
    "member",
    [
        {"anyOf": [{"type": ["string", "integer"]}, {"type": "null"}]},
        {"type": "array", "items": [{"type": "string"}]},
        {"type": "array", "items": True},
    ],
)
def test_a_member_of_a_schema_that_is_too_wide_for_one_type_may_be_anything(member: dict[str, Any]) -> None:
    known = Known({"type": "object", "properties": {"a": member, "b": {"type": "string"}}}, {}, {}, {})
    assert mistakes("event.payload.a == 'x' || event.payload.a == 1", known=known) == ()
    assert mistakes("event.payload.b == 1", known=known)


def test_members_whose_names_differ_in_their_spelling_alone_are_told_apart() -> None:
    known = Known(
        {"type": "object", "properties": {"order_id": {"type": "string"}, "orderId": {"type": "integer"}}},
        {},
        {},
        {},
    )
    assert mistakes("event.payload.order_id == 'x' && event.payload.orderId == 1", known=known) == ()
    assert mistakes("event.payload.orderId == 'x'", known=known)


def test_what_no_schema_describes_may_be_anything() -> None:
    known = Known(None, {}, {"erp.check_stock": None}, {})
    assert mistakes("event.payload.a.b[0].c == 1 && arguments.d == 2", known=known) == ()
    assert mistakes("session.results['erp.check_stock'].a == 1", known=known) == ()


ODD: dict[str, Any] = {
    "$defs": {
        "Node": {
            "properties": {"next": {"$ref": "#/$defs/Node"}, "n": {"type": "integer"}},
            "type": "object",
        },
        "Money": {"properties": {"amount": {"type": "number"}}, "type": "object"},
    },
    "properties": {
        "node": {"$ref": "#/$defs/Node"},
        "price": {"anyOf": [{"$ref": "#/$defs/Money"}, {"type": "null"}]},
        "prices": {"type": "array", "items": {"$ref": "#/$defs/Money"}},
        "names": {"type": "array", "items": {"type": ["string", "null"]}},
        "rows": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
        "by_name": {"type": "object", "additionalProperties": {"type": "integer"}},
        "odd-name": {"type": "object", "properties": {"a-b": {"type": "string"}}},
        "kind": {"const": "order"},
        "several": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "missing": {"$ref": "#/$defs/Nowhere"},
        "open": {"type": "boolean"},
    },
}


@pytest.mark.parametrize(
    ("when", "right"),
    [
        ("arguments.node.next.next.n == 1", True),
        ("arguments.node.next.m == 1", False),
        ("arguments.price == null || arguments.price.amount > 1.0", True),
        ("arguments.price.amout > 1.0", False),
        ("arguments.prices.all(p, p.amount > 1.0)", True),
        ("arguments.prices.all(p, p.amount > 'a')", False),
        ("arguments.names.exists(n, n == null || n == 'a')", True),
        ("arguments.rows[0][0] == 1", True),
        ("arguments.by_name.a == 1 && arguments.by_name['b'] == 2", True),
        ("arguments.kind == 'order'", True),
        ("arguments.kind == 1", False),
        ("arguments.several == 1 || arguments.several == 'a'", True),
        ("arguments.missing.x == 1", True),
        ("arguments.open", True),
        ("arguments.open == 1", False),
    ],
)
def test_every_shape_of_a_schema_is_understood(when: str, right: bool) -> None:
    typed = {name: inner for name, inner in ODD["properties"].items() if name != "odd-name"}
    known = Known(None, {"erp.create_order": ODD | {"properties": typed}}, {}, {})
    assert (mistakes(when, known=known) == ()) is right


def test_an_object_with_a_member_that_is_no_name_is_not_typed() -> None:
    known = Known(None, {"erp.create_order": ODD}, {}, {})
    assert mistakes("arguments.anything == 1", known=known) == ()


PAYLOAD = {
    "order_ref": "SO-1",
    "customer_id": "C-100",
    "product_id": "P-1",
    "quantity": 3,
    "priority": "standard",
    "note": None,
}


@given(
    member=st.sampled_from([*PAYLOAD, "qantity", "id"]),
    operator=st.sampled_from(["==", ">", "<=", "!="]),
    value=st.sampled_from(["3", "'a'", "null", "1.5", "true"]),
)
def test_what_passes_the_check_can_be_evaluated(member: str, operator: str, value: str) -> None:
    """No rule that the checker lets through over a required member fails on data of that schema."""
    checked = rule(f"event.payload.{member} {operator} {value}")
    if type_mistakes(checked, EFFECTS, KNOWN) or member == "note":
        return
    try:
        matches(checked, Facts([checked], {"event": {"payload": PAYLOAD}}))
    except RuleError as error:
        raise AssertionError(f"{checked.source} passed the check") from error
