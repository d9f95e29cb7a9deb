"""The contract suite's second part finds what it is there to find: connectors that are careless when a network fails."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from connectors import testing_faults
from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import FailedError, InDoubtError
from connectors.testing import ContractError, Trial
from connectors.testing_link import FaultyLink

SECRET = "a-long-secret-of-desks"
DRAW, FILE, PEEK = Trial("desk.draw", {}), Trial("desk.file", {"ref": "R-1"}), Trial("desk.peek", {})


class Desk:
    """A system of lines: `draw <key>` counts, and honours its key or does not; `peek` tells the count."""

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.honours_keys = True
        self.address = ("", 0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode().split():
            if line[0] == "draw" and not (self.honours_keys and line[1] in self.drawn):
                self.drawn.append(line[1])
            writer.write(f"{len(self.drawn)}\n".encode())
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
    finds: int | None = 1
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
    return await call.client.ask(call, f"draw {call.key}")


@desk.action(effect="write", reconcile="desk.find")
async def file(call: Call[Line], ref: str) -> int:
    """File a thing.

    Args:
        ref: what it is called.
    """
    return await call.client.ask(call, f"draw {call.key}-{ref}")


@desk.action(effect="read")
async def find(call: Call[Line], ref: str) -> int | None:
    """Find a thing.

    Args:
        ref: what it is called.
    """
    assert ref
    return call.client.finds


@desk.action(effect="read")
async def peek(call: Call[Line]) -> int:
    """Tell how many were drawn."""
    return await call.client.ask(call, "peek")


@pytest.fixture
async def system() -> AsyncIterator[Desk]:
    served = Desk()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.address = server.sockets[0].getsockname()
    async with server:
        yield served


@pytest.fixture
async def link(system: Desk) -> AsyncIterator[FaultyLink]:
    async with FaultyLink.to(*system.address) as opened:
        yield opened


@pytest.fixture
async def line(link: FaultyLink) -> AsyncIterator[Line]:
    async with desk.open(Settings(port=link.port)) as opened:
        yield opened


@pytest.mark.parametrize("trial", [DRAW, FILE])
async def test_a_careful_connector_passes(system: Desk, link: FaultyLink, line: Line, trial: Trial) -> None:
    await testing_faults.check_lost_reply(desk, line, link, trial, count=system.count)
    await testing_faults.check_silence(desk, line, link, trial)
    await testing_faults.check_silence(desk, line, link, PEEK)
    await testing_faults.check_secrets_stay(desk, Settings(port=link.port), link, trial)
    line.finds = None
    await testing_faults.check_nothing_found(desk, line, FILE)


async def test_a_key_that_is_not_honoured_after_a_lost_reply_is_found(
    system: Desk, link: FaultyLink, line: Line
) -> None:
    system.honours_keys = False
    with pytest.raises(ContractError, match="the same key gave 3, then 4"):
        await testing_faults.check_lost_reply(desk, line, link, DRAW, count=system.count)


async def test_a_reconcile_that_finds_nothing_is_found(system: Desk, link: FaultyLink, line: Line) -> None:
    line.finds = None
    with pytest.raises(ContractError, match=r"it happened, and desk\.find finds no trace of it"):
        await testing_faults.check_lost_reply(desk, line, link, FILE, count=system.count)


async def test_a_reconcile_that_finds_what_never_happened_is_found(line: Line) -> None:
    with pytest.raises(ContractError, match="was never performed, and it found 1"):
        await testing_faults.check_nothing_found(desk, line, FILE)


async def test_the_reply_to_be_lost_may_come_after_others(
    system: Desk, link: FaultyLink, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = line.ask

    async def peek_first(call: Call[Any], text: str) -> int:
        await asked(call, "peek")
        return await asked(call, text)

    monkeypatch.setattr(line, "ask", peek_first)
    with pytest.raises(ContractError, match="it happened 0 times, so nothing is shown"):
        await testing_faults.check_lost_reply(desk, line, link, DRAW, count=system.count)
    await testing_faults.check_lost_reply(desk, line, link, DRAW, count=system.count, after=1)


@pytest.mark.parametrize("lost", [FailedError, RuntimeError])
async def test_a_lost_reply_that_is_called_a_failure_is_found(
    system: Desk, link: FaultyLink, line: Line, lost: Callable[[str], Exception]
) -> None:
    line.lost = lost
    with pytest.raises(ContractError, match="its reply was lost, and it raised"):
        await testing_faults.check_lost_reply(desk, line, link, DRAW, count=system.count)


async def test_a_connector_that_waits_beyond_its_deadline_is_found(link: FaultyLink, line: Line) -> None:
    line.patience = 60
    with pytest.raises(ContractError, match=r"was silent for 0\.3 s, and it raised TimeoutError"):
        await testing_faults.check_silence(desk, line, link, DRAW)


def logs_it(line: Line) -> None:
    line.says = logging.getLogger("desk").debug


def tells_it(line: Line) -> None:
    line.lost = lambda why: InDoubtError(f"{why}, token {SECRET}")


@pytest.mark.parametrize("careless", [logs_it, tells_it])
async def test_a_secret_that_shows_is_found(
    link: FaultyLink, careless: Callable[[Line], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def open_carelessly(settings: Settings) -> AsyncGenerator[Line]:
        async with open_line(settings) as line:
            careless(line)
            yield line

    monkeypatch.setattr(desk, "open", open_carelessly)
    with pytest.raises(ContractError, match="a secret of its settings shows"):
        await testing_faults.check_secrets_stay(desk, Settings(port=link.port), link, DRAW)


@pytest.mark.parametrize(
    ("says_so", "told"),
    [(False, "does not say that it rehearses"), (True, "in a rehearsal it showed no request")],
)
async def test_a_connector_that_does_it_in_a_rehearsal_is_found(
    system: Desk, line: Line, monkeypatch: pytest.MonkeyPatch, says_so: bool, told: str
) -> None:
    monkeypatch.setattr(desk, "rehearses", says_so)
    settings = Settings(port=line.port)
    with pytest.raises(ContractError, match=told):
        await testing_faults.check_rehearsal(desk, line, DRAW, settings=settings, count=system.count)
