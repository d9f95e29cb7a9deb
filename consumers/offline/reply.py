"""What the offline model answers, and how an answer becomes a chat completion."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

MODEL: Final = "pointsman-offline"
"""The one model the server has."""
FINISH: Final = "finish"
"""The tool that ends a run."""
_CHARACTERS_A_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call of an answer; the arguments are the JSON text that is sent."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Attributes:
        calls: the tool calls, in order.
        text: what is said beside them, or alone.
        rule: name of the rule that gave the answer, or None if none did.
        finish_reason: as the API has it.
    """

    calls: tuple[Call, ...] = ()
    text: str = ""
    rule: str | None = None
    finish_reason: str = "stop"


def call_of(action: str, arguments: Mapping[str, Any], *seed: str | int) -> Call:
    """Return a call whose id is a digest of all that is given: same question, same id."""
    text = orjson.dumps(arguments).decode()
    parts = "\0".join((action, text, *map(str, seed)))
    identity = hashlib.sha256(parts.encode()).hexdigest()[:24]
    return Call(f"call_{identity}", action.replace(".", "__"), text)


def calling(calls: tuple[Call, ...], *, text: str = "", rule: str | None = None) -> Reply:
    """Return an answer with tool calls."""
    return Reply(calls, text, rule, "tool_calls")


def completion(reply: Reply, *, fingerprint: str, prompt_chars: int, created: int) -> dict[str, Any]:
    """Return the body of a chat completion; token counts are estimates, the same for the same texts."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.calls:
        message["tool_calls"] = [_tool_call(call) for call in reply.calls]
    said = len(reply.text) + sum(len(call.name) + len(call.arguments) for call in reply.calls)
    asked, answered = _tokens(prompt_chars), _tokens(said)
    return {
        "id": _completion_id(reply, fingerprint, prompt_chars),
        "object": "chat.completion",
        "created": created,
        "model": MODEL,
        "system_fingerprint": fingerprint,
        "choices": [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish_reason},
        ],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": answered,
            "total_tokens": asked + answered,
        },
    }


def _tool_call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _completion_id(reply: Reply, fingerprint: str, prompt_chars: int) -> str:
    parts = "\0".join((fingerprint, str(prompt_chars), reply.text, *(call.id for call in reply.calls)))
    return f"chatcmpl-{hashlib.sha256(parts.encode()).hexdigest()[:24]}"


def _tokens(characters: int) -> int:
    return max(1, characters // _CHARACTERS_A_TOKEN)
