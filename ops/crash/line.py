"""A TCP proxy in front of one server. The answer to a chosen request can be lost: by then the server has done it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from kafka_requests import fetches

_CHUNK = 1 << 16
_FETCH_S = 0.015
"""How long a fetch is held, since the embedded broker answers an empty one at once: clients would do nothing but ask."""

Chosen = Callable[[bytes], bool]
"""Says of each request whether it is the one."""
Loss = Callable[[], Awaitable[object]]
"""What happens when its answer has arrived here; the answer goes no further, and its connection is cut."""


@dataclass
class _Connection:
    """One client; its requests whose answers are to be lost, or held for a while, by the numbers that both sides give them."""

    chosen: set[bytes] = field(default_factory=set[bytes])
    held: set[bytes] = field(default_factory=set[bytes])


class Line:
    """Between clients and one server, which may go away and come back.

    Args:
        host, port: of the server.
        kafka: whether both sides talk in frames with their length in front and a number by which an answer belongs to its
            request. Others answer one request of a connection before they take the next one.
    """

    def __init__(self, host: str, port: int, *, kafka: bool = False) -> None:
        self._server = (host, port)
        self._kafka = kafka
        self._chosen: Chosen | None = None
        self._loss: Loss | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self.port = 0

    def lose_answer(self, chosen: Chosen, loss: Loss) -> None:
        """Lose the answer to the first request from now on that is chosen."""
        self._chosen, self._loss = chosen, loss

    def disarm(self) -> None:
        self._chosen = self._loss = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Relay one client until either side hangs up."""
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            # `end` cancels; asyncio would report that as an error of the server.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                upstream, downstream = await asyncio.open_connection(*self._server)
                try:
                    await self._relay(_Connection(), reader, writer, upstream, downstream)
                finally:
                    downstream.close()
        finally:
            writer.close()
            self._clients.discard(task)

    async def end(self) -> None:
        """Cut all connections."""
        for task in self._clients:
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _relay(
        self,
        connection: _Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        upstream: asyncio.StreamReader,
        downstream: asyncio.StreamWriter,
    ) -> None:
        ways = [
            asyncio.create_task(self._requests(connection, reader, downstream)),
            asyncio.create_task(self._answers(connection, upstream, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _requests(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await self._read(reader):
            if self._chosen is not None and self._chosen(data):
                self._chosen = None
                connection.chosen.add(data[8:12] if self._kafka else b"")
            if self._kafka and fetches(data):
                connection.held.add(data[8:12])
            writer.write(data)
            await writer.drain()

    async def _answers(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await self._read(reader):
            number = data[4:8] if self._kafka else b""
            if number in connection.held:
                connection.held.discard(number)
                await asyncio.sleep(_FETCH_S)
            if number in connection.chosen:
                loss, self._loss = self._loss, None
                if loss is not None:
                    await loss()
                    return
            writer.write(data)
            await writer.drain()

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        """Return a frame, or whatever has arrived; nothing at the end."""
        if not self._kafka:
            return await reader.read(_CHUNK)
        head = await reader.readexactly(4)
        return head + await reader.readexactly(int.from_bytes(head, "big"))


@asynccontextmanager
async def open_line(host: str, port: int, *, kafka: bool = False) -> AsyncGenerator[Line]:
    """Serve a line on a free port while the block runs."""
    line = Line(host, port, kafka=kafka)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        await line.end()
