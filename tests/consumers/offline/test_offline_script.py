"""Rules: which one answers, and with what."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from consumers.offline.reply import Reply
from consumers.offline.script import Script

Make = Callable[[str], Script]
ORDER = {"customer_id": "C-1", "quantity": 3, "lines": [{"sku": "a"}, {"sku": "b"}]}


def finish_of(reply: Reply) -> tuple[str, str]:
    assert [call.name for call in reply.calls] == ["finish"]
    arguments = orjson.loads(reply.calls[0].arguments)
    return arguments["status"], arguments["summary"]


def test_the_first_rule_that_matches_answers(dialogue: Any, script: Make) -> None:
    rules = """
  - {name: not yet, when: turn == 2, say: two}
  - {name: other event, event: case.opened, say: case}
  - {name: fits, event: order.requested, when: event.payload.quantity > 2, say: many}
  - {name: late, say: any}
"""
    reply = dialogue.event("order.requested", ORDER).ask(script(rules))
    assert (reply.text, reply.rule, reply.calls, reply.finish_reason) == ("many", "fits", (), "stop")


def test_expressions_are_filled_in_at_any_depth_and_literals_are_left_alone(
    dialogue: Any, script: Make
) -> None:
    rules = """
  - name: call
    call:
      - action: erp.create_order
        arguments:
          customer_id: =event.payload.customer_id
          skus: =event.payload.lines.map(l, l.sku)
          nested: {double: [=event.payload.quantity * 2, 7, "== kept", true, null]}
"""
    reply = dialogue.event("order.requested", ORDER).ask(script(rules))
    assert orjson.loads(reply.calls[0].arguments) == {
        "customer_id": "C-1",
        "skus": ["a", "b"],
        "nested": {"double": [6, 7, "= kept", True, None]},
    }
    assert (reply.calls[0].name, reply.finish_reason) == ("erp__create_order", "tool_calls")


def test_all_variables_are_there(dialogue: Any, script: Make) -> None:
    rules = """
  - name: all
    when: >-
      session.contains("O-1") && results["a.b"] == 5 && errors["c.d"].code == "no" && calls == ["a.b", "c.d"]
      && turn == 3 && "finish" in tools && event.id == "e-1"
    say: '="turn " + string(turn)'
"""
    dialogue.event("t", {}, session="erp.create_order returned O-1").called("a.b", {"ok": True, "result": 5})
    dialogue.called("c.d", {"ok": False, "code": "no", "error": ""})
    assert dialogue.ask(script(rules)).text == "turn 3"


def test_the_same_question_gives_the_same_call_ids_and_no_two_calls_share_one(
    dialogue: Any, script: Make
) -> None:
    rules = """
  - name: twice the same
    call: [{action: erp.get_order, arguments: {order_id: O-1}}, {action: erp.get_order, arguments: {order_id: O-1}}]
"""
    chosen = script(rules)
    first = dialogue.event("t", {}).ask(chosen)
    assert first == dialogue.ask(chosen)
    later = dialogue.called("erp.get_order", {"ok": True, "result": {}}).ask(chosen)
    assert len({call.id for call in (*first.calls, *later.calls)}) == 4


@pytest.mark.parametrize(
    ("rules", "summary"),
    [
        ("  - {name: never, when: turn == 9, say: x}", "No rule of script test matched t in turn 1."),
        (
            "  - {name: wild, call: [{action: erp.drop_tables}]}",
            "Script test, rule 'wild': calls erp.drop_tables, which was not offered.",
        ),
        (
            "  - {name: blind, when: event.payload.nothing > 1, say: x}",
            "Script test, rule 'blind': event.payload.nothing > 1: there is no 'nothing'.",
        ),
        (
            "  - {name: odd, when: turn, say: x}",
            "Script test, rule 'odd': turn: gives int, not true or false.",
        ),
        (
            "  - {name: zero, say: =1 / (turn - 1)}",
            "Script test, rule 'zero': 1 / (turn - 1): division by zero in CEL expression.",
        ),
    ],
)
def test_a_mistake_that_shows_only_at_work_ends_the_run_as_failed_and_is_named(
    dialogue: Any, script: Make, rules: str, summary: str
) -> None:
    assert finish_of(dialogue.event("t", {}).ask(script(rules))) == ("failed", summary)


def test_arguments_that_json_cannot_say_fail_by_name(dialogue: Any, script: Make) -> None:
    rules = '  - {name: bytes, call: [{action: erp.get_order, arguments: {order_id: =b"x"}}]}'
    status, summary = finish_of(dialogue.event("t", {}).ask(script(rules)))
    assert status == "failed"
    assert "rule 'bytes': arguments of erp.get_order are not JSON" in summary


def test_a_conversation_without_event_is_told_what_this_is(dialogue: Any, script: Make) -> None:
    dialogue.messages.append({"role": "user", "content": "Hello?"})
    status, summary = finish_of(dialogue.ask(script("  - {name: any, say: x}")))
    assert (status, summary) == ("failed", "The offline model answers events only, and found none to answer.")


def test_where_finish_is_not_offered_failure_is_said_in_words(dialogue: Any, script: Make) -> None:
    dialogue.offered = ()
    reply = dialogue.event("t", {}).ask(script("  - {name: never, when: turn == 9, say: x}"))
    assert (reply.calls, reply.text) == ((), "No rule of script test matched t in turn 1.")
