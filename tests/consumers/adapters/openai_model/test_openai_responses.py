"""What only the Responses API has: its request, its statuses, its items."""

from typing import Any

import pytest

from consumers.adapters.openai_answer import UnreadableReplyError
from consumers.router.decision import FINISH_TOOL
from consumers.router.exchange import Prompt
from tests.consumers.adapters.openai_model.dialects import DIALECTS

RESPONSES = DIALECTS[1]


def read(*output: Any, **fields: Any) -> Any:
    return RESPONSES.read_document({"status": "completed", "output": list(output), **fields}).reply


def test_the_request_keeps_nothing_at_the_endpoint_and_has_flat_strict_tools() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "erp__a", "arguments": "{}"}}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Choose."},
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "{}"},
    ]
    assert RESPONSES.asked(Prompt(messages, [FINISH_TOOL], 256)) == {
        "model": "stub",
        "instructions": "Choose.",
        "input": [
            {"role": "user", "content": "x"},
            {"type": "function_call", "call_id": "c1", "name": "erp__a", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "{}"},
        ],
        "tools": [{"type": "function", **FINISH_TOOL["function"]}],
        "tool_choice": "required",
        "parallel_tool_calls": True,
        "max_output_tokens": 256,
        "store": False,
        "temperature": 0.0,
    }


@pytest.mark.parametrize("status", ["failed", "cancelled", "queued", "in_progress"])
def test_a_response_that_is_not_over_is_no_answer(status: str) -> None:
    with pytest.raises(UnreadableReplyError, match=status.replace("_", " ")):
        read(status=status)


def test_one_that_is_incomplete_for_whatever_reason_was_cut_off() -> None:
    for details in ({"reason": "max_output_tokens"}, {"reason": "something new"}, {}, None, "x"):
        assert read(status="incomplete", incomplete_details=details).finish_reason == "length"
    assert read({"type": "function_call", "name": "a", "status": "incomplete"}).finish_reason == "length"


def test_reasoning_and_other_items_are_passed_over_but_no_call_of_an_unknown_kind_is() -> None:
    text = {
        "type": "message",
        "content": [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": "b"}],
    }
    reply = read(
        {"type": "reasoning", "summary": []}, text, {"type": "web_search_call", "id": "w"}, {"id": "x"}
    )
    assert reply.text == "ab"
    assert [call.problem is not None for call in reply.calls] == [True, True]


def test_a_message_as_plain_text_is_read() -> None:
    assert read({"type": "message", "content": "a"}).text == "a"
