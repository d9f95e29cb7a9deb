"""A Redis that may be killed, set back and flushed while others use it."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

from processes import CrashError
from redis.asyncio import Redis

from consumers.local.redis_server import local_redis
from consumers.session.key import SessionKey

_SEVERAL = 4
_KNOWN = 50
"""Steps before the end of the file that a cut reads again."""
_GONE_S = 10.0


class RedisServer:
    """A server on one port and one folder. Talks to it on a connection of its own, past any line."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._exits = AsyncExitStack()
        self._url = ""
        self._whole = asyncio.Lock()
        self._known = 0
        self.port = 0

    async def start(self) -> None:
        """Start it, again or for the first time."""
        self._url = await self._exits.enter_async_context(local_redis(self._folder, port=self.port or None))
        self.port = int(self._url.rsplit(":", 1)[1].partition("/")[0])
        self._client = Redis.from_url(self._url, protocol=2)

    async def stop(self) -> None:
        """End it in order."""
        async with self._whole:
            await self._client.aclose()
            await self._exits.aclose()
            self._exits = AsyncExitStack()

    async def kill(self) -> None:
        """SIGKILL, and the same server again."""
        await self._again(lambda: None)

    async def cut(self, *, several: bool) -> None:
        """Kill it, and lose the end of its append-only file: half of the last step, or several steps."""
        await self._again(lambda: self._cut(several=several))

    async def renew(self) -> None:
        """Put an empty one in its place, on the same port: what it has to read when it starts grows with every play."""
        await self.stop()
        shutil.rmtree(self._folder / "appendonlydir")
        self._known = 0
        await self.start()

    async def flush(self) -> None:
        """FLUSHALL, as somebody does by mistake."""
        await self._client.flushall()

    async def journals(self, key: SessionKey, runs: Sequence[str]) -> dict[str, dict[str, bytes]]:
        """Return the journals of these runs, as they are stored: by run and place. Waits while it is being killed."""
        async with self._whole:
            stored = [cast("dict[bytes, bytes]", await self._client.hgetall(key.journal(r))) for r in runs]
        return {
            run: {place.decode(): body for place, body in entries.items() if place[:1] != b"#"}
            for run, entries in zip(runs, stored, strict=True)
        }

    async def _again(self, meanwhile: Callable[[], None]) -> None:
        """Kill it, do something, start it. Who waits may be cancelled with the connection that breaks; it comes back."""
        self._restart = asyncio.create_task(self._restarted(meanwhile), name="restart Redis")
        await asyncio.shield(self._restart)

    async def _restarted(self, meanwhile: Callable[[], None]) -> None:
        async with self._whole:
            await self._kill()
            meanwhile()
            await self.start()

    def _cut(self, *, several: bool) -> None:
        (file,) = self._folder.glob("appendonlydir/*.incr.aof")
        with file.open("rb") as opened:
            opened.seek(self._known)
            content = opened.read()
        steps = _steps(content)
        if not steps:
            raise CrashError(f"{file} holds no step that could be cut off")
        half = (steps[-1] + len(content)) // 2
        os.truncate(file, self._known + (steps[-min(_SEVERAL, len(steps))] if several else half))
        self._known += steps[-min(_KNOWN, len(steps))]  # all before it needs not be read again

    async def _kill(self) -> None:
        info: dict[str, Any] = await self._client.info("server")
        pid = int(info["process_id"])
        await self._client.aclose()
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(_GONE_S):
            await self._exits.aclose()  # it only waits for the process, which is ending already
        self._exits = AsyncExitStack()


def _steps(content: bytes) -> list[int]:
    """Return where each step of an append-only file begins: a transaction, or a command that is in none."""
    begins: list[int] = []
    at, inside = 0, False
    while at < len(content):
        begin, words = at, int(content[at + 1 : content.index(b"\r\n", at)])
        at = content.index(b"\r\n", at) + 2
        command = b""
        for number in range(words):
            size = int(content[at + 1 : content.index(b"\r\n", at)])
            at = content.index(b"\r\n", at) + 2
            command = content[at : at + size].upper() if number == 0 else command
            at += size + 2
        if not inside and command != b"SELECT":
            begins.append(begin)
        inside = command == b"MULTI" or (inside and command != b"EXEC")
    return begins


@asynccontextmanager
async def open_redis(folder: Path) -> AsyncGenerator[RedisServer]:
    """Run a server while the block runs."""
    server = RedisServer(folder)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
