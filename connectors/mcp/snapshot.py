"""Asking a server once what it offers, so that a person can review it and the configuration can pin it."""

from connectors.errors import NotSentError
from connectors.mcp.definitions import Snapshot
from connectors.mcp.failures import HandedOver
from connectors.mcp.link import linked, listed
from connectors.mcp.quiet import quieten
from connectors.mcp.settings import ServerSettings


async def snapshot(name: str, settings: ServerSettings) -> Snapshot:
    """Start or ask a server, and return the definitions of all its tools.

    Args:
        name: for messages.
        settings: where it is; needs no pinned definitions.

    Raises:
        NotSentError: it cannot be asked, within `start_s` and `timeout_s` seconds.
    """
    quieten()
    try:
        async with linked(name, settings, HandedOver(), _nothing, _nothing) as session:
            found = await listed(session, settings.timeout_s)
            about = session.server_info
    except Exception as error:
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        raise NotSentError(f"MCP server {name} does not tell its tools: {error}") from error
    said = "" if about is None else f"{about.name} {about.version}"
    return Snapshot(said, {str(each["name"]): each for each in found})


def _nothing() -> None:
    """Whether it ends or changes later is no matter here."""
