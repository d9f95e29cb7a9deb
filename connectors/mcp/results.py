"""What a tool answered, as a JSON-like value. Pure.

Structured content where there is some; otherwise the texts, joined. Images, sounds and resources are left behind, with a
note of what they were. All of it comes from outside: the action's result has no schema unless the configuration says one,
so policy takes every text in it as free text (ops/decisions/0025), and prompts mark it like any other result.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, cast

from pydantic import BaseModel, Field, create_model

from connectors.mcp.settings import FieldSettings

Answer = Mapping[str, Any]
"""The result of `tools/call` as the protocol writes it."""

_TYPES: Final = {"string": str, "integer": int, "number": float, "boolean": bool, "json": Any}
_NOTE_LIMIT: Final = 200


def value_of(answer: Answer, fields: Mapping[str, FieldSettings] | None) -> Any:
    """Return what an action returns.

    Args:
        answer: the tool's.
        fields: what is kept of it, by the name that it gets; None where it is not there. Everything where `fields` is None.
    """
    structured = answer.get("structuredContent")
    if fields is None:
        return structured if isinstance(structured, dict) else {"text": text_of(answer)}
    source = structured if isinstance(structured, dict) else _as_json(text_of(answer))
    return {name: _found(source, each.at or name) for name, each in fields.items()}


def result_model(name: str, fields: Mapping[str, FieldSettings] | None) -> type[BaseModel] | None:
    """Return the model of what `value_of` returns, so that others know what they can be called with."""
    if fields is None:
        return None
    described: dict[str, Any] = {}
    for field, said in fields.items():
        kind: Any = Annotated[_TYPES[said.type], Field(pattern=said.pattern)]
        described[field] = (kind | None, Field(default=None, description=said.description))
    return create_model(f"{name.replace('.', '_')}_result", **described)


def text_of(answer: Answer) -> str:
    """Return the texts of an answer, a line break between them, with a note in place of whatever is no text."""
    content = answer.get("content")
    blocks = cast("Sequence[Any]", content) if isinstance(content, list) else ()
    return "\n".join(_text(block) for block in blocks if isinstance(block, dict))


def _text(block: Mapping[str, Any]) -> str:
    kind = str(block.get("type"))
    if kind == "text":
        return str(block.get("text", ""))
    if kind == "resource_link":
        return f"[resource {str(block.get('uri', ''))[:_NOTE_LIMIT]}: not fetched]"
    inner = block.get("resource") if kind == "resource" else block
    held: Mapping[str, Any] = inner if isinstance(inner, dict) else {}
    encoded = held.get("blob", held.get("data"))
    size = (
        len(str(encoded)) * 3 // 4 if encoded is not None else len(str(held.get("text", "")).encode("utf-8"))
    )
    media = str(held.get("mimeType", "unknown type"))[:_NOTE_LIMIT]
    return f"[{kind[:_NOTE_LIMIT]}, {media}, about {size} bytes: left out]"


def _as_json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _found(value: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    # JSON cannot say infinity, and Python's reader makes it of 1e999.
    return None if isinstance(value, float) and not math.isfinite(value) else value
