"""What endpoints really send, and how it is read."""

from types import MappingProxyType
from typing import Any

import orjson
import pytest

from consumers.adapters.openai_answer import UnreadableReplyError
from consumers.adapters.openai_settings import ModelSettings
from consumers.adapters.openai_wire import read_answer, request_body
from consumers.router.decision import decide
from consumers.router.exchange import Prompt, Reply, ToolCall

SETTINGS = ModelSettings(name="stub", base_url="http://127.0.0.1/v1")


def read(message: Any, **choice: Any) -> Reply:
    body = {
        "choices": [{"message": message, **choice}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }
    return read_answer(orjson.dumps(body), SETTINGS, 4).reply


def called(*calls: Any) -> tuple[ToolCall, ...]:
    return read({"content": None, "tool_calls": list(calls)}).calls


def test_calls_keep_their_order_and_their_text_untouched() -> None:
    broken = '{"a": 1, "a": '
    assert called(
        {"id": "1", "type": "function", "function": {"name": "erp__a", "arguments": broken}},
        {"id": "2", "type": "function", "function": {"name": "crm__b", "arguments": "{}"}},
    ) == (ToolCall("1", "erp__a", broken), ToolCall("2", "crm__b", "{}"))


def test_calls_without_ids_get_different_ones() -> None:
    call = {"function": {"name": "a", "arguments": "{}"}}
    assert [found.id for found in called(call, call)] == ["call_0", "call_1"]


@pytest.mark.parametrize(("arguments", "text"), [({"a": 1}, '{"a":1}'), (None, ""), ([1], "[1]")])
def test_arguments_that_are_no_text_become_text(arguments: Any, text: str) -> None:
    assert called({"id": "1", "function": {"name": "a", "arguments": arguments}})[0].arguments == text


def test_a_refusal_is_no_finished_run() -> None:
    reply = read({"content": None, "refusal": "I cannot help with that."}, finish_reason="stop")
    decision = decide(reply, {})
    assert decision.needs_repair
    assert decision.finish is None


def test_text_in_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image"}, "odd", {"type": "text", "text": "b"}]
    assert read({"content": parts}).text == "ab"


def test_a_missing_finish_reason_reads_as_stop() -> None:
    assert read({"content": "x"}, finish_reason=None).finish_reason == "stop"
    assert read({"content": "x"}, finish_reason="length").finish_reason == "length"


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        [],
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": "1", "completion_tokens": 1},
    ],
)
def test_unusable_usage_is_estimated_and_costs_something(usage: Any) -> None:
    body = orjson.dumps({"choices": [{"message": {"content": "12345"}}], "usage": usage})
    answer = read_answer(body, SETTINGS, 401)
    assert answer.estimated
    assert (answer.reply.input_tokens, answer.reply.output_tokens) == (101, 2)
    assert answer.reply.cost_usd > 0


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"no",
            b"1",
            b"{}",
            b'{"choices": {}}',
            b'{"choices": [1]}',
            b'{"choices": [{"message": null}]}',
        ),
        b'{"choices": [{"message": {"tool_calls": {}}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"id": "1"}]}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"function": {"name": 1}}]}}]}',
        b'{"choices": [{"message": {"content": "\\ud800"}}]}',
    ],
)
def test_what_holds_no_message_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableReplyError):
        read_answer(body, SETTINGS, 1)


def test_a_prompt_without_tools_says_nothing_of_tools() -> None:
    body = orjson.loads(request_body(Prompt([{"role": "user", "content": "x"}], [], 5), SETTINGS))
    assert body.keys() == {"model", "messages", "max_completion_tokens"}


def test_any_mapping_can_be_a_message_or_a_tool_and_same_prompts_give_same_bytes() -> None:
    message = MappingProxyType({"role": "user", "content": "x"})
    frozen = Prompt((message,), (MappingProxyType({"type": "function"}),), 5)
    plain = Prompt([dict(message)], [{"type": "function"}], 5)
    assert request_body(frozen, SETTINGS) == request_body(plain, SETTINGS)


def test_old_endpoints_get_their_own_name_of_the_limit() -> None:
    old = SETTINGS.model_copy(update={"output_limit_field": "max_tokens", "parallel_tool_calls": None})
    body = orjson.loads(request_body(Prompt([], [{"type": "function"}], 5), old))
    assert body["max_tokens"] == 5
    assert "parallel_tool_calls" not in body
