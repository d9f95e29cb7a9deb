"""A TCP proxy that cuts every connection when it is told to: before a request goes on, or before its answer comes back."""

import asyncio
import contextlib
from typing import Literal, Self

Direction = Literal["request", "answer"]


class CuttingProxy:
    """Forwards to one port of loopback, and counts what it forwards.

    SSH is encrypted, so moments are counted in packets of TCP: a client that waits for each answer sends one at a time.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.seen = {"request": 0, "answer": 0}
        self._cut: tuple[Direction, int] | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut_all()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=10)
        await self._server.wait_closed()

    def cut_at(self, direction: Direction, number: int) -> None:
        """Cut all connections in place of forwarding the packet of this number, counted from now."""
        self.seen = {"request": 0, "answer": 0}
        self._cut = (direction, number)

    def spare(self) -> bool:
        """Cut nothing any more; say whether the moment had come."""
        cut, self._cut = self._cut is None, None
        return cut

    def cut_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, forth}
        ways: list[tuple[Direction, asyncio.StreamReader, asyncio.StreamWriter]] = [
            ("request", reader, forth),
            ("answer", back, writer),
        ]
        for name, source, target in ways:
            task = asyncio.create_task(self._pump(name, source, target), name=f"pump {name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, name: Direction, source: asyncio.StreamReader, target: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(1 << 16):
                if self._cut == (name, self.seen[name]):
                    self._cut = None
                    self.cut_all()
                    return
                self.seen[name] += 1
                target.write(data)
                await target.drain()
        self._writers.discard(target)
        target.close()
