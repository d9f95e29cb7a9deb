"""What the two wires of OpenAI's API have in common: how what an endpoint says becomes a reply, or no reply. Pure.

An endpoint may be broken or hostile: nothing of a response is taken to be of its type before that was looked at.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import orjson

from consumers.adapters.openai_settings import ModelSettings
from consumers.router.exchange import Prompt, Reply, ToolCall

CONTENT_FILTER: Final = "content_filter"
"""How a refusal is told, whatever the endpoint calls it: as an ordinary stop it would read as "all done"."""
CUT_OFF: Final = "length"
"""The same for an answer that ended before its end."""

_CHARACTERS_A_TOKEN: Final = 4
_MOST_TOKENS: Final = 10_000_000
"""More than any model takes: an endpoint that says so has miscounted."""
_NAME_LIMIT: Final = 200
_ID: Final = re.compile(r"[!-~]{1,64}")
"""Ids that the APIs take back; they are told again with each further turn."""


class UnreadableReplyError(ValueError):
    """A response that is no answer; the message says what is missing, not what was there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply, and whether its tokens are estimates because the endpoint sent no usage that can be believed."""

    reply: Reply
    estimated: bool


@dataclass(frozen=True, slots=True)
class Wire:
    """One way to ask.

    Attributes:
        path: below `base_url`.
        request_body: the body of a request; the same prompt gives the same bytes, so that prompt caches hit.
        read_answer: reads the body of a response with a success status, to a request of so many bytes; raises
            UnreadableReplyError where there is no answer in it. The calls are unchecked.
    """

    path: str
    request_body: Callable[[Prompt, ModelSettings], bytes]
    read_answer: Callable[[bytes, ModelSettings, int], Answer]


@dataclass(frozen=True, slots=True)
class Said:
    """What an endpoint said, in either API."""

    text: str
    calls: tuple[ToolCall, ...]
    finish_reason: str
    model: Any
    tokens: tuple[Any, Any]
    """In and out, as they stand in `usage`."""


def choosing(tools: Sequence[Mapping[str, Any]], settings: ModelSettings) -> dict[str, Any]:
    """Return what both APIs are told of how to choose: tools, and how freely."""
    said: dict[str, Any] = {}
    if tools:
        # Endpoints refuse the other two where there is no tool.
        said = {"tools": tools, "tool_choice": settings.tool_choice}
        if settings.parallel_tool_calls is not None:
            said["parallel_tool_calls"] = settings.parallel_tool_calls
    return said if settings.temperature is None else {**said, "temperature": settings.temperature}


def encoded(body: Mapping[str, Any]) -> bytes:
    """Return a request's bytes; messages and tools may be any Mapping or Sequence."""
    return orjson.dumps(body, default=_plain)


def decoded(body: bytes) -> Mapping[str, Any]:
    """Return a response's document."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableReplyError("the response is no JSON") from error
    return mapping(document, "response")


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Return an object of a response."""
    if not isinstance(value, dict):
        raise UnreadableReplyError(f"the {what} is no object")
    return cast("dict[str, Any]", value)


def sequence(value: Any, what: str) -> list[Any]:
    """Return a list of a response; nothing where it is missing."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnreadableReplyError(f"{what} is no list")
    return cast("list[Any]", value)


def call_of(number: int, raw_id: Any, name: Any, arguments: Any, problem: str | None = None) -> ToolCall:
    """Return the n-th call of an answer."""
    if not isinstance(name, str):
        raise UnreadableReplyError("a tool call has no name")
    called = raw_id if isinstance(raw_id, str) and _ID.fullmatch(raw_id) else f"call_{number}"
    if not isinstance(arguments, str):
        # Some endpoints parse the arguments already, and leave them out where there are none.
        try:
            arguments = "" if arguments is None else orjson.dumps(arguments).decode()
        except TypeError:  # orjson writes less deeply nested values than it reads
            return ToolCall(called, name, "", "they are nested too deeply")
    return ToolCall(called, name, arguments, problem)


def finish_reason_of(raw: Any) -> str:
    """Return the reason as the router knows it; one that is missing is an ordinary stop."""
    if not raw:
        return "stop"
    reason = raw.lower() if isinstance(raw, str) else "unknown"
    return _REASONS.get(reason, reason[:_NAME_LIMIT])


def answer_of(said: Said, settings: ModelSettings, request_bytes: int) -> Answer:
    """Return what was said as an answer, with tokens and their price."""
    length = len(said.text) + sum(len(call.name) + len(call.arguments) for call in said.calls)
    told = _believable(said.tokens, said_something=length > 0)
    asked, answered = told or (_estimate(request_bytes), _estimate(length))
    reply = Reply(
        model=(said.model if isinstance(said.model, str) and said.model else settings.name)[:_NAME_LIMIT],
        text=said.text,
        calls=said.calls,
        finish_reason=said.finish_reason,
        input_tokens=asked,
        output_tokens=answered,
        cost_usd=settings.cost_usd(asked, answered),
    )
    return Answer(reply, estimated=told is None)


_REASONS: Final = {
    **dict.fromkeys(("max_tokens", "max_output_tokens", "model_length", "incomplete"), CUT_OFF),
    # The endpoint gave up in the middle.
    **dict.fromkeys(("error", "abort", "cancelled", "insufficient_system_resource"), CUT_OFF),
    **dict.fromkeys(("refusal", "safety"), CONTENT_FILTER),
}
"""What some endpoints say where others say one of ours."""


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    raise TypeError(f"a prompt cannot hold a {type(value).__name__}")


def _believable(tokens: tuple[Any, Any], *, said_something: bool) -> tuple[int, int] | None:
    """Return what a usage says, unless it cannot be: nothing for something would cost nothing."""
    asked, answered = tokens
    if type(asked) is not int or type(answered) is not int:
        return None
    if not (1 <= asked <= _MOST_TOKENS and said_something <= answered <= _MOST_TOKENS):
        return None
    return asked, answered


def _estimate(characters: int) -> int:
    return -(-characters // _CHARACTERS_A_TOKEN)
