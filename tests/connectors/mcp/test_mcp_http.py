"""Streamable HTTP: each way in which a request fails says what is known of its effect, and befalls no other request."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from connectors import testing
from connectors import testing_faults as faults
from connectors.egress import EgressError
from connectors.errors import (
    ActionError,
    BusyError,
    FailedError,
    InDoubtError,
    NotSentError,
    UnusableResultError,
)
from connectors.mcp.client import open_mcp
from connectors.mcp.definitions import Snapshot
from connectors.mcp.kind import build_mcp
from connectors.mcp.settings import McpSettings
from connectors.mcp.snapshot import snapshot
from connectors.secret import Secret
from connectors.testing_link import FaultyLink
from tests.connectors.mcp.asking import Asked, opened, pinned
from tests.connectors.mcp.http_server import FAULTS, TOOLS, HttpServer, served

OFFERED = Snapshot("", TOOLS)


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with served() as running:
        yield running


@pytest.fixture
def settings(server: HttpServer, tmp_path: Path) -> McpSettings:
    tools: dict[str, Any] = {
        name: {"tool": name, "effect": "write", "idempotency": "natural"} for name in FAULTS
    }
    tools["order"] = {
        "tool": "order",
        "effect": "write",
        "idempotency": "provider-key",
        "key_argument": "key",
        "window": "24h",
    }
    tools["note"] = {
        "tool": "order",
        "effect": "write",
        "idempotency": "none",
        "reconcile": "shop.found",
        "fixed": {"key": "k"},
    }
    tools["found"] = {"tool": "orders", "effect": "read", "fields": {"found": {}}}
    return McpSettings.model_validate(
        {
            "url": server.url,
            "definitions": pinned(tmp_path, OFFERED),
            "tools": tools,
            "timeout_s": 2,
            "max_bytes": 10_000,
        }
    )


@pytest.fixture
async def shop(settings: McpSettings) -> AsyncIterator[Asked]:
    async with opened("shop", settings) as asked:
        yield asked


@pytest.mark.parametrize(
    ("tool", "kind", "says"),
    [
        ("busy", BusyError, "HTTP 503"),
        ("broken", InDoubtError, "HTTP 500"),
        ("moved", FailedError, "HTTP 307: it leads to '.*/other', and no redirect is followed"),
        ("elsewhere", FailedError, "HTTP 307"),
        ("missing", FailedError, "no such method"),
        ("invalid", InDoubtError, "no such order"),
        ("huge", UnusableResultError, "more than 10000 bytes"),
        ("huge_stream", UnusableResultError, "more than 10000 bytes"),
        ("cut", InDoubtError, "no answer"),
        ("no_json", UnusableResultError, "no JSON-RPC message"),
        ("packed", UnusableResultError, "no JSON-RPC message"),
        ("text", InDoubtError, "Unexpected content type"),
        ("accepted", InDoubtError, "202"),
        ("silent", InDoubtError, "no answer within"),
        ("stranger", InDoubtError, "not sent"),
        ("forgotten", NotSentError, "no longer knows the session"),
        ("no_result", UnusableResultError, "no result of a tool"),
    ],
)
async def test_a_failure_says_what_is_known_and_the_next_call_is_fine(
    shop: Asked, server: HttpServer, tool: str, kind: type[ActionError], says: str
) -> None:
    assert await shop("fine", {"ref": "A-1"}) == {"text": "A-1"}
    with pytest.raises(ActionError, match=says) as error:
        await shop(tool, {"ref": "A-2"})
    assert type(error.value) is kind
    assert "CANARY" not in str(error.value)
    assert server.seen.count(tool) == 1  # nothing is sent a second time
    assert await shop("stream", {"ref": "A-3"}) == {"text": "A-3"}


async def test_a_failure_befalls_no_other_call_under_way(shop: Asked) -> None:
    wrong = ("busy", "broken", "huge", "cut", "no_json", "silent")
    calls = [shop(tool, {"ref": "A-1"}) for tool in wrong] + [
        shop("stream", {"ref": f"A-{n}"}) for n in range(20)
    ]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(each, ActionError) for each in ended[: len(wrong)])
    assert ended[len(wrong) :] == [{"text": f"A-{n}"} for n in range(20)]


async def test_a_server_that_does_not_hear_of_a_cancelled_call_delays_no_other(
    shop: Asked, server: HttpServer
) -> None:
    await shop("fine", {"ref": "A-1"})
    server.deaf = True
    with pytest.raises(InDoubtError):
        await shop("silent", {"ref": "A-1"}, timeout_s=0.1)
    async with asyncio.timeout(10):
        while "notifications/cancelled" not in server.seen:
            await asyncio.sleep(0.01)
    assert await shop("fine", {"ref": "A-2"}, timeout_s=1) == {"text": "A-2"}


async def test_calls_after_each_other_share_connections_also_where_answers_are_streams(
    shop: Asked, server: HttpServer
) -> None:
    await shop("fine", {"ref": "A-1"})
    before = len(server.connections)
    for number in range(20):
        await shop("stream", {"ref": f"A-{number}"})
        # The end of an answer comes after it, and a call does not wait for that: let it come before the next one.
        for _ in range(100):
            await asyncio.sleep(0)
    # Without sharing each call would have had a connection of its own.
    assert len(server.connections) < before + 20


async def test_arguments_that_json_cannot_say_are_refused_before_anything_is_sent(
    settings: McpSettings, server: HttpServer
) -> None:
    async with open_mcp("shop", settings, OFFERED.tools) as client:
        with pytest.raises(FailedError) as error:
            await client.call("fine", {"ref": "\ud800"}, changes=True, refused=False, timeout_s=5)
    assert error.value.code == "invalid_arguments"
    assert "fine" not in server.seen


async def test_the_wait_that_a_busy_server_asks_for_is_handed_on(shop: Asked) -> None:
    with pytest.raises(BusyError) as error:
        await shop("busy", {"ref": "A-1"})
    assert error.value.retry_after_s == 7


async def test_a_session_that_the_server_forgot_is_opened_anew_and_nothing_was_sent(
    shop: Asked, server: HttpServer
) -> None:
    await shop("fine", {"ref": "A-1"})
    server.known.clear()
    with pytest.raises(NotSentError, match="HTTP 404: the server no longer knows the session"):
        await shop("fine", {"ref": "A-2"})
    assert await shop("fine", {"ref": "A-3"}) == {"text": "A-3"}
    assert (server.sessions, server.seen.count("fine")) == (2, 2)


async def test_where_nobody_listens_nothing_was_sent(settings: McpSettings, tmp_path: Path) -> None:
    nowhere = settings.model_copy(update={"url": "http://127.0.0.1:9/mcp"})
    trial = testing.Trial("shop.fine", {"ref": "A-1"})
    await testing.check_unreachable(build_mcp("shop", nowhere), nowhere, trial)


async def test_a_name_that_leads_inside_is_connected_to_only_if_its_address_is_listed(
    settings: McpSettings, server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def to_loopback(_: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
        ]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", to_loopback)
    named = settings.model_copy(update={"url": server.url.replace("127.0.0.1", "shop.example")})
    async with opened("shop", named) as shop:
        with pytest.raises(EgressError, match=r"its address 127\.0\.0\.1 is loopback"):
            await shop("fine", {"ref": "A-1"})
    assert (server.sessions, server.seen) == (0, [])
    async with opened("shop", named.model_copy(update={"egress": ("127.0.0.0/8",)})) as shop:
        assert await shop("fine", {"ref": "A-1"}) == {"text": "A-1"}


async def test_it_passes_the_contract_suite_when_the_network_fails(
    settings: McpSettings, server: HttpServer
) -> None:
    async def orders() -> int:
        return len(server.orders)

    server.token = "a-token-that-nobody-may-see"
    connector = build_mcp("shop", settings)
    testing.check_declarations(connector)
    order = testing.Trial("shop.order", {"ref": "A-1"})
    port = int(server.url.split(":")[2].partition("/")[0])
    async with FaultyLink.to("127.0.0.1", port) as link:
        url = server.url.replace(str(port), str(link.port))
        linked = settings.model_copy(update={"url": url, "token": SecretStr(server.token)})
        async with connector.open(linked) as client:
            await faults.check_lost_reply(connector, client, link, order, count=orders)
            await faults.check_silence(connector, client, link, order)
            await faults.check_silence(connector, client, link, testing.Trial("shop.found", {"ref": "A-1"}))
            await faults.check_nothing_found(connector, client, testing.Trial("shop.note", {"ref": "Z-9"}))
            await faults.check_too_large(connector, client, testing.Trial("shop.huge", {"ref": "A-1"}))
            await faults.check_rehearsal(connector, client, order, settings=linked, count=orders)
            missing = testing.Trial("shop.missing", {"ref": "A-1"})
            await faults.check_refused(connector, client, missing, code="method_not_found")
        await faults.check_secrets_stay(connector, linked, link, order)
        assert link.lost > 0


class Rotating:
    """A source whose value changes when it is refused."""

    reference = "{env: SHOP_TOKEN}"

    def __init__(self, *values: str) -> None:
        self.values = list(values)

    async def fetch(self) -> str:
        return self.values[0]

    def at_hand(self) -> str:
        return self.values[0]

    def forget(self) -> None:
        self.values.pop(0)


async def test_a_token_that_was_rotated_is_fetched_and_sent_once_more(
    settings: McpSettings, server: HttpServer
) -> None:
    server.token = "first"
    secret = Secret(Rotating("first", "second"))
    async with opened("shop", settings.model_copy(update={"token": secret})) as shop:
        assert await shop("fine", {"ref": "A-1"}) == {"text": "A-1"}
        server.token = "second"
        assert await shop("fine", {"ref": "A-2"}) == {"text": "A-2"}
    assert server.seen.count("fine") == 2


async def test_a_refused_token_is_said_without_the_token(settings: McpSettings, server: HttpServer) -> None:
    server.token = "right"
    async with opened("shop", settings.model_copy(update={"token": SecretStr("wrong-one")})) as shop:
        with pytest.raises(NotSentError, match="HTTP 401: the server refuses the token") as error:
            await shop("fine", {"ref": "A-1"})
    assert "wrong-one" not in str(error.value)


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything at DEBUG, with the protocol's loggers as they were before anybody silenced them."""
    names = ("mcp", "client", "httpx2")
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.NOTSET)
    with caplog.at_level(logging.DEBUG):
        yield caplog
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


async def test_the_protocols_client_would_log_payloads_and_is_silenced(
    settings: McpSettings, heard: pytest.LogCaptureFixture
) -> None:
    async with open_mcp("shop", settings, OFFERED.tools) as client:
        logging.getLogger("mcp").setLevel(logging.NOTSET)
        await client.call("fine", {"ref": "PAYLOAD-1"}, changes=False, refused=False, timeout_s=5)
    assert "PAYLOAD-1" in heard.text
    heard.clear()
    async with opened("shop", settings) as shop:
        await shop("fine", {"ref": "PAYLOAD-2"})
        for tool in ("no_json", "no_result", "huge_stream"):
            with pytest.raises(ActionError):
                await shop(tool, {"ref": "PAYLOAD-2"})
    assert "PAYLOAD-2" not in heard.text
    assert "CANARY" not in heard.text


async def test_a_snapshot_is_what_the_server_offers(settings: McpSettings) -> None:
    assert await snapshot("shop", settings) == Snapshot("faults 1", OFFERED.tools)


async def test_a_snapshot_of_nobody_is_an_error_that_says_so(settings: McpSettings) -> None:
    nowhere = settings.model_copy(update={"url": "http://127.0.0.1:9/mcp"})
    with pytest.raises(NotSentError, match=r"MCP server shop does not tell its tools: .*no connection"):
        await snapshot("shop", nowhere)
