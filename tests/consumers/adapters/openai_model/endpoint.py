"""An endpoint on loopback that gives the answers a test lays out."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

from consumers.adapters.openai_model import OpenAIModel
from consumers.router.decision import FINISH_TOOL
from consumers.router.exchange import Prompt

KEY = "sk-test-very-secret"
PROMPT = Prompt([{"role": "user", "content": "<event>{}</event>"}], [FINISH_TOOL], 256)
Make = Callable[..., OpenAIModel]
"""Makes a model that talks to the endpoint; settings may be given by name."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def completion(**message: Any) -> dict[str, Any]:
    return {
        "model": "stub-1",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 10},
    }


def ok(**message: Any) -> web.Response:
    return web.json_response(completion(**message))


def refused(status: int, headers: dict[str, str] | None = None, **error: Any) -> web.Response:
    return web.json_response({"error": error}, status=status, headers=headers)


class Endpoint:
    """Gives its answers in order, the last one again and again; remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[web.Response | Handler] = []
        self.asked: list[web.Request] = []
        self.bodies: list[Any] = []
        self.base_url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.bodies.append(orjson.loads(await request.read()))
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if not isinstance(answer, web.Response):
            return await answer(request)
        return web.Response(body=answer.body, status=answer.status, headers=answer.headers)


@asynccontextmanager
async def listening() -> AsyncGenerator[Endpoint]:
    stub = Endpoint()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", stub.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stub.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield stub
    finally:
        await runner.cleanup()
