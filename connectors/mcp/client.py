"""One server kept open: its session, whether its tools are the pinned ones, and calls of them."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from connectors.errors import ActionError, FailedError, InDoubtError, NotSentError, UnusableResultError
from connectors.mcp.definitions import Definition, changed
from connectors.mcp.failures import HandedOver, rpc_error, tool_error
from connectors.mcp.link import linked, listed
from connectors.mcp.quiet import quieten
from connectors.mcp.results import Answer
from connectors.mcp.settings import ServerSettings

if TYPE_CHECKING:
    from mcp import ClientSession

_log = logging.getLogger(__name__)

_WAIT_SHARE: Final = 0.5
"""Share of a call's time that waiting for a session may take, so that the two timeouts stay distinguishable."""
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 30.0
_STEADY_S: Final = 60.0
"""A session that lasted so long was a good one: after it, the first pause is short again."""
_RELIST_S: Final = 0.2
_CLOSE_S: Final = 15.0


@asynccontextmanager
async def open_mcp(
    name: str, settings: ServerSettings, pinned: Mapping[str, Definition]
) -> AsyncGenerator["McpClient"]:
    """Keep a session with a server open; waits for nothing, and reconnects for as long as it is open.

    Args:
        name: of the connector, for messages.
        settings: where the server is.
        pinned: the definitions of the tools that may be called.
    """
    quieten()
    client = McpClient(name, settings, pinned)
    # The package's task groups must be left by the task that entered them: this one, and nobody else.
    owner = asyncio.create_task(client.keep_open(), name=f"mcp {name} session")
    try:
        yield client
    finally:
        owner.cancel()
        # It ends by itself all the same where closing takes longer.
        await asyncio.wait({owner}, timeout=_CLOSE_S)


@dataclass(slots=True)
class _Open:
    """A session that may be used now."""

    session: "ClientSession"
    changed: Mapping[str, str]
    ended: asyncio.Event = field(repr=False)


class McpClient:
    """What the actions of an MCP server call with. Get one from `open_mcp`."""

    def __init__(self, name: str, settings: ServerSettings, pinned: Mapping[str, Definition]) -> None:
        self._name = name
        self._settings = settings
        self._pinned = pinned
        self._handed_over = HandedOver()
        self._open: _Open | None = None
        self._problem = "it has not been started yet"
        self._known = asyncio.Event()
        """Clear while it is about to be known whether there is a session; calls wait for it."""

    async def call(
        self, tool: str, arguments: Mapping[str, Any], *, changes: bool, refused: bool, timeout_s: float
    ) -> Answer:
        """Call a tool and return its answer, as the protocol writes it. Calls may run beside each other.

        Args:
            tool: its name.
            arguments: JSON-like.
            changes: whether it is a write.
            refused: whether an error of the tool promises that nothing was done.
            timeout_s: seconds for all of it; no longer than the settings say.

        Raises:
            NotSentError: there is no session.
            FailedError: code `definition_changed`: the tool is no longer the pinned one, nothing was sent; any other: it
                answered an error, and is a read, or `refused`.
            InDoubtError: it was sent, and no answer came, or an error that does not say whether anything was done.
            UnusableResultError: it answered what cannot be used.
        """
        limit_s = min(timeout_s, self._settings.timeout_s)
        began = time.monotonic()
        opened = await self._opened(limit_s * _WAIT_SHARE)
        why = opened.changed.get(tool)
        if why is not None:
            message = f"{tool} is not what was reviewed: {why}. A person must review and pin it again."
            raise FailedError(message, code="definition_changed")
        left_s = max(0.1, limit_s - time.monotonic() + began)
        answer = await self._answer(opened.session, tool, arguments, left_s, changes=changes, refused=refused)
        if answer.get("isError"):
            raise tool_error(tool, answer, changes=changes, refused=refused)
        return answer

    async def _opened(self, within_s: float) -> _Open:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._known.wait()
        opened = self._open
        if opened is None or opened.ended.is_set():
            raise NotSentError(f"no session with MCP server {self._name}: {self._problem}")
        return opened

    async def _answer(
        self,
        session: "ClientSession",
        tool: str,
        arguments: Mapping[str, Any],
        within_s: float,
        *,
        changes: bool,
        refused: bool,
    ) -> Answer:
        from mcp import MCPError, types

        asked = types.CallToolRequest(
            params=types.CallToolRequestParams(name=tool, arguments=dict(arguments))
        )
        # Not `call_tool`: it validates by schemas that the server sends, and may list all tools after the effect.
        try:
            async with asyncio.timeout(within_s):
                answer = await session.send_request(asked, types.CallToolResult)
        except TimeoutError:
            raise InDoubtError(f"{tool}: no answer within {within_s:.3g} s") from None
        except MCPError as error:
            own = self._handed_over.take(error.code, error.data)
            found = own or rpc_error(tool, error.code, error.message, changes=changes, refused=refused)
        except ValidationError:  # its message would show the answer
            found = UnusableResultError(f"{tool}: its answer is no result of a tool", executed=False)
        else:
            return answer.model_dump(by_alias=True, mode="json", exclude_none=True)
        raise found

    async def keep_open(self) -> None:
        """Keep a session open until cancelled; `open_mcp` runs it."""
        pause_s = _FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            try:
                await self._one_session()
                self._problem = "it ended"
            except Exception as error:  # noqa: BLE001 - whatever keeps it from opening, it is tried again
                self._problem = self._said(error)
            finally:
                self._open = None
                self._known.set()
            if time.monotonic() - began > _STEADY_S:
                pause_s = _FIRST_PAUSE_S
            _log.warning("MCP server %s: %s; again in %.1f s", self._name, self._problem, pause_s)
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.0))  # noqa: S311 - no secret
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            self._known.clear()

    async def _one_session(self) -> None:
        ended, stale = asyncio.Event(), asyncio.Event()

        def hold() -> None:
            # Until the new list is compared, nothing is called: a change must not win the race.
            self._open = None
            self._known.clear()
            stale.set()

        async with linked(self._name, self._settings, self._handed_over, ended, hold) as session:
            while not ended.is_set():
                stale.clear()
                found = changed(self._pinned, await listed(session, self._settings.start_s))
                if stale.is_set():
                    await asyncio.sleep(
                        _RELIST_S
                    )  # a server that changes all the time is not to keep us busy
                    continue
                for tool, why in found.items():
                    _log.error("MCP server %s: tool %s is not called: %s", self._name, tool, why)
                self._open = _Open(session, found, ended)
                self._known.set()
                await _first_of(ended, stale, within_s=self._settings.recheck_s)

    def _said(self, error: Exception) -> str:
        """Return in words why there is no session; an error of ours is inside groups and the package's own."""
        from mcp import MCPError

        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, MCPError):
            own = self._handed_over.take(error.code, error.data)
            return str(own) if own is not None else f"it answers {error.message[:200]!r}"
        if isinstance(error, TimeoutError):
            return f"it does not start within {self._settings.start_s:g} s"
        if isinstance(error, ActionError):
            return str(error)
        return f"it cannot be started ({type(error).__name__})"


async def _first_of(*events: asyncio.Event, within_s: float) -> None:
    """Wait until one of the events is set, or time is up."""
    waits = [asyncio.create_task(event.wait(), name="mcp session event") for event in events]
    try:
        await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
