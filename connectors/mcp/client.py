"""What the actions of an MCP server call with: calls of tools, and what is known when one fails."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import to_json

from connectors.errors import FailedError, InDoubtError, UnusableResultError
from connectors.mcp.definitions import Definition
from connectors.mcp.failures import HandedOver, rpc_error, tool_error
from connectors.mcp.kept import KeptSession, Opened
from connectors.mcp.quiet import quieten
from connectors.mcp.results import Answer
from connectors.mcp.settings import ServerSettings
from connectors.rehearsal import rehearse

_WAIT_SHARE: Final = 0.5
"""Share of a call's time that waiting for a session may take, so that the two timeouts stay distinguishable."""
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
    handed_over = HandedOver()
    kept = KeptSession(name, settings, pinned, handed_over)
    # The package's task groups must be left by the task that entered them: this one, and nobody else.
    owner = asyncio.create_task(kept.keep_open(), name=f"mcp {name} session")
    try:
        yield McpClient(kept, handed_over, settings.timeout_s)
    finally:
        owner.cancel()
        # It ends by itself all the same where closing takes longer.
        await asyncio.wait({owner}, timeout=_CLOSE_S)


class McpClient:
    """Calls tools of one server, many at once. Get one from `open_mcp`."""

    def __init__(self, kept: KeptSession, handed_over: HandedOver, timeout_s: float) -> None:
        self._kept = kept
        self._handed_over = handed_over
        self._timeout_s = timeout_s

    async def call(
        self, tool: str, arguments: Mapping[str, Any], *, changes: bool, refused: bool, timeout_s: float
    ) -> Answer:
        """Call a tool and return its answer, as the protocol writes it.

        A call that is cancelled tells the server so; its effect is as unknown as after InDoubtError.

        Args:
            tool: its name.
            arguments: JSON-like.
            changes: whether it is a write.
            refused: whether an error of the tool promises that nothing was done.
            timeout_s: seconds for all of it; no longer than the settings say.

        Raises:
            NotSentError: there is no session.
            FailedError: nothing was sent: code `definition_changed`, the tool is no longer the pinned one, or
                `invalid_arguments`; any other: it answered an error, and is a read, or `refused`.
            InDoubtError: it was sent, and no answer came, or an error that does not say whether anything was done.
            UnusableResultError: it answered what cannot be used.
        """
        limit_s = min(timeout_s, self._timeout_s)
        began = time.monotonic()
        try:
            written = to_json(arguments, indent=2)
        except ValueError as error:
            raise FailedError(
                f"{tool}: its arguments cannot be said in JSON", code="invalid_arguments"
            ) from error
        rehearse(lambda: f"{tool}\n\n{written.decode()}", changes=changes)
        opened = await self._kept.opened(limit_s * _WAIT_SHARE)
        why = opened.changed.get(tool)
        if why is not None:
            message = f"{tool} is not what was reviewed: {why}. A person must review and pin it again."
            raise FailedError(message, code="definition_changed")
        left_s = max(0.1, limit_s - time.monotonic() + began)
        answer = await self._answer(opened, tool, arguments, left_s, changes=changes, refused=refused)
        if answer.get("isError"):
            raise tool_error(tool, answer, changes=changes, refused=refused)
        return answer

    async def _answer(
        self,
        opened: Opened,
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
                answer = await opened.session.send_request(asked, types.CallToolResult)
        except TimeoutError:
            raise InDoubtError(f"{tool}: no answer within {within_s:.3g} s") from None
        except MCPError as error:
            own = self._handed_over.take(error.code, error.data)
            if own is None and error.code == types.CONNECTION_CLOSED:
                opened.recheck()  # perhaps of this request only, perhaps of all
            found = own or rpc_error(tool, error.code, error.message, changes=changes, refused=refused)
        except ValidationError:  # its message would show the answer
            found = UnusableResultError(f"{tool}: its answer is no result of a tool", executed=False)
        else:
            return answer.model_dump(by_alias=True, mode="json", exclude_none=True)
        raise found
