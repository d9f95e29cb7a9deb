"""The chat completions API's bytes: from a prompt to a request, from a response to a reply. Pure."""

from collections.abc import Mapping
from itertools import starmap
from typing import Any, Final, cast

from consumers.adapters.openai_answer import (
    CONTENT_FILTER,
    Answer,
    Said,
    UnreadableReplyError,
    Wire,
    answer_of,
    call_of,
    choosing,
    decoded,
    encoded,
    finish_reason_of,
    mapping,
    sequence,
)
from consumers.adapters.openai_settings import ModelSettings
from consumers.router.exchange import Prompt, ToolCall


def request_body(prompt: Prompt, settings: ModelSettings) -> bytes:
    """Return the body of a request; see `Wire`."""
    body: dict[str, Any] = {
        "model": settings.name,
        "messages": prompt.messages,
        settings.output_limit_field: prompt.max_output_tokens,
    }
    return encoded({**body, **choosing(prompt.tools, settings)})


def read_answer(body: bytes, settings: ModelSettings, request_bytes: int) -> Answer:
    """Return what the model said; see `Wire`."""
    document = decoded(body)
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices:
        raise UnreadableReplyError("the response has no choices")
    choice = mapping(cast("list[Any]", choices)[0], "choice")
    message = mapping(choice.get("message"), "message")
    said = Said(
        text=_text(message.get("content")),
        calls=tuple(starmap(_call, enumerate(sequence(message.get("tool_calls"), "tool_calls")))),
        finish_reason=CONTENT_FILTER
        if message.get("refusal")
        else finish_reason_of(choice.get("finish_reason")),
        model=document.get("model"),
        tokens=_usage(document.get("usage")),
    )
    return answer_of(said, settings, request_bytes)


CHAT: Final = Wire("/chat/completions", request_body, read_answer)
"""What every OpenAI-compatible endpoint has."""


def _text(content: Any) -> str:
    """Return the text; some endpoints send it in parts."""
    if isinstance(content, list):
        parts = (
            cast("dict[str, Any]", p).get("text") for p in cast("list[Any]", content) if isinstance(p, dict)
        )
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _call(number: int, raw: Any) -> ToolCall:
    call = mapping(raw, "tool call")
    if call.get("type", "function") != "function":
        name = _function(call).get("name")
        problem = "only calls of the type function can be made"
        return call_of(number, call.get("id"), name if isinstance(name, str) else "", "", problem)
    function = mapping(call.get("function"), "function of a tool call")
    return call_of(number, call.get("id"), function.get("name"), function.get("arguments"))


def _function(call: Mapping[str, Any]) -> Mapping[str, Any]:
    function = call.get("function")
    return cast("dict[str, Any]", function) if isinstance(function, dict) else {}


def _usage(raw: Any) -> tuple[Any, Any]:
    usage = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    return usage.get("prompt_tokens"), usage.get("completion_tokens")
