"""The offline model's side of both APIs of its kind: a request comes in, a response goes out."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Final

import orjson
from aiohttp import web

from consumers.offline.conversation import Conversation, UnreadableConversationError, read
from consumers.offline.faults import Behaviour, Die, Refusal, Wrong, spoil
from consumers.offline.obedience import obey
from consumers.offline.reply import MODEL, completion
from consumers.offline.responses import messages_of, response, tools_of
from consumers.offline.script import Script, answer

HEADER: Final = "x-pointsman-offline"
"""On every response of these endpoints: the name of the script that answers."""


@dataclass(frozen=True, slots=True)
class Stats:
    """What the server has done since it started.

    Attributes:
        requests: answers asked for; the sum of the next four and of those under way.
        answers: given.
        rate_limited: refused with 429.
        errors: refused with 500.
        rejected: refused with 400, 404 or 413, because the request was wrong.
        wrong: answers that were made wrong on purpose.
        unmatched: answers that no rule gave.
        input_tokens: estimated, of all answers.
        output_tokens: the same.
    """

    requests: int = 0
    answers: int = 0
    rate_limited: int = 0
    errors: int = 0
    rejected: int = 0
    wrong: int = 0
    unmatched: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


class _RejectedError(Exception):
    """The request itself is wrong."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Endpoint:
    """Answers requests by one script. Keeps nothing of a request but counts."""

    def __init__(self, script: Script, behaviour: Behaviour) -> None:
        self._script: Final = script
        self._behaviour: Final = behaviour
        self._die: Final = Die(behaviour)
        self._counts: Final = dict.fromkeys((field.name for field in fields(Stats)), 0)
        self._headers: Final = {HEADER: script.name}

    def routes(self) -> list[web.RouteDef]:
        """Return the table of paths."""
        return [
            web.post("/v1/chat/completions", self.complete),
            web.post("/v1/responses", self.respond),
            web.get("/v1/models", self.models),
            web.get("/healthz", self.health),
        ]

    @property
    def stats(self) -> Stats:
        """The counts so far."""
        return Stats(**self._counts)

    async def complete(self, request: web.Request) -> web.Response:
        """Answer a chat completion request."""
        return await self._answer(request, _CHAT)

    async def respond(self, request: web.Request) -> web.Response:
        """Answer a request of the Responses API."""
        return await self._answer(request, _RESPONSES)

    async def _answer(self, request: web.Request, api: "_Api") -> web.Response:
        self._counts["requests"] += 1
        mood = self._die.draw()
        if mood.refusal is Refusal.RATE_LIMIT:
            return self._rate_limited()
        if mood.delay_s:
            await asyncio.sleep(mood.delay_s)
        if mood.refusal is Refusal.ERROR:
            self._counts["errors"] += 1
            return self._problem(500, "server_error", "The offline model was told to fail.")
        try:
            body = await request.read()
            asked = read(*_question(body, api))
        except UnreadableConversationError as error:
            return self._rejected(_RejectedError(400, "invalid_request", str(error)))
        except _RejectedError as error:
            return self._rejected(error)
        except web.HTTPRequestEntityTooLarge as error:
            return self._rejected(
                _RejectedError(error.status, "request_too_large", error.text or error.reason)
            )
        return self._json(self._said(api, asked, len(body), mood.wrong))

    async def models(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp's signature
        """List the one model."""
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "pointsman"}
        return self._json({"object": "list", "data": [model]})

    async def health(self, request: web.Request) -> web.Response:  # noqa: ARG002 - aiohttp's signature
        """Say that it works, and what it is."""
        about = {"status": "ok", "model": MODEL, "fingerprint": self._script.fingerprint}
        return self._json({**about, "script": self._script.name})

    def _said(
        self, api: "_Api", asked: Conversation, prompt_chars: int, wrong: Wrong | None
    ) -> dict[str, Any]:
        reply = answer(self._script, asked)
        self._counts["unmatched"] += reply.rule is None
        if self._behaviour.obedient:
            reply = obey(reply, asked)
        if wrong:
            self._counts["wrong"] += 1
            reply = spoil(reply, wrong)
        fingerprint = self._script.fingerprint
        said = api.say(reply, fingerprint=fingerprint, prompt_chars=prompt_chars, created=int(time.time()))
        self._counts["answers"] += 1
        self._counts["input_tokens"] += said["usage"][api.tokens_in]
        self._counts["output_tokens"] += said["usage"][api.tokens_out]
        return said

    def _rate_limited(self) -> web.Response:
        self._counts["rate_limited"] += 1
        response = self._problem(429, "rate_limit_exceeded", "The offline model was told to be busy.")
        # HTTP knows whole seconds; the API's own header, which its SDK reads first, knows milliseconds.
        response.headers["Retry-After"] = str(math.ceil(self._behaviour.retry_after_s))
        response.headers["retry-after-ms"] = str(math.ceil(self._behaviour.retry_after_s * 1000))
        return response

    def _rejected(self, error: _RejectedError) -> web.Response:
        self._counts["rejected"] += 1
        return self._problem(error.status, error.code, str(error))

    def _problem(self, status: int, code: str, message: str) -> web.Response:
        kind = "server_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004 - HTTP's own border
        error = {"message": message, "type": kind, "param": None, "code": code}
        return self._json({"error": error}, status=status)

    def _json(self, value: Any, *, status: int = 200) -> web.Response:
        body = orjson.dumps(value)
        return web.Response(body=body, status=status, content_type="application/json", headers=self._headers)


@dataclass(frozen=True, slots=True)
class _Api:
    """What differs between the two APIs."""

    messages: Callable[[Any], Any]
    tools: Callable[[Any], Any]
    say: Callable[..., dict[str, Any]]
    tokens_in: str
    tokens_out: str


_CHAT: Final = _Api(
    messages=lambda asked: asked["messages"],
    tools=lambda asked: asked.get("tools"),
    say=completion,
    tokens_in="prompt_tokens",
    tokens_out="completion_tokens",
)
_RESPONSES: Final = _Api(
    messages=messages_of, tools=tools_of, say=response, tokens_in="input_tokens", tokens_out="output_tokens"
)


def _question(body: bytes, api: _Api) -> tuple[Any, Any]:
    """Return the messages and tools of a request that this model can answer."""
    try:
        asked = orjson.loads(body)
        model, stream = asked["model"], asked.get("stream")
        messages, tools = api.messages(asked), api.tools(asked)
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise _RejectedError(400, "invalid_request", f"not a request that this API has: {error!r}") from error
    if model != MODEL:
        raise _RejectedError(404, "model_not_found", f"there is no model {model!r} here, only {MODEL}")
    if stream:
        raise _RejectedError(400, "unsupported_value", "the offline model does not stream")
    return messages, tools
