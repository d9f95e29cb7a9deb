"""The Responses API's bytes: from a prompt to a request, from a response to a reply. Pure.

The endpoint keeps nothing (`store: false`): a prompt holds the whole run, as for chat completions, so a run may change
between both APIs from turn to turn. Reasoning that the endpoint sends is not sent back; it is no part of a decision.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from consumers.adapters.openai_answer import (
    CONTENT_FILTER,
    CUT_OFF,
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
from consumers.router.exchange import Message, Prompt, ToolCall

_UNUSABLE: Final = frozenset({"failed", "cancelled", "queued", "in_progress"})
_NO_CALLS: Final = frozenset({"message", "reasoning"})


def request_body(prompt: Prompt, settings: ModelSettings) -> bytes:
    """Return the body of a request; see `Wire`."""
    body: dict[str, Any] = {
        "model": settings.name,
        "input": [item for message in prompt.messages for item in _items(message)],
        "max_output_tokens": prompt.max_output_tokens,
        "store": False,
    }
    if told := "\n\n".join(str(m["content"]) for m in prompt.messages if m["role"] == "system"):
        body["instructions"] = told
    tools = [{"type": "function", **tool["function"]} for tool in prompt.tools]
    return encoded({**body, **choosing(tools, settings)})


def read_answer(body: bytes, settings: ModelSettings, request_bytes: int) -> Answer:
    """Return what the model said; see `Wire`."""
    document = decoded(body)
    status = document.get("status")
    if isinstance(status, str) and status in _UNUSABLE:
        raise UnreadableReplyError(f"the response is {status.replace('_', ' ')}")
    if not isinstance(document.get("output"), list):
        raise UnreadableReplyError("the response has no output")
    items = [mapping(item, "output item") for item in sequence(document.get("output"), "output")]
    parts = list(_parts(items))
    said = Said(
        text="".join(text for part in parts if isinstance(text := part.get("text"), str)),
        calls=tuple(_calls(items)),
        finish_reason=_finish_reason(document, items, parts),
        model=document.get("model"),
        tokens=_usage(document.get("usage")),
    )
    return answer_of(said, settings, request_bytes)


RESPONSES: Final = Wire("/responses", request_body, read_answer)
"""What OpenAI recommends for new work, and some other endpoints have as well."""


def _items(message: Message) -> Iterator[Mapping[str, Any]]:
    """Yield the input items of one chat message; what the system says goes into the instructions."""
    match message["role"]:
        case "system":
            return
        case "tool":
            yield {
                "type": "function_call_output",
                "call_id": message["tool_call_id"],
                "output": message["content"],
            }
        case role:
            if message["content"]:
                yield {"role": role, "content": message["content"]}
            calls: Sequence[Mapping[str, Any]] = message.get("tool_calls", ())
            for call in calls:
                # Without the item's own id: that would have the endpoint ask for the reasoning before it.
                yield {"type": "function_call", "call_id": call["id"], **call["function"]}


def _parts(items: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the parts of all messages; some endpoints send a plain text."""
    for item in items:
        if item.get("type") != "message":
            continue
        content = item.get("content")
        if isinstance(content, str):
            yield {"text": content}
        for part in cast("list[Any]", content) if isinstance(content, list) else ():
            if isinstance(part, dict):
                yield cast("dict[str, Any]", part)


def _calls(items: Sequence[Mapping[str, Any]]) -> Iterator[ToolCall]:
    for number, item in enumerate(items):
        kind = item.get("type")
        if kind == "function_call":
            yield call_of(number, item.get("call_id"), item.get("name"), item.get("arguments"))
        elif not isinstance(kind, str) or (kind not in _NO_CALLS and kind.endswith("_call")):
            name = item.get("name")
            problem = "only calls of the type function_call can be made"
            yield call_of(number, item.get("call_id"), name if isinstance(name, str) else "", "", problem)


def _finish_reason(
    document: Mapping[str, Any], items: Sequence[Mapping[str, Any]], parts: Sequence[Mapping[str, Any]]
) -> str:
    if any(part.get("refusal") for part in parts):
        return CONTENT_FILTER
    if document.get("status") == "incomplete":
        details = document.get("incomplete_details")
        why = cast("dict[str, Any]", details).get("reason") if isinstance(details, dict) else None
        return CONTENT_FILTER if finish_reason_of(why) == CONTENT_FILTER else CUT_OFF
    if any(item.get("status") == "incomplete" for item in items):
        return CUT_OFF
    return "stop"


def _usage(raw: Any) -> tuple[Any, Any]:
    usage = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    return usage.get("input_tokens"), usage.get("output_tokens")
