"""Bad answers whose body is no answer: what stands where a chat completion or a response should."""

import json
from collections.abc import Callable
from typing import Any, Final

from tests.answers.drafts import Draft, written

Body = Callable[[Draft], bytes | None]
"""Writes a draft down badly; None where that cannot be done in this API."""


def dumped(document: Any) -> bytes:
    """Write JSON that is nested as deeply as it may be."""
    return json.dumps(document).encode()


def _without(chat: str, responses: str) -> Body:
    def body(draft: Draft) -> bytes:
        document = written(draft)
        del document[chat if draft.api == "chat" else responses]
        return dumped(document)

    return body


def _with(value: Any) -> Body:
    """Put a value in place of the choices, or of the output."""

    def body(draft: Draft) -> bytes:
        document = written(draft)
        document["choices" if draft.api == "chat" else "output"] = value
        return dumped(document)

    return body


def _chat(edit: Callable[[dict[str, Any]], Any]) -> Body:
    """Change the message of a chat completion."""

    def body(draft: Draft) -> bytes | None:
        if draft.api != "chat":
            return None
        document = written(draft)
        edit(document["choices"][0])
        return dumped(document)

    return body


def _response(**fields: Any) -> Body:
    """Change fields of a response."""

    def body(draft: Draft) -> bytes | None:
        return dumped(written(draft) | fields) if draft.api == "responses" else None

    return body


def _bytes(edit: Callable[[bytes], bytes]) -> Body:
    return lambda draft: edit(dumped(written(draft)))


BODIES: Final[dict[str, Body]] = {
    "no choices": _without("choices", "output"),
    "choices that are null": _with(None),
    "choices that are a text": _with("none"),
    "choices that hold no object": _with([7]),
    "a choice without a message": _chat(lambda choice: choice.pop("message")),
    "a message that is null": _chat(lambda choice: choice.update(message=None)),
    "a message that is a text": _chat(lambda choice: choice.update(message="Hello")),
    "empty choices": lambda draft: _with([])(draft) if draft.api == "chat" else None,
    "tool_calls that are an object": _chat(lambda choice: choice["message"].update(tool_calls={})),
    "tool_calls that are a text": _chat(lambda choice: choice["message"].update(tool_calls="none")),
    "a call that is null": _chat(lambda choice: choice["message"].update(tool_calls=[None])),
    "a call without a function": _chat(lambda choice: choice["message"].update(tool_calls=[{"id": "1"}])),
    "a call whose name is a number": _chat(
        lambda choice: choice["message"].update(tool_calls=[{"id": "1", "function": {"name": 1}}])
    ),
    "a response that failed": _response(status="failed", error={"code": "server_error", "message": "x"}),
    "a response that is queued": _response(status="queued", output=[]),
    "a body that is a list": _bytes(lambda body: b"[" + body + b"]"),
    "a body that is null": _bytes(lambda _: b"null"),
    "an empty body": _bytes(lambda _: b""),
    "half a body": _bytes(lambda body: body[: len(body) // 2]),
    "a body with NaN": _bytes(lambda body: body[:-1] + b', "x": NaN}'),
    "a body with half a character": _bytes(lambda body: body[:-1] + b', "x": "\\ud800"}'),
    "a body that is no UTF-8": _bytes(lambda body: body[:-1] + b', "x": "\xff"}'),
    "a body in UTF-16": _bytes(lambda body: body.decode().encode("utf-16")),
    "a body nested without an end": _bytes(lambda body: body[:-1] + b', "x": ' + b"[" * 100_000),
    "a stream of events": _bytes(lambda body: b"data: " + body + b"\n\ndata: [DONE]\n\n"),
    "an error with a good status": _bytes(lambda _: b'{"error": {"message": "overloaded", "code": 502}}'),
    "a page": _bytes(lambda _: b"<html><h1>502 Bad Gateway</h1></html>"),
}
"""Each is asked again at once; then the event waits. Nothing is counted as an answer."""

LEGACY: Final = "a call in the field of the old API"


def legacy(draft: Draft) -> bytes | None:
    """Write the first call where the API had it before tools: no call at all, so a repair."""

    def edit(choice: dict[str, Any]) -> None:
        call = choice["message"].pop("tool_calls")[0]["function"]
        choice["message"]["function_call"] = call
        choice["finish_reason"] = "function_call"

    return _chat(edit)(draft)


UNKNOWN_FIELDS: Final = "fields that nobody knows"


def unknown_fields(draft: Draft) -> bytes:
    """Write more than there should be, everywhere: used."""
    document = written(draft)
    for found in (document, document.get("choices", [{}])[0], *document.get("output", [])):
        found["service_tier"] = {"x": [None]}
    return dumped(document)
