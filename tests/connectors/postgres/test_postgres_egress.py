"""Where the host of a database leads: to no address that is not on the internet and not listed, whoever answers for its name."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.action import Call
from connectors.egress import EgressError
from connectors.errors import FailedError, NotSentError
from connectors.perform import perform
from connectors.postgres.kind import build_postgres
from connectors.postgres.settings import PostgresSettings
from tests.connectors.names import Names

READ = {
    "description": "Look up an order.",
    "sql": "SELECT order_id FROM sales.orders WHERE reference = :reference",
    "effect": "read",
    "result": "one",
    "parameters": {"reference": {"type": "string", "description": "its reference", "maxLength": 40}},
    "returns": {"order_id": {"type": "integer"}},
}


@dataclass
class Internal:
    """A server that closes each connection at once, and counts them."""

    port: int = 0
    seen: int = 0


@pytest.fixture
async def internal() -> AsyncIterator[Internal]:
    found = Internal()

    async def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.seen += 1
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


def section(internal: Internal, *, egress: tuple[str, ...] = (), **changed: Any) -> PostgresSettings:
    said = {
        "host": "db.example.com",
        "port": internal.port,
        "database": "shop",
        "user": "pointsman",
        "egress": egress,
        "statements": {"find_order": READ},
    }
    return PostgresSettings.model_validate(said | changed)


async def find(settings: PostgresSettings, times: int = 1) -> list[Exception]:
    """Return what each of several calls raised."""
    connector = build_postgres("shop", settings)
    action = connector.actions["shop.find_order"]
    raised: list[Exception] = []
    async with connector.open(settings) as client:
        for _ in range(times):
            call: Call[Any] = Call(client, key="k", timeout_s=5, tenant="acme", run_id="run")
            try:
                await perform(action, call, action.arguments.model_validate({"reference": "R-1"}))
            except (FailedError, NotSentError) as error:
                raised.append(error)
    return raised


def answering(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> Names:
    names = Names(*answers)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names.getaddrinfo)
    return names


@pytest.mark.parametrize("tls", ["verify-full", "off"])
@pytest.mark.parametrize(
    ("addresses", "egress", "kind"),
    [
        (["127.0.0.1"], (), "loopback"),
        (["127.0.0.1"], ("10.0.0.0/8",), "loopback"),
        (["10.1.2.3"], (), "private"),
        (["::ffff:127.0.0.1"], (), "loopback"),
        (["169.254.169.254"], (), "cloud metadata"),
        (["169.254.169.254"], ("169.254.0.0/16", "0.0.0.0/0"), "cloud metadata"),
        (["127.0.0.1", "169.254.169.254"], ("127.0.0.1",), "cloud metadata"),
        (["93.184.215.14", "127.0.0.1"], (), "loopback"),
    ],
)
async def test_a_name_with_an_address_that_is_not_listed_is_not_connected_to(
    internal: Internal,
    monkeypatch: pytest.MonkeyPatch,
    addresses: list[str],
    egress: tuple[str, ...],
    kind: str,
    tls: str,
) -> None:
    answering(monkeypatch, addresses)
    (error,) = await find(section(internal, egress=egress, tls=tls))
    assert isinstance(error, EgressError)
    assert error.code == "egress_refused"
    assert re.match(rf"db\.example\.com: its address \S+ is {kind}; add \S+ or its network", str(error))
    assert internal.seen == 0


async def test_a_name_that_is_rebound_is_asked_for_once_a_connection_and_refused_with_the_next(
    internal: Internal, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = answering(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    first, second = await find(section(internal, egress=("127.0.0.1",), connections=1), times=2)
    assert isinstance(first, NotSentError)
    assert isinstance(second, EgressError)
    assert internal.seen == 1
    assert names.asked == ["db.example.com"] * 2


async def test_a_host_that_is_an_address_counts_as_listed_and_so_does_this_machine(
    internal: Internal,
) -> None:
    for host in ("127.0.0.1", "localhost"):
        (error,) = await find(section(internal, host=host))
        assert isinstance(error, NotSentError)
    assert internal.seen == 2


async def test_a_name_without_an_address_means_that_nothing_was_sent(
    internal: Internal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The driver, given no host, would take the one of its environment or this machine.
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    answering(monkeypatch, [])
    (error,) = await find(section(internal))
    assert isinstance(error, NotSentError)
    assert internal.seen == 0


async def test_a_resolver_that_says_nothing_is_given_up_in_time(
    internal: Internal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: Any, **_options: Any) -> list[Any]:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", silent)
    async with asyncio.timeout(3):
        (error,) = await find(section(internal, connect_s=0.1))
    assert isinstance(error, NotSentError)
