"""What the actions of a section ask of a database."""

from typing import Any, Protocol

from connectors.action import Call
from connectors.sql.statement import Statement


class SqlClient(Protocol):
    """A database that is open. Every call is bounded in time by the section's `limits.seconds` and by the call's own."""

    async def read(self, call: Call[Any], statement: Statement, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the rows of a statement that changes nothing."""
        ...

    async def write(self, call: Call[Any], statement: Statement, arguments: dict[str, Any]) -> dict[str, Any]:
        """Carry a statement out, all of it or nothing; return its rows or how many it changed."""
        ...

    async def select(self, call: Call[Any], action: str, sql: str) -> dict[str, Any]:
        """Return the rows of a query that the guard has let through."""
        ...
