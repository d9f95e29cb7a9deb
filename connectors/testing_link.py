"""A link to a system on which replies and requests can get lost or stay out: what networks do, at a chosen moment. For tests."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from enum import Enum, auto
from typing import Any, Final, Self

_CHUNK: Final = 65_536
_CLOSING_S: Final = 5.0


class _Fate(Enum):
    PASS = auto()
    LOST = auto()
    HELD = auto()


class FaultyLink:
    """A TCP proxy on loopback in front of one address. Give a connector its `host` and `port`.

    What a client sends and what the system answers is handed on, or not:

        async with FaultyLink.to("127.0.0.1", 5432) as link:
            with link.losing_replies():
                ...  # the system works, its answer is thrown away and the connection closed
            with link.losing_requests():
                ...  # the system hears nothing but that the connection is closed
            with link.silent():
                ...  # the system works, its answer stays out

    What a system sends in answer to a request is one reply, and what a client sends before it is answered is one request. They
    are counted over all connections, and in packets: protocols that are encrypted are counted alike.
    """

    def __init__(self, host: str, port: int) -> None:
        """Use `to`."""
        self.host = "127.0.0.1"
        self.port = 0
        self.lost = 0
        """Connections on which a reply or a request was lost."""
        self._target: Final = (host, port)
        self._replies = _Turns()
        self._requests = _Turns()
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
        """Throw replies away, and close the connections they came on; so many of them pass before."""
        with self._replies.being(_Fate.LOST, after):
            yield

    @contextmanager
    def losing_requests(self, *, after: int = 0) -> Generator[None]:
        """Throw requests away, and close the connections they came on; so many of them pass before."""
        with self._requests.being(_Fate.LOST, after):
            yield

    @contextmanager
    def silent(self, *, after: int = 0) -> Generator[None]:
        """Keep replies back for good; so many of them pass before."""
        with self._replies.being(_Fate.HELD, after):
            yield

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
        asked, answered = asyncio.Event(), asyncio.Event()
        answered.set()
        asking = asyncio.create_task(
            self._pump(self._requests, (reader, requests), begins=answered, ends=asked),
            name="faulty link: requests",
        )
        try:
            await self._pump(self._replies, (answers, writer), begins=asked, ends=answered)
        finally:
            asking.cancel()
            self._closed(writer)
            self._closed(requests)

    async def _pump(
        self,
        turns: "_Turns",
        way: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        *,
        begins: asyncio.Event,
        ends: asyncio.Event,
    ) -> None:
        """Hand on what comes one way.

        Args:
            turns: says what becomes of it.
            way: from where, and where to.
            begins: is set where what comes next is a new turn, because the other side has spoken.
            ends: is to be set when something came.
        """
        reader, writer = way
        fate = _Fate.PASS
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                fate = turns.fate(fate, begins=begins.is_set())
                begins.clear()
                ends.set()
                if fate is _Fate.LOST:
                    self.lost += 1
                    self._closed(writer)
                    return
                if fate is _Fate.PASS:
                    writer.write(data)
                    await writer.drain()
            writer.write_eof()

    def _closed(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        writer.close()


class _Turns:
    """What becomes of replies, or of requests."""

    def __init__(self) -> None:
        self._fate = _Fate.PASS
        self._after = self._left = 0

    @contextmanager
    def being(self, fate: _Fate, after: int) -> Generator[None]:
        self._fate, self._after, self._left = fate, after, after
        try:
            yield
        finally:
            self._fate = _Fate.PASS

    def fate(self, before: _Fate, *, begins: bool) -> _Fate:
        """Return what becomes of a packet: `before` is what became of the one before it, `begins` whether a turn begins with it."""
        if self._fate is _Fate.PASS:
            return _Fate.PASS
        whole = self._fate is _Fate.HELD and not self._after
        if not begins and not whole:
            return before
        if self._left:
            self._left -= 1
            return _Fate.PASS
        return self._fate
