"""The HTTP client against real servers on loopback, which play what is internal: nothing may arrive at them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
from aiohttp import web

from connectors.egress import EgressError
from connectors.errors import FailedError
from connectors.http import HttpClient, open_http
from tests.connectors.names import Names


@dataclass
class Internal:
    """A server that must not be reached; it notes who did."""

    port: int = 0
    seen: list[str] = field(default_factory=list[str])


@asynccontextmanager
async def internal(address: str = "127.0.0.1", *, location: str | None = None) -> AsyncGenerator[Internal]:
    found = Internal()

    async def note(request: web.Request) -> web.Response:
        found.seen.append(request.raw_path)
        headers = {"Connection": "close"} if location is None else {"Location": location}
        return web.json_response({"secret": 1}, status=200 if location is None else 302, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", note)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, address, 0).start()
    found.port = runner.addresses[0][1]
    try:
        yield found
    finally:
        await runner.cleanup()


SPELLINGS = [
    "http://127.0.0.1:{port}",
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}",
    "http://127.0.1:{port}",
    "http://2130706433:{port}",
    "http://0x7f000001:{port}",
    "http://0x7f.0.0.1:{port}",
    "http://0X7F.1:{port}",
    "http://017700000001:{port}",
    "http://0177.0.0.1:{port}",
    "http://127.0.0.01:{port}",
    "http://127.0.0.1.:{port}",
    "http://127.0.0.1..:{port}",
    "http://0:{port}",
    "http://0.0.0.0:{port}",
    "http://[::]:{port}",
    "http://[::1]:{port}",
    "http://[::ffff:127.0.0.1]:{port}",
    "http://[::ffff:7f00:1]:{port}",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}",
    "http://[::127.0.0.1]:{port}",
    "http://[64:ff9b::127.0.0.1]:{port}",
    "http://[2002:7f00:1::]:{port}",
    "http://[::1%25lo]:{port}",
    "http://[::1%lo]:{port}",
    "http://localhost:{port}",
    "http://LocalHost:{port}",
    "http://localhost.:{port}",
    "http://localhost.localdomain:{port}",
    "http://ip6-localhost:{port}",
    "http://erp.example.com@127.0.0.1:{port}",
    "http://erp.example.com:80@127.0.0.1:{port}",
    "http://erp.example.com%40127.0.0.1:{port}",
    "http://erp.example.com\\@127.0.0.1:{port}",
    "http://127.0.0.1:{port}\\@erp.example.com",
    "http://127.0.0.1:{port}#@erp.example.com",
    "http://127.0.0.1:{port}?@erp.example.com",
    "http://127%2e0%2e0%2e1:{port}",
    "http://127.0.0.1%00.erp.example.com:{port}",
    "http://127\t.0.0.1:{port}",
    "http://127.0.0.1\n:{port}",
    " http://127.0.0.1:{port}",
    "http:///127.0.0.1:{port}",
    "http:127.0.0.1:{port}",
    "//127.0.0.1:{port}",
    "HTTP://127.0.0.1:{port}",
    "http://①②⑦.⓪.⓪.①:{port}",
    "http://１２７.0.0.1:{port}",  # noqa: RUF001 - the same
    "http://127。0。0。1:{port}",
    "http://ｌocalhost:{port}",  # noqa: RUF001 - the same
    "http://lоcalhost:{port}",  # noqa: RUF001 - a Cyrillic letter
    "http://xn--lcalhost-54g:{port}",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_",
    "unix:///var/run/docker.sock",
    "http://169.254.169.254/latest/meta-data",
    "http://metadata.google.internal",
    "http://[fd00:ec2::254]",
    "http://100.100.100.200",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_however_an_address_is_spelled_it_is_not_reached(spelling: str) -> None:
    async with (
        internal() as server,
        internal("::1") as server6,
        open_http("http://erp.example.com") as client,
    ):
        for port in (server.port, server6.port):
            with pytest.raises(FailedError) as refused:
                await client.at(spelling.format(port=port)).post("orders", body={"a": 1})
            assert refused.value.code == "egress_refused"
        assert server.seen + server6.seen == []


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["fe80::1%lo"],
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
    ],
)
async def test_what_a_name_resolves_to_is_not_trusted(answer: list[str]) -> None:
    async with (
        internal() as server,
        open_http(f"http://erp.example.com:{server.port}", resolver=Names(answer)) as client,
    ):
        with pytest.raises(FailedError, match=r"erp\.example\.com: its address") as refused:
            await client.post("orders", body={"a": 1})

    assert refused.value.code == "egress_refused"
    assert server.seen == []


@pytest.mark.parametrize("listed", [["127.0.0.0/8"], ["127.0.0.1"], ["127.0.0.1/32"]])
async def test_a_name_that_leads_inside_is_reached_once_its_network_is_listed(listed: list[str]) -> None:
    async with (
        internal() as server,
        open_http(
            f"http://erp.example.com:{server.port}", egress=listed, resolver=Names(["127.0.0.1"])
        ) as client,
    ):
        assert await client.get("orders") == {"secret": 1}


async def test_localhost_needs_no_listing_where_the_operator_wrote_it() -> None:
    async with internal() as server, open_http(f"http://localhost:{server.port}") as client:
        assert await client.get("orders") == {"secret": 1}


async def test_another_listed_host_is_reached_with_the_same_token_and_one_that_is_not_is_not() -> None:
    async with internal() as server, internal() as other:
        names, listed = Names(["127.0.0.1"]), ["127.0.0.1", f"eu.example.com:{other.port}"]
        async with open_http(
            f"http://erp.example.com:{server.port}", egress=listed, resolver=names
        ) as client:
            assert await client.at(f"http://eu.example.com:{other.port}/v2").get("orders") == {"secret": 1}
            with pytest.raises(EgressError, match="not on the egress list"):
                client.at(f"http://us.example.com:{other.port}")

    assert (server.seen, other.seen) == ([], ["/v2/orders"])


async def test_a_redirect_to_an_internal_address_is_not_followed() -> None:
    async with (
        internal("127.0.0.2") as inside,
        internal(location=f"http://127.0.0.2:{inside.port}/admin") as outside,
        open_http(f"http://127.0.0.1:{outside.port}") as client,
    ):
        with pytest.raises(FailedError, match="HTTP 302"):
            await client.get("orders")

    assert (outside.seen, inside.seen) == (["/orders"], [])


async def test_the_address_that_was_checked_is_the_one_that_is_connected_to() -> None:
    """DNS rebinding: the second answer leads elsewhere. It is not asked for between check and connection."""
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with internal() as allowed:
        base_url = f"http://erp.example.com:{allowed.port}"
        async with open_http(base_url, egress=["127.0.0.1"], resolver=names) as client:
            assert await client.get("orders") == {"secret": 1}
    assert names.asked == ["erp.example.com"]


async def test_a_name_that_is_rebound_later_is_refused_with_the_next_connection() -> None:
    names = Names(["127.0.0.1"], ["127.0.0.2"])
    async with internal() as allowed, internal("127.0.0.2") as inside:
        base_url = f"http://erp.example.com:{allowed.port}"
        async with open_http(base_url, egress=["127.0.0.1"], resolver=names) as client:
            await client.get("orders")
            forget_names(client)
            with pytest.raises(EgressError, match=r"127\.0\.0\.2 is loopback"):
                await client.post("orders", body={})
    assert (allowed.seen, inside.seen) == (["/orders"], [])
    assert len(names.asked) == 2


async def test_a_socket_is_checked_even_where_no_name_was_resolved() -> None:
    """aiohttp asks no resolver for a host that is an address."""
    async with internal() as server, open_http("http://erp.example.com") as client:
        around = HttpClient(replace(client._wire, base_url=f"http://127.0.0.1:{server.port}"))  # pyright: ignore[reportPrivateUsage] - past every other check
        with pytest.raises(EgressError, match="loopback"):
            await around.get("orders")
    assert server.seen == []


async def test_many_who_wait_for_the_same_name_are_all_refused() -> None:
    async with open_http("http://erp.example.com", resolver=Names(["10.0.0.1"])) as client:
        ends = await asyncio.gather(*(client.get("x") for _ in range(20)), return_exceptions=True)
    assert all(isinstance(end, EgressError) for end in ends)


def forget_names(client: HttpClient) -> None:
    """Let the pool's short memory of names end."""
    connector = client._wire.session.connector  # pyright: ignore[reportPrivateUsage] - nothing else ends it without waiting
    assert isinstance(connector, aiohttp.TCPConnector)
    connector.clear_dns_cache()
