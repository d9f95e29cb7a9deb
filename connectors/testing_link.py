"""A link to a system whose replies can get lost or stay out: what networks do, at a chosen moment. For tests."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from enum import Enum, auto
from typing import Any, Final, Self

_CHUNK: Final = 65_536
_CLOSING_S: Final = 5.0


class _Replies(Enum):
    PASS = auto()
    LOST = auto()
    HELD = auto()


class FaultyLink:
    """A TCP proxy on loopback in front of one address. Give a connector its `host` and `port`.

    What a client sends always arrives. What the system answers is handed on, or not:

        async with FaultyLink.to("127.0.0.1", 5432) as link:
            with link.losing_replies():
                ...  # the system works, its answer is thrown away and the connection closed
            with link.silent():
                ...  # the system works, its answer stays out
    """

    def __init__(self, host: str, port: int) -> None:
        """Use `to`."""
        self.host = "127.0.0.1"
        self.port = 0
        self.lost = 0
        """Connections on which a reply was lost."""
        self._target: Final = (host, port)
        self._replies = _Replies.PASS
        self._pass_first = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[Any]] = set()

    @classmethod
    @asynccontextmanager
    async def to(cls, host: str, port: int) -> AsyncGenerator[Self]:
        """Serve until the block ends, which closes every connection."""
        link = cls(host, port)
        server = await asyncio.start_server(link._serve, link.host, 0)
        link.port = server.sockets[0].getsockname()[1]
        try:
            yield link
        finally:
            server.close()
            for writer in tuple(link._open):
                writer.close()
            if link._serving:
                await asyncio.wait(link._serving, timeout=_CLOSING_S)

    @contextmanager
    def losing_replies(self, *, after: int = 0) -> Generator[None]:
        """Throw replies away, and close the connections they came on.

        Args:
            after: so many replies, of all connections together, pass before. What a system sends in answer to a request is one.
        """
        self._pass_first = after
        with self._treating(_Replies.LOST):
            yield

    @contextmanager
    def silent(self) -> Generator[None]:
        """Keep replies back for good."""
        with self._treating(_Replies.HELD):
            yield

    @contextmanager
    def _treating(self, replies: _Replies) -> Generator[None]:
        self._replies = replies
        try:
            yield
        finally:
            self._replies = _Replies.PASS

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        self._open.add(writer)
        try:
            answers, requests = await asyncio.open_connection(*self._target)
        except OSError:
            self._closed(writer)
            return
        self._open.add(requests)
        asked = asyncio.Event()
        asking = asyncio.create_task(_pump(reader, requests, asked), name="faulty link: requests")
        try:
            await self._answer(answers, writer, asked)
        finally:
            asking.cancel()
            self._closed(writer)
            self._closed(requests)

    async def _answer(
        self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event
    ) -> None:
        treated = _Replies.PASS
        with suppress(ConnectionError):
            while data := await answers.read(_CHUNK):
                if asked.is_set() or self._replies is not _Replies.LOST:
                    asked.clear()
                    treated = self._next()
                if treated is _Replies.LOST:
                    self.lost += 1
                    return
                if treated is _Replies.PASS:
                    writer.write(data)
                    await writer.drain()

    def _next(self) -> _Replies:
        """Say what becomes of the next reply."""
        if self._replies is _Replies.LOST and self._pass_first:
            self._pass_first -= 1
            return _Replies.PASS
        return self._replies

    def _closed(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            asked.set()
            writer.write(data)
            await writer.drain()
        writer.write_eof()
