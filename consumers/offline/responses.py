"""The offline model's side of the Responses API: its requests as chat messages, its answers as output items. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from consumers.offline.reply import Call, Reply, completion


def messages_of(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of a request as chat completions have them.

    Raises:
        LookupError, TypeError, AttributeError: they do not have the shape that the API asks for.
    """
    messages: list[dict[str, Any]] = []
    if instructions := asked.get("instructions"):
        messages.append({"role": "system", "content": instructions})
    for item in asked["input"]:
        kind = item.get("type", "message")
        if kind == "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            call = {"id": item["call_id"], "type": "function", "function": function}
            if messages[-1]["role"] != "assistant":
                messages.append({"role": "assistant", "content": None})
            messages[-1].setdefault("tool_calls", []).append(call)
        elif kind == "function_call_output":
            messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]})
        else:
            messages.append({"role": item["role"], "content": item["content"]})
    return messages


def tools_of(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tools of a request as chat completions have them."""
    return [{"type": "function", "function": {"name": tool["name"]}} for tool in asked.get("tools") or ()]


def response(reply: Reply, *, fingerprint: str, prompt_chars: int, created: int) -> dict[str, Any]:
    """Return the body of a response; token counts are those of the same answer as a chat completion."""
    chat = completion(reply, fingerprint=fingerprint, prompt_chars=prompt_chars, created=created)
    usage = chat["usage"]
    cut = reply.finish_reason == "length"
    return {
        "id": chat["id"].replace("chatcmpl-", "resp_"),
        "object": "response",
        "created_at": created,
        "model": chat["model"],
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "error": None,
        "output": list(_items(reply)),
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
            "total_tokens": usage["total_tokens"],
        },
    }


def _items(reply: Reply) -> Iterator[dict[str, Any]]:
    if reply.text:
        part = {"type": "output_text", "text": reply.text, "annotations": []}
        yield {"type": "message", "role": "assistant", "status": "completed", "content": [part]}
    for call in reply.calls:
        yield _function_call(call)


def _function_call(call: Call) -> dict[str, Any]:
    said = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
    return {"type": "function_call", "id": f"fc_{call.id}", "status": "completed", **said}
