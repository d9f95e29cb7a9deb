"""The contract suite's second part finds what it is there to find: connectors that are careless when a network fails."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from connectors import testing_faults
from connectors.errors import FailedError, InDoubtError, NotSentError
from connectors.testing import ContractError, Trial
from connectors.testing_link import FaultyLink
from tests.connectors.desk import DRAW, FILE, PEEK, SECRET, Desk, Line, Settings, desk, open_line


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
    await testing_faults.check_nothing_found(desk, line, FILE)


async def test_a_key_that_is_not_honoured_after_a_lost_reply_is_found(
    system: Desk, link: FaultyLink, line: Line
) -> None:
    system.honours_keys = False
    with pytest.raises(ContractError, match="the same key gave 3, then 4"):
        await testing_faults.check_lost_reply(desk, line, link, DRAW, count=system.count)


async def test_a_reconcile_that_finds_nothing_is_found(system: Desk, link: FaultyLink, line: Line) -> None:
    line.finds = lambda _: None
    with pytest.raises(ContractError, match=r"it happened, and desk\.find finds no trace of it"):
        await testing_faults.check_lost_reply(desk, line, link, FILE, count=system.count)


async def test_a_reconcile_that_finds_what_never_happened_is_found(line: Line) -> None:
    line.finds = lambda _: 1
    with pytest.raises(ContractError, match="was never performed, and it found 1"):
        await testing_faults.check_nothing_found(desk, line, FILE)


async def test_the_reply_to_be_lost_or_kept_back_may_come_after_others(
    system: Desk, link: FaultyLink, line: Line
) -> None:
    line.looks_around, line.unsent = True, InDoubtError
    with pytest.raises(ContractError, match="it happened 0 times, so nothing is shown"):
        await testing_faults.check_lost_reply(desk, line, link, DRAW, count=system.count)
    await testing_faults.check_lost_reply(desk, line, link, DRAW, count=system.count, after=1)
    line.unsent = NotSentError
    with pytest.raises(ContractError, match=r"was silent for 0\.3 s, and it raised NotSentError"):
        await testing_faults.check_silence(desk, line, link, DRAW)
    await testing_faults.check_silence(desk, line, link, DRAW, after=1)


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
