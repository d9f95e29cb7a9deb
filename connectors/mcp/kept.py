"""A session with one server that is kept open, and whether the server's tools are the pinned ones."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connectors.egress import EgressError
from connectors.errors import ActionError, NotSentError
from connectors.mcp.definitions import Definition, changed
from connectors.mcp.failures import HandedOver
from connectors.mcp.link import linked, listed
from connectors.mcp.settings import ServerSettings

if TYPE_CHECKING:
    from mcp import ClientSession

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S: Final = 0.2
_WAITED_OUT_S: Final = 1.0
"""Calls wait for the end of a pause that is no longer, and fail at once in a longer one."""
_LONGEST_PAUSE_S: Final = 30.0
_STEADY_S: Final = 60.0
"""A session that lasted so long was a good one: after it, the first pause is short again."""
_RELIST_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that may be used now.

    Attributes:
        session: of the `mcp` package; any task may send requests through it.
        changed: the pinned tools that are no longer as they were, with what changed.
        recheck: has it tried whether the server still answers; calls wait until that is known.
    """

    session: "ClientSession"
    changed: Mapping[str, str]
    recheck: Callable[[], None]


class KeptSession:
    """Opens a session, compares the tools, and opens another when it ends. One task runs `keep_open`, others wait.

    Args:
        name: of the connector, for messages.
        settings: where the server is.
        pinned: the definitions of the tools that may be called.
        handed_over: where transports leave errors for those who wait for an answer.
    """

    def __init__(
        self,
        name: str,
        settings: ServerSettings,
        pinned: Mapping[str, Definition],
        handed_over: HandedOver,
    ) -> None:
        self._name = name
        self._settings = settings
        self._pinned = pinned
        self._handed_over = handed_over
        self._opened: Opened | None = None
        self._problem = "it has not been started yet"
        self._refused: EgressError | None = None
        self._known = asyncio.Event()
        """Clear while it is about to be known whether there is a session."""

    async def opened(self, within_s: float) -> Opened:
        """Return the session.

        Raises:
            NotSentError: there is none, or none within that many seconds.
            EgressError: there is none because the egress list does not allow it.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._known.wait()
        if self._opened is not None:
            return self._opened
        if self._refused is not None:
            raise EgressError(self._refused.host, f"MCP server {self._name}: {self._problem}")
        raise NotSentError(f"no session with MCP server {self._name}: {self._problem}")

    async def keep_open(self) -> None:
        """Keep a session open until cancelled."""
        pause_s = _FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            try:
                await self._one_session()
                self._problem = "it ended"
            except Exception as error:  # noqa: BLE001 - whatever keeps it from opening, it is tried again
                self._problem = self._said(error)
            finally:
                self._hold()
            if time.monotonic() - began > _STEADY_S:
                pause_s = _FIRST_PAUSE_S
            _log.warning("MCP server %s: %s; again in %.1f s", self._name, self._problem, pause_s)
            if pause_s > _WAITED_OUT_S:
                self._known.set()
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.0))  # noqa: S311 - no secret
            self._known.clear()
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _one_session(self) -> None:
        ended, stale = asyncio.Event(), asyncio.Event()

        def end() -> None:
            self._hold()
            ended.set()

        def outdate() -> None:
            # Until the new list is compared, nothing is called: a change must not win the race.
            self._hold()
            stale.set()

        async with linked(self._name, self._settings, self._handed_over, end, outdate) as session:
            while not ended.is_set():
                stale.clear()
                found = changed(self._pinned, await listed(session, self._settings.timeout_s))
                if stale.is_set() or ended.is_set():
                    await asyncio.sleep(
                        _RELIST_S
                    )  # a server that changes all the time is not to keep us busy
                    continue
                for tool, why in found.items():
                    _log.error("MCP server %s: tool %s is not called: %s", self._name, tool, why)
                self._refused = None
                self._opened = Opened(session, found, outdate)
                self._known.set()
                await _first_of(ended, stale, within_s=self._settings.recheck_s)

    def _hold(self) -> None:
        """Have calls wait until it is known again whether there is a session."""
        self._opened = None
        self._known.clear()

    def _said(self, error: Exception) -> str:
        """Return in words why there is no session; an error of ours is inside groups and the package's own."""
        from mcp import MCPError

        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, MCPError):
            own = self._handed_over.take(error.code, error.data)
            self._refused = own if isinstance(own, EgressError) else None
            return str(own) if own is not None else f"it answers {error.message[:200]!r}"
        if isinstance(error, TimeoutError):
            return f"it does not answer within {self._settings.start_s:g} s"
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
