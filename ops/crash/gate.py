"""The gate: workers are let through it call by call, and the one that a point chooses is struck there."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from calls import Call, Server, call_of
from kafka_requests import commits, last_of
from line import Chosen, Line
from points import Moment, Point

Strike = Callable[[], Awaitable[bool]]
"""Strikes; says whether the worker lives and goes on."""


class Gate:
    """Told of every call of one worker at a time.

    Args:
        lines: to the servers, on which answers can be lost.
    """

    def __init__(self, lines: Mapping[Server, Line]) -> None:
        self.port = 0
        self._lines = lines
        self._point: Point | None = None
        self._strike: Strike | None = None
        self._seen: Counter[str] = Counter()
        self.calls: list[str] = []
        """Those that began since `watch`, in order."""
        self.struck = asyncio.Event()

    def watch(self, point: Point | None = None, strike: Strike | None = None) -> None:
        """Forget all calls so far, and strike at a point."""
        self._point, self._strike = point, strike
        self._seen.clear()
        self.calls = []
        self.struck = asyncio.Event()
        for line in self._lines.values():
            line.disarm()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let one worker through until it has ended."""
        chosen: int | None = None
        try:
            while line := await reader.readline():
                said: dict[str, Any] = json.loads(line)
                lives = True
                if "begins" in said:
                    call = call_of(said["call"])
                    if self._is_point(call):
                        chosen = said["begins"]
                        lives = await self._begins(call)
                elif said["ended"] == chosen and self._moment() == "after":
                    lives = await self._struck()
                if not lives:
                    return
                writer.write(b"\n")
                await writer.drain()
        except OSError:
            pass  # it was killed
        finally:
            writer.close()

    def _is_point(self, call: Call) -> bool:
        """Take note that a call begins; returns whether it is the one that the point names."""
        self.calls += call.names
        self._seen.update(call.names)
        point = self._point
        return point is not None and point.call in call.names and self._seen[point.call] == point.nth

    async def _begins(self, call: Call) -> bool:
        """Strike before the call that the point names, or see to it that its answer is lost."""
        if self._moment() == "before":
            return await self._struck()
        if self._moment() == "during":
            self._lines[call.server].lose_answer(_telling(call), self._struck)
        return True

    def _moment(self) -> Moment | None:
        return self._point.moment if self._point is not None else None

    async def _struck(self) -> bool:
        strike, self._strike, self._point = self._strike, None, None
        assert strike is not None
        try:
            return await strike()
        finally:
            self.struck.set()


def _telling(call: Call) -> Chosen:
    """Return what tells the request of a call on its line, where others may come between."""
    if call.server == "kafka":
        return last_of(call.records) if call.records else commits
    mark = call.mark.encode()
    return lambda request: mark in request


@asynccontextmanager
async def open_gate(lines: Mapping[Server, Line]) -> AsyncGenerator[Gate]:
    """Open a gate on a free port while the block runs."""
    gate = Gate(lines)
    server = await asyncio.start_server(gate.serve, "127.0.0.1", 0)
    gate.port = server.sockets[0].getsockname()[1]
    try:
        yield gate
    finally:
        server.close()
