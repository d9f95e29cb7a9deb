"""Calling the actions of a connector under test."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import ActionError
from connectors.mcp.client import McpClient
from connectors.mcp.definitions import Snapshot, written
from connectors.mcp.kind import build_mcp
from connectors.mcp.settings import McpSettings
from connectors.perform import perform

TOOLS: Mapping[str, Any] = {
    "place": {
        "tool": "place_order",
        "effect": "write",
        "idempotency": "provider-key",
        "key_argument": "key",
        "window": "24h",
        "compensate": "shop.cancel",
        "fields": {"order_ref": {"type": "string", "pattern": "^[A-Z]-[0-9]+$"}, "state": {"type": "string"}},
    },
    "cancel": {
        "tool": "cancel_order",
        "effect": "write",
        "idempotency": "provider-key",
        "key_argument": "key",
        "window": "24h",
    },
    "find": {"tool": "get_order", "effect": "read", "fields": {"state": {"at": "order.state"}}},
    "wait": {"tool": "wait", "effect": "write", "idempotency": "natural"},
    "fail": {"tool": "fail", "effect": "write", "idempotency": "natural"},
    "refuse": {"tool": "fail", "effect": "write", "idempotency": "natural", "errors": "refused"},
    "look": {"tool": "fail", "effect": "read"},
    "die": {"tool": "die", "effect": "write", "idempotency": "natural"},
    "tell": {"tool": "tell", "effect": "read"},
    "ask": {"tool": "ask", "effect": "read"},
    "environment": {"tool": "environment", "effect": "read"},
    "employ": {"tool": "employ", "effect": "read"},
    "rename": {"tool": "rename", "effect": "write", "idempotency": "natural"},
}


class Asked:
    """An open connector whose actions are called by their verbs."""

    def __init__(self, connector: Connector[Any], client: McpClient) -> None:
        self.connector = connector
        self.client = client

    async def __call__(
        self, verb: str, arguments: Mapping[str, Any] | None = None, *, timeout_s: float = 60
    ) -> Any:
        action = self.connector.actions[f"{self.connector.name}.{verb}"]
        call = Call(self.client, key="key-1", timeout_s=timeout_s, tenant="acme", run_id="run-1")
        async with asyncio.timeout(timeout_s + 10):
            return await perform(action, call, action.arguments.model_validate(dict(arguments or {})))


def pinned(folder: Path, found: Snapshot) -> Path:
    """Write pinned definitions into a folder."""
    file = folder / "shop.tools.json"
    file.write_text(written(found), encoding="utf-8")
    return file


@asynccontextmanager
async def opened(name: str, settings: McpSettings) -> AsyncGenerator[Asked]:
    """Open a connector, and wait until it is known whether its server can be talked to.

    On a machine with much to do a server takes longer to start than a call may wait for it.
    """
    connector = build_mcp(name, settings)
    async with connector.open(settings) as client:
        with suppress(ActionError):
            await client._kept.opened(60)  # pyright: ignore[reportPrivateUsage] - calls do this within their time
        yield Asked(connector, client)
