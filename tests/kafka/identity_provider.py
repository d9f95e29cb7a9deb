"""A token endpoint on loopback, as an identity provider has one."""

import base64
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any

from aiohttp import web

CLIENT_ID = "worker"
CLIENT_SECRET = "canary:client/secret+ä"  # with what URLs and headers must escape


@dataclass
class IdentityProvider:
    """Grants what `grant` returns to the client who knows the secret, by either way to say it."""

    grant: Callable[[], dict[str, Any]]
    url: str = ""
    forms: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    status: int = 200

    async def answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        expected = base64.b64encode(b"worker:canary%3Aclient%2Fsecret%2B%C3%A4").decode()
        by_header = request.headers.get("Authorization") == f"Basic {expected}"
        by_form = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        if not (by_header or by_form) or form["grant_type"] != "client_credentials":
            return web.json_response(
                {"error": "invalid_client", "error_description": CLIENT_SECRET}, status=401
            )
        if self.status != 200:
            return web.json_response({"error": "surprise " + CLIENT_SECRET}, status=self.status)
        return web.json_response(self.grant())


@asynccontextmanager
async def identity_provider(
    grant: Callable[[], dict[str, Any]], *, tls: SSLContext | None = None
) -> AsyncGenerator[IdentityProvider]:
    provider = IdentityProvider(grant)
    app = web.Application()
    app.router.add_post("/token", provider.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    provider.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/token"
    try:
        yield provider
    finally:
        await runner.cleanup()
