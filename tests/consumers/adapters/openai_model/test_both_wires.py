"""What holds for both APIs: what is sent, and how each kind of answer is read."""

from typing import Any

import orjson
import pytest

from consumers.adapters.openai_answer import UnreadableReplyError
from consumers.router.decision import FINISH_TOOL, decide
from consumers.router.exchange import Prompt, ToolCall
from tests.consumers.adapters.openai_model.dialects import DIALECTS, Dialect

CALL = {"id": "c1", "type": "function", "function": {"name": "erp__a", "arguments": '{"x":1}'}}
PROMPT = Prompt(
    (
        {"role": "system", "content": "Choose."},
        {"role": "user", "content": "<event>{}</event>"},
        {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"ok":true}'},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": '{"ok":false}'},
        {"role": "user", "content": "Your answer could not be used."},
    ),
    [FINISH_TOOL],
    256,
)


@pytest.fixture(params=DIALECTS, ids=lambda each: each.api)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param


def test_the_prompt_is_sent_whole_in_order_and_always_in_the_same_bytes(dialect: Dialect) -> None:
    asked = dialect.asked(PROMPT)
    text = orjson.dumps(asked).decode()
    told = [
        "Choose.",
        "<event>",
        "I look.",
        "erp__a",
        r"{\"ok\":true}",
        r"{\"ok\":false}",
        "could not be used",
    ]
    places = [text.index(each) for each in told if each != "Choose."]
    assert places == sorted(places)
    assert told[0] in text
    assert (asked["model"], asked["temperature"], asked["tool_choice"]) == ("stub", 0.0, "required")
    assert asked["parallel_tool_calls"] is True
    assert dialect.asked(PROMPT) == asked


def test_a_prompt_without_tools_says_nothing_of_tools(dialect: Dialect) -> None:
    asked = dialect.asked(Prompt([{"role": "user", "content": "x"}], [], 5))
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & asked.keys()


def test_what_the_endpoint_refuses_to_be_sent_is_left_out(dialect: Dialect) -> None:
    asked = dialect.asked(PROMPT, parallel_tool_calls=None, temperature=None)
    assert not {"parallel_tool_calls", "temperature"} & asked.keys()


def test_calls_keep_their_order_and_their_text_untouched(dialect: Dialect) -> None:
    broken = '{"a": 1, "a": '
    calls = dialect.read({"arguments": broken}, {"name": "crm__b"}).reply.calls
    assert calls == (ToolCall("c0", "erp__a", broken), ToolCall("c1", "crm__b", "{}"))


def test_text_model_tokens_and_cost_are_read(dialect: Dialect) -> None:
    answer = dialect.read(text="Done.", finish_reason="stop", usage=(1000, 10))
    assert (answer.reply.text, answer.reply.model, answer.reply.finish_reason) == ("Done.", "stub-1", "stop")
    assert (answer.reply.input_tokens, answer.reply.output_tokens, answer.estimated) == (1000, 10, False)
    assert answer.reply.cost_usd == pytest.approx(0.0312)


@pytest.mark.parametrize("raw", [None, "", 7, {"a": 1}, "x" * 65, "a b", "\x00", ["1"]])
def test_an_id_that_the_api_would_not_take_back_is_replaced(dialect: Dialect, raw: Any) -> None:
    calls = dialect.read({"id": raw}, {"id": raw}).reply.calls
    assert len({call.id for call in calls}) == 2
    assert all(call.id.startswith("call_") for call in calls)


@pytest.mark.parametrize(("raw", "text"), [({"a": 1}, '{"a":1}'), (None, ""), ([1], "[1]"), (7, "7")])
def test_arguments_that_are_no_text_become_text(dialect: Dialect, raw: Any, text: str) -> None:
    assert dialect.read({"arguments": raw}).reply.calls[0].arguments == text


def test_parsed_arguments_nested_deeper_than_can_be_written_are_a_problem_of_that_call(
    dialect: Dialect,
) -> None:
    deep = b'{"a":' * 300 + b"1" + b"}" * 300
    body = orjson.dumps(dialect.document({"arguments": "DEEP"})).replace(b'"DEEP"', deep)
    assert dialect.read_document(body).reply.calls[0].problem == "they are nested too deeply"


def test_a_call_of_another_type_is_a_problem_of_that_call(dialect: Dialect) -> None:
    assert dialect.read({"type": "custom"}).reply.calls[0].problem


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"refusal": "I cannot help with that."}, "content_filter"),
        ({"finish_reason": "content_filter"}, "content_filter"),
        ({"finish_reason": "length"}, "length"),
    ],
)
def test_a_refusal_or_an_answer_that_ended_early_is_a_repair(
    dialect: Dialect, fields: dict[str, Any], reason: str
) -> None:
    reply = dialect.read({}, **fields).reply
    assert reply.finish_reason == reason
    assert decide(reply, {}).problem


@pytest.mark.parametrize(
    "usage", [None, [], (-1, 1), (0, 0), (5, 0), ("1", 1), (10**12, 1), (1e30, 1), (True, 1)]
)
def test_a_usage_that_cannot_be_is_estimated_and_costs_something(dialect: Dialect, usage: Any) -> None:
    answer = dialect.read(text="12345", finish_reason="stop", usage=usage)
    assert answer.estimated
    assert (answer.reply.input_tokens, answer.reply.output_tokens) == (101, 2)
    assert answer.reply.cost_usd > 0


@pytest.mark.parametrize("model", [None, "", 7, {"a": 1}])
def test_without_a_usable_name_the_model_is_called_as_it_was_asked(dialect: Dialect, model: Any) -> None:
    assert dialect.read(text="x", finish_reason="stop", model=model).reply.model == "stub"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no",
        b"1",
        b"null",
        b"[]",
        b"{}",
        b'{"choices": {}, "output": {}}',
        b'{"choices": [1], "output": [1]}',
    ],
)
def test_what_holds_no_answer_is_unreadable(dialect: Dialect, body: bytes) -> None:
    with pytest.raises(UnreadableReplyError):
        dialect.read_document(body)
