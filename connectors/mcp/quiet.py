"""The protocol's client logs messages whole, some of them as exceptions: it is not to be heard."""

import logging
from typing import Final

_LOGGERS: Final = ("mcp", "client")
"""The second is how `mcp.client.session` calls its own."""
_SILENT: Final = logging.CRITICAL + 1


def quieten() -> None:
    """Silence the loggers of the `mcp` package in this process; what of it matters becomes an error of ours."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(_SILENT)
