"""A loopback service that answers as a test says, for what CAP does not do: CSRF tokens as SAP Gateway documents them, …"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from connectors.action import Call
from connectors.odata.client import ODataClient
from connectors.odata.kind import build_odata
from connectors.perform import perform
from tests.connectors.odata.trade import Version, settings

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Do = Callable[..., Awaitable[Any]]


class Session:
    """Demands a token that belongs to a cookie; both change when the session ends."""

    def __init__(self, then: Handler) -> None:
        self.number = 1
        self.fetched = 0
        self.refused = 0
        self._then = then

    async def answer(self, request: web.Request) -> web.StreamResponse:
        token, cookie = f"token-{self.number}", f"session-{self.number}"
        if request.headers.get("X-CSRF-Token") == "Fetch":
            self.fetched += 1
            answer = web.json_response({"value": []}, headers={"X-CSRF-Token": token})
            answer.set_cookie("SAP_SESSIONID", cookie, httponly=True)
            answer.set_cookie("sap-usercontext", "sap-client=100")
            return answer
        if request.method != "GET":
            proven = request.headers.get("X-CSRF-Token") == token
            if not proven or request.cookies.get("SAP_SESSIONID") != cookie:
                self.refused += 1
                raise web.HTTPForbidden(
                    headers={"X-CSRF-Token": "Required"}, text="CSRF token validation failed"
                )
        return await self._then(request)


@asynccontextmanager
async def gateway(handler: Handler, version: Version = "v4", **changed: Any) -> AsyncGenerator[Do]:
    """Serve, and give what performs an action by its verb, key and arguments."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    own = settings(version, f"http://127.0.0.1:{runner.addresses[0][1]}/odata", **changed)
    connector = build_odata("trade", own)

    async def do(verb: str, key: str = "k-1", timeout_s: float = 5, **arguments: Any) -> Any:
        action = connector.actions[f"trade.{verb}"]
        call: Call[ODataClient] = Call(client, key=key, timeout_s=timeout_s, tenant="t", run_id="r")
        return await perform(action, call, action.arguments.model_validate(arguments))

    try:
        async with connector.open(own) as client:
            yield do
    finally:
        await runner.cleanup()
