"""The contract suite's third part finds what is said wrongly at any of the moments at which something is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import pytest

from connectors.action import Call
from connectors.errors import BusyError, FailedError, InDoubtError, NotSentError
from connectors.testing import ContractError, Trial
from connectors.testing_link import FaultyLink
from connectors.testing_losses import Loss, check_each_loss
from tests.connectors.desk import DRAW, FILE, Desk, Line, Settings, desk


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
    """A careful client, which asks three times for one change."""
    async with desk.open(Settings(port=link.port)) as opened:
        opened.looks_around = True
        yield opened


@pytest.mark.parametrize("lost", ["replies", "requests"])
@pytest.mark.parametrize("trial", [DRAW, FILE])
async def test_a_careful_connector_says_what_is_true_at_each_moment(
    system: Desk, link: FaultyLink, line: Line, trial: Trial, lost: Literal["replies", "requests"]
) -> None:
    made: list[Trial] = []

    async def making() -> Trial:
        made.append(trial)
        return trial

    losses = await check_each_loss(desk, line, link, making, count=system.count, lost=lost)
    in_doubt = Loss("in doubt", 1 if lost == "replies" else 0)
    assert losses == [Loss("not happened", 0), in_doubt, Loss("done", 1)]
    # Once before, once for each loss, once without any.
    assert (len(system.drawn), len(made)) == (5, 5)


@pytest.mark.parametrize("lost", [NotSentError, BusyError])
async def test_a_connector_that_says_not_happened_of_what_happened_is_found(
    system: Desk, link: FaultyLink, line: Line, lost: Callable[[str], Exception]
) -> None:
    line.lost, line.looks_around = lost, False
    with pytest.raises(
        ContractError, match="number 0 was lost, it says: not happened, and it happened 1 times"
    ):
        await check_each_loss(desk, line, link, DRAW, count=system.count)


@pytest.mark.parametrize("lost", [FailedError, RuntimeError])
async def test_a_connector_that_calls_a_loss_something_else_is_found(
    system: Desk, link: FaultyLink, line: Line, lost: Callable[[str], Exception]
) -> None:
    line.unsent = lost
    with pytest.raises(ContractError, match="number 0 was lost, and it raised"):
        await check_each_loss(desk, line, link, DRAW, count=system.count)


async def test_a_key_that_is_not_honoured_is_found_at_the_reply_that_tells(
    system: Desk, link: FaultyLink, line: Line
) -> None:
    system.honours_keys = False
    with pytest.raises(ContractError, match=r"number 0 was lost, .* the same key gave 2, then 3"):
        await check_each_loss(desk, line, link, DRAW, count=system.count)


async def test_a_client_that_asks_again_by_itself_is_found(
    system: Desk, link: FaultyLink, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.honours_keys = False
    line.looks_around = False
    asked = line.ask

    async def stubborn(call: Call[Any], what: str) -> int:
        try:
            return await asked(call, what)
        except InDoubtError:
            return await asked(call, what)

    monkeypatch.setattr(line, "ask", stubborn)
    with pytest.raises(ContractError, match="it says: in doubt, and it happened 2 times"):
        await check_each_loss(desk, line, link, DRAW, count=system.count)


@pytest.mark.parametrize(
    ("finds", "lost", "told"),
    [(None, "replies", "finds None"), (1, "requests", "finds 1")],
)
async def test_a_reconcile_that_does_not_tell_the_truth_is_found(
    system: Desk,
    link: FaultyLink,
    line: Line,
    finds: int | None,
    lost: Literal["replies", "requests"],
    told: str,
) -> None:
    line.finds = lambda _: finds
    with pytest.raises(ContractError, match=rf"number 1 was lost, it says: in doubt, and desk\.find {told}"):
        await check_each_loss(desk, line, link, FILE, count=system.count, lost=lost)


async def test_a_count_that_sees_nothing_shows_nothing(link: FaultyLink, line: Line) -> None:
    async def blind() -> int:
        return 0

    with pytest.raises(ContractError, match="after its way out of doubt it happened 0 times"):
        await check_each_loss(desk, line, link, DRAW, count=blind)


@pytest.mark.parametrize(
    ("lost", "why"),
    [("replies", "in no doubt had it happened"), ("requests", "no request went through the link")],
)
async def test_a_system_that_is_not_behind_the_link_shows_nothing(
    system: Desk, link: FaultyLink, lost: Literal["replies", "requests"], why: str
) -> None:
    async with desk.open(Settings(port=system.address[1])) as beside:
        with pytest.raises(ContractError, match=f"{why}, so nothing is shown"):
            await check_each_loss(desk, beside, link, DRAW, count=system.count, lost=lost)


async def test_an_exchange_that_does_not_end_is_given_up(system: Desk, link: FaultyLink, line: Line) -> None:
    with pytest.raises(ContractError, match="takes more than 2 replies; give `most`"):
        await check_each_loss(desk, line, link, DRAW, count=system.count, most=2)
    assert await check_each_loss(desk, line, link, DRAW, count=system.count, most=3)


async def test_of_a_lost_request_a_system_hears_nothing_and_of_the_next_connection_everything(
    system: Desk, link: FaultyLink, line: Line
) -> None:
    reader, writer = await asyncio.open_connection(link.host, link.port)
    with link.losing_requests(after=1):
        writer.write(b"draw a\n")
        assert await reader.readline() == b"1\n"
        writer.write(b"draw b\n")
        assert await reader.read() == b""
    writer.close()
    assert (system.drawn, link.lost) == (["a"], 1)
    reader, writer = await asyncio.open_connection(link.host, link.port)
    writer.write(b"draw c\n")
    assert await reader.readline() == b"2\n"
    writer.close()
