"""Starting and stopping the service."""

from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from connectors.sandbox.service.app import make_app
from connectors.sandbox.service.store import Store

_DRAIN_S = 2.0
"""How long open requests may take to end on close."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running service.

    Attributes:
        address: `http://host:port`.
    """

    address: str
    _runner: web.AppRunner
    _store: Store

    async def close(self) -> None:
        """Stop taking requests, let open ones end for a moment, close the database."""
        await self._runner.cleanup()
        self._store.close()


async def serve(database: Path, *, token: str, port: int = 0, host: str = "127.0.0.1") -> Sandbox:
    """Serve a database file, made and seeded where it is missing, until `close` is called.

    Args:
        database: the file; one service at a time may write to it.
        token: what callers must send as bearer token.
        port: 0 chooses a free one.
        host: loopback, unless somebody else must reach it.

    Raises:
        OSError: where the port is taken.
    """
    store = Store(database)
    runner = web.AppRunner(make_app(store, token=token), access_log=None, shutdown_timeout=_DRAIN_S)
    try:
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
    except BaseException:
        await runner.cleanup()
        store.close()
        raise
    bound = runner.addresses[0][1]
    return Sandbox(f"http://{host}:{bound}", runner, store)
