"""A system of tickets, spoken to in lines, and a connector of it that is as careless as a test says."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, SecretStr

from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import InDoubtError, NotSentError
from connectors.testing import Trial

SECRET = "a-long-secret-of-desks"
DRAW, FILE, PEEK = Trial("desk.draw", {}), Trial("desk.file", {"ref": "R-1"}), Trial("desk.peek", {})


class Desk:
    """A system of lines: `draw <key>` counts, and honours its key or does not; `peek` tells the count, `seek <key>` its own."""

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.honours_keys = True
        self.address = ("", 0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode().split():
            if line[0] == "draw" and not (self.honours_keys and line[1] in self.drawn):
                self.drawn.append(line[1])
            seen = self.drawn.count(line[1]) if line[0] == "seek" else len(self.drawn)
            writer.write(f"{seen}\n".encode())
            await writer.drain()
        writer.close()

    async def count(self) -> int:
        return len(self.drawn)


class Settings(BaseModel):
    port: int
    token: SecretStr = SecretStr(SECRET)


@dataclass
class Line:
    """A client that is as careless as a test says."""

    port: int
    token: str = field(repr=False)
    patience: float | None = None
    lost: Callable[[str], Exception] = InDoubtError
    says: Callable[[str], None] = field(default=lambda _: None, repr=False)
    finds: Callable[[int], int | None] = lambda seen: seen or None
    looks_around: bool = False
    """Whether it asks something before each change and something after it."""
    unsent: Callable[[str], Exception] = NotSentError
    reader: Any = field(default=None, repr=False)
    writer: Any = field(default=None, repr=False)

    async def ask(self, call: Call[Any], line: str) -> int:
        self.says(self.token)
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(f"{line}\n".encode())
        try:
            async with asyncio.timeout(self.patience or call.timeout_s):
                answer = await self.reader.readline()
        except TimeoutError:
            answer = b""
        if not answer:
            self.writer.close()
            self.writer = None
            raise self.lost("no answer")
        return int(answer)

    async def change(self, call: Call[Any], line: str) -> int:
        if not self.looks_around:
            return await self.ask(call, line)
        try:
            await self.ask(call, "peek")
        except InDoubtError:
            raise self.unsent("nobody there") from None
        result = await self.ask(call, line)
        with suppress(InDoubtError):
            await self.ask(call, "peek")
        return result


@asynccontextmanager
async def open_line(settings: Settings) -> AsyncGenerator[Line]:
    line = Line(settings.port, settings.token.get_secret_value())
    yield line
    if line.writer is not None:
        line.writer.close()


desk = Connector[Line]("desk", "Tickets.", settings=Settings, open=open_line)


@desk.action(effect="write", idempotency="provider-key", window="24h")
async def draw(call: Call[Line]) -> int:
    """Draw a ticket."""
    return await call.client.change(call, f"draw {call.key}")


@desk.action(effect="write", reconcile="desk.find")
async def file(call: Call[Line], ref: str) -> int:
    """File a thing.

    Args:
        ref: what it is called.
    """
    return await call.client.change(call, f"draw {call.key}-{ref}")


@desk.action(effect="read")
async def find(call: Call[Line], ref: str) -> int | None:
    """Find a thing.

    Args:
        ref: what it is called.
    """
    return call.client.finds(await call.client.ask(call, f"seek {call.key}-{ref}"))


@desk.action(effect="read")
async def peek(call: Call[Line]) -> int:
    """Tell how many were drawn."""
    return await call.client.ask(call, "peek")
