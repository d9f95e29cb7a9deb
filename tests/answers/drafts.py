"""A sound answer before it is written down: what the bad ones are made from, and how either API writes it."""

from dataclasses import dataclass, field
from typing import Any, Literal

Api = Literal["chat", "responses"]


@dataclass
class Draft:
    """One answer. Fields are of any type on purpose: some kinds of bad answer put another one there.

    Attributes:
        api: how it will be written down.
        calls: each with `id`, `name`, `arguments` and, where it is another one, `type`.
        text: what is said beside them.
        finish_reason: as chat completions have it; the Responses API says so by its status.
        refusal: why the model does not answer, or None.
        usage: tokens in and out, or whatever stands in their place.
        model: its name.
    """

    api: Api
    calls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    text: Any = None
    finish_reason: Any = "tool_calls"
    refusal: str | None = None
    usage: Any = (900, 40)
    model: Any = "stub-1"


def written(draft: Draft) -> dict[str, Any]:
    """Return the body of the response."""
    return _chat(draft) if draft.api == "chat" else _responses(draft)


def _chat(draft: Draft) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": draft.text, "refusal": draft.refusal}
    if draft.calls:
        message["tool_calls"] = [
            {
                "id": call["id"],
                "type": call.get("type", "function"),
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in draft.calls
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": draft.finish_reason}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": draft.model,
        "choices": [choice],
        "usage": _usage(draft.usage, "prompt_tokens", "completion_tokens"),
    }


def _responses(draft: Draft) -> dict[str, Any]:
    output: list[Any] = [{"type": "reasoning", "id": "rs_1", "summary": []}]
    if draft.text is not None or draft.refusal:
        text = {"type": "output_text", "text": draft.text, "annotations": []}
        part = {"type": "refusal", "refusal": draft.refusal} if draft.refusal else text
        output.append({"type": "message", "role": "assistant", "status": "completed", "content": [part]})
    output += [
        {
            "type": call.get("type", "function") + "_call",
            "id": f"fc_{number}",
            "call_id": call["id"],
            "name": call["name"],
            "arguments": call["arguments"],
        }
        for number, call in enumerate(draft.calls)
    ]
    whole = draft.finish_reason in {"stop", "tool_calls"}
    reason = {"length": "max_output_tokens"}.get(draft.finish_reason, draft.finish_reason)
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 0,
        "model": draft.model,
        "status": "completed" if whole else "incomplete",
        "incomplete_details": None if whole else {"reason": reason},
        "error": None,
        "output": output,
        "usage": _usage(draft.usage, "input_tokens", "output_tokens"),
    }


def _usage(usage: Any, asked: str, answered: str) -> Any:
    return {asked: usage[0], answered: usage[1]} if isinstance(usage, tuple) else usage
