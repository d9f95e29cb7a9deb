"""The model: the offline one, but it never says the same thing twice, so that an answer that was lost can be told from the next."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from consumers.offline.endpoint import Endpoint
from consumers.offline.faults import Behaviour
from consumers.offline.script_file import load

_SCRIPT = Path(__file__).with_name("script.yaml")


class ChangingModel:
    """An endpoint for chat completions whose every answer has a number."""

    def __init__(self) -> None:
        self._endpoint = Endpoint(load(_SCRIPT), Behaviour())
        self.port = 0
        self.asked = 0

    async def answer(self, request: web.Request) -> web.Response:
        said = await self._endpoint.complete(request)
        if said.status != web.HTTPOk.status_code or not isinstance(said.body, bytes):
            return said
        self.asked += 1
        body: dict[str, Any] = orjson.loads(said.body)
        message = body["choices"][0]["message"]
        message["content"] = f"{message['content'] or ''} (answer {self.asked})".strip()
        return web.Response(body=orjson.dumps(body), content_type="application/json")


@asynccontextmanager
async def open_model() -> AsyncGenerator[ChangingModel]:
    """Serve a model on a free port while the block runs."""
    model = ChangingModel()
    app = web.Application(client_max_size=4 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", model.answer)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        model.port = runner.addresses[0][1]
        yield model
    finally:
        await runner.cleanup()
