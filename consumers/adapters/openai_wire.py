"""The chat completions API's bytes: from a prompt to a request, from a response to a reply. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import orjson

from consumers.adapters.openai_settings import ModelSettings
from consumers.router.exchange import Prompt, Reply, ToolCall

_CHARACTERS_A_TOKEN: Final = 4
_REFUSED: Final = "content_filter"


class UnreadableReplyError(ValueError):
    """A response that is no chat completion; the message says what is missing, not what was there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply, and whether its tokens are estimates because the endpoint sent no usage."""

    reply: Reply
    estimated: bool


def request_body(prompt: Prompt, settings: ModelSettings) -> bytes:
    """Return the body of a request; the same prompt gives the same bytes, so that prompt caches hit."""
    body: dict[str, Any] = {
        "model": settings.name,
        "messages": prompt.messages,
        settings.output_limit_field: prompt.max_output_tokens,
    }
    if prompt.tools:
        # Endpoints refuse these two where there is no tool.
        body["tools"] = prompt.tools
        body["tool_choice"] = settings.tool_choice
        if settings.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = settings.parallel_tool_calls
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    # Messages and tools may be any Mapping or Sequence; orjson knows only dict and list by itself.
    return orjson.dumps(body, default=_plain)


def read_answer(body: bytes, settings: ModelSettings, *, request_bytes: int) -> Answer:
    """Return what the model said, its calls unchecked.

    Args:
        body: of a response with a success status.
        settings: of the model that was asked.
        request_bytes: size of the request, from which missing token counts are estimated.

    Raises:
        UnreadableReplyError: where there is no message in it.
    """
    document = _decoded(body)
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices:
        raise UnreadableReplyError("the response has no choices")
    choice = _mapping(cast("list[Any]", choices)[0], "choice")
    message = _mapping(choice.get("message"), "message")
    text = _text(message.get("content"))
    calls = _calls(message.get("tool_calls"))
    said = len(text) + sum(len(call.name) + len(call.arguments) for call in calls)
    usage = _usage(document.get("usage"))
    asked, answered = usage or (_estimate(request_bytes), _estimate(said))
    reply = Reply(
        model=str(document.get("model") or settings.name)[:200],
        text=text,
        calls=calls,
        finish_reason=_finish_reason(choice, message),
        input_tokens=asked,
        output_tokens=answered,
        cost_usd=settings.cost_usd(asked, answered),
    )
    return Answer(reply, estimated=usage is None)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    raise TypeError(f"a prompt cannot hold a {type(value).__name__}")


def _decoded(body: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableReplyError("the response is no JSON") from error
    return _mapping(document, "response")


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableReplyError(f"the {what} is no object")
    return cast("dict[str, Any]", value)


def _text(content: Any) -> str:
    """Return the text; some endpoints send it in parts."""
    if isinstance(content, list):
        parts = (
            cast("dict[str, Any]", p).get("text") for p in cast("list[Any]", content) if isinstance(p, dict)
        )
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _calls(raw: Any) -> tuple[ToolCall, ...]:
    if raw is None:
        return ()
    if not isinstance(raw, list):
        raise UnreadableReplyError("tool_calls is no list")
    return tuple(_call(number, call) for number, call in enumerate(cast("list[Any]", raw)))


def _call(number: int, raw: Any) -> ToolCall:
    call = _mapping(raw, "tool call")
    function = _mapping(call.get("function"), "function of a tool call")
    name, arguments = function.get("name"), function.get("arguments")
    if not isinstance(name, str):
        raise UnreadableReplyError("a tool call has no name")
    if not isinstance(arguments, str):
        # Some endpoints parse the arguments already, and leave them out where there are none.
        arguments = "" if arguments is None else orjson.dumps(arguments).decode()
    return ToolCall(str(call.get("id") or f"call_{number}"), name, arguments)


def _finish_reason(choice: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    if message.get("refusal"):
        # The endpoint reports a refusal as an ordinary stop without text, which would read as "all done".
        return _REFUSED
    return str(choice.get("finish_reason") or "stop")


def _usage(raw: Any) -> tuple[int, int] | None:
    if not isinstance(raw, dict):
        return None
    usage = cast("dict[str, Any]", raw)
    counts = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return cast("tuple[int, int]", counts) if all(type(n) is int and n >= 0 for n in counts) else None


def _estimate(characters: int) -> int:
    return -(-characters // _CHARACTERS_A_TOKEN)
