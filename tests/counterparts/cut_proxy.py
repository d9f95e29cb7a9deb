"""A TCP proxy that cuts a connection to PostgreSQL at COMMIT: before it is forwarded, or after the server has done it."""

import asyncio
from contextlib import suppress
from typing import Literal, Self

_CHUNK = 65_536
_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"


class CutProxy:
    """Forwards to one port of loopback. Set `cut` to cut the next COMMIT that comes by, once."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._tasks: set[asyncio.Task[None]] = set()
        self.cut: Literal["before", "after", "silent"] | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        to_server: asyncio.StreamWriter | None = None
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._upstream)
            back = asyncio.create_task(self._forward(from_server, writer), name="proxy-back")
            self._tasks.add(back)
            while data := await reader.read(_CHUNK):
                if data.startswith(_COMMIT) and self.cut is not None:
                    how, self.cut = self.cut, None
                    back.cancel()
                    await asyncio.gather(back, return_exceptions=True)
                    if how != "before":
                        to_server.write(data)
                        await from_server.read(_CHUNK)  # it is committed
                    if how == "silent":
                        await reader.read(_CHUNK)  # the client hears nothing until it goes away
                    return
                to_server.write(data)
                await to_server.drain()
        except OSError:
            pass  # either side went away
        finally:
            for each in (writer, to_server):
                if each is not None:
                    each.close()

    @staticmethod
    async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                writer.write(data)
                await writer.drain()
        writer.close()
