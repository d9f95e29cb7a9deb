"""A server that speaks like a Vault's engine KV, version 2, on loopback; it notes what it was asked."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class VaultServer:
    """Its secrets by mount and path, the tokens it accepts, what it was asked, and how it misbehaves."""

    address: str = ""
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    tokens: set[str] = field(default_factory=lambda: {"vault-token"})
    asked: list[str] = field(default_factory=list[str])
    status: int = 200
    text: str | None = None
    hangs: bool = False
    gate: asyncio.Event | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.hangs:
            await asyncio.Event().wait()
        if self.gate is not None:
            await self.gate.wait()
        if request.headers.get("X-Vault-Token") not in self.tokens:
            return web.json_response({"errors": ["permission denied"]}, status=403)
        if self.status != 200 or self.text is not None:
            headers = {"Location": "http://127.0.0.1:9/v1"} if 300 <= self.status < 400 else {}
            return web.Response(status=self.status, text=self.text or "", headers=headers)
        found = self.secrets.get(request.path.removeprefix("/v1/"))
        if found is None:
            return web.json_response({"errors": []}, status=404)
        return web.json_response({"data": {"data": found, "metadata": {"version": 1}}})


@asynccontextmanager
async def vault_server() -> AsyncGenerator[VaultServer]:
    vault = VaultServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", vault.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    vault.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield vault
    finally:
        await runner.cleanup()
