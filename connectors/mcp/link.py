"""One session with a server, by whichever transport its settings name: opened, shaken hands, ended."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from connectors.egress import egress_of
from connectors.errors import FailedError
from connectors.http_login import SecretLogin
from connectors.http_pinned import pinned_connector
from connectors.mcp.child import Command, started
from connectors.mcp.definitions import Definition, definition_of
from connectors.mcp.failures import HandedOver
from connectors.mcp.settings import ServerSettings

if TYPE_CHECKING:
    from mcp import ClientSession

_CONNECTIONS = 100
_TOOLS = 1_000
_PAGES = 100


@asynccontextmanager
async def linked(
    name: str,
    settings: ServerSettings,
    handed_over: HandedOver,
    on_end: Callable[[], None],
    on_change: Callable[[], None],
) -> "AsyncGenerator[ClientSession]":
    """Open a session and shake hands; must be left in the task that entered it.

    What a server asks of its client - to ask a model, to ask a person, to name folders - is refused.

    Args:
        name: of the connector, for the log.
        settings: where the server is.
        handed_over: where transports leave errors for those who wait for an answer.
        on_end: called when the session can be used no longer; more than once is no harm.
        on_change: called when the server says that its tools changed.

    Raises:
        Exception: it cannot be opened, within `start_s` seconds.
    """
    from mcp import ClientSession, types

    async def heard(message: Any) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            on_change()

    async with _streams(name, settings, handed_over, on_end) as (read, write):
        me = types.Implementation(name="pointsman", version="1")
        async with ClientSession(read, write, message_handler=heard, client_info=me) as session:
            async with asyncio.timeout(settings.start_s):
                await session.initialize()
            yield session


async def listed(session: "ClientSession", within_s: float) -> list[Definition]:
    """Return the definitions of all tools that a server offers.

    Raises:
        FailedError: it does not end to name further ones.
        Exception: it does not answer.
    """
    from mcp import types

    found: list[Definition] = []
    cursor: str | None = None
    async with asyncio.timeout(within_s):
        for _ in range(_PAGES):
            page = await session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
            tools = (tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in page.tools)
            found += [definition_of(tool) for tool in tools]
            cursor = page.next_cursor
            if cursor is None:
                return found
            if len(found) > _TOOLS:
                break
    raise FailedError(f"it offers more than {_TOOLS} tools, or more than {_PAGES} pages of them")


@asynccontextmanager
async def _streams(
    name: str, settings: ServerSettings, handed_over: HandedOver, on_end: Callable[[], None]
) -> AsyncGenerator[tuple[Any, Any]]:
    if settings.url is None:
        plain = {each: said.value for each, said in settings.env.items() if said.value is not None}
        secret = {each: said.secret for each, said in settings.env.items() if said.secret is not None}
        command = Command(
            name, settings.command, settings.cwd, plain, secret, settings.start_s, settings.max_bytes
        )
        async with started(command, handed_over, on_end) as streams:
            yield streams
        return
    async with _http_streams(settings.url, settings, handed_over, on_end) as streams:
        yield streams


@asynccontextmanager
async def _http_streams(
    url: str, settings: ServerSettings, handed_over: HandedOver, on_end: Callable[[], None]
) -> AsyncGenerator[tuple[Any, Any]]:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    from connectors.mcp.wire import Wire

    connections = aiohttp.ClientSession(
        headers={"Accept-Encoding": "identity", "User-Agent": "pointsman"},
        connector=pinned_connector(egress_of(url, settings.egress), limit=_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
    )
    login = None if settings.token is None else SecretLogin(settings.token)
    async with connections:
        wire = Wire(
            connections,
            login,
            handed_over,
            on_end,
            timeout_s=settings.timeout_s,
            max_bytes=settings.max_bytes,
        )
        # Its own limit stands above ours, which drops what is too long without ending the stream.
        above = settings.max_bytes + 4096
        async with (
            httpx2.AsyncClient(transport=wire, trust_env=False) as client,
            streamable_http_client(url, http_client=client, max_sse_event_size=above) as streams,
        ):
            yield streams
