"""A model that refuses to go on with events whose order is placed, for as long as it is told to."""

from contextlib import AsyncExitStack
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import web

from tests.integration.stage import Stage


class RefusingModel:
    """Answers 422 once `create_order` was called in the conversation, and passes all else on; entered, the stage asks it."""

    def __init__(self, played: Stage) -> None:
        self._played = played
        self._exits = AsyncExitStack()
        self.refuses = True

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=30)
        self._session = await self._exits.enter_async_context(
            aiohttp.ClientSession(trust_env=False, timeout=timeout)
        )
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_post("/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._exits.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        text, asked = self._played.config.read_text(), self._played.to_model.address
        assert text.count(asked) == 1
        self._played.config.write_text(text.replace(asked, f"http://127.0.0.1:{runner.addresses[0][1]}"))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.aclose()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.refuses and _has_ordered(orjson.loads(body)):
            return web.json_response({"error": {"message": "not this one"}}, status=422)
        address = self._played.to_model.address + request.raw_path
        headers = {"content-type": "application/json"}
        async with self._session.post(address, data=body, headers=headers) as answer:
            return web.Response(
                status=answer.status, body=await answer.read(), content_type=answer.content_type
            )


def _has_ordered(asked: dict[str, Any]) -> bool:
    calls = [call for message in asked["messages"] for call in message.get("tool_calls") or ()]
    return any("create_order" in call["function"]["name"] for call in calls)
