"""The ledger: one row for each write that was carried out, in the same transaction, so that its key is carried out once.

Whoever comes second with a key waits for the first one's transaction: the unique key makes it. Then it finds the row, or, where the
first one rolled back, carries the statement out itself.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.action import Call
from connectors.errors import FailedError, UnusableResultError
from connectors.sql.statement import Statement
from schemas.canonical import canonical_json, digest

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

_INSERT = """\
INSERT INTO {table} (key, action, arguments, tenant, run_id) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (key) DO NOTHING RETURNING key"""
_FIND = "SELECT action, arguments, result FROM {table} WHERE key = $1"
_RECORD = "UPDATE {table} SET result = $2 WHERE key = $1"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a write is recorded as.

    Attributes:
        key: the idempotency key.
        action: full name.
        arguments: SHA-256 of the canonical JSON of its arguments; they themselves are not stored.
    """

    key: str
    action: str
    arguments: str


class Ledger:
    """The table of a section, used inside a transaction that its caller begins and commits."""

    def __init__(self, table: str) -> None:
        schema, _, name = table.partition(".")
        quoted = f'"{schema}"."{name}"'
        self._insert, self._find, self._record = (
            text.format(table=quoted) for text in (_INSERT, _FIND, _RECORD)
        )

    async def claim(
        self,
        connection: "PoolConnectionProxy",
        call: Call[Any],
        statement: Statement,
        arguments: dict[str, Any],
    ) -> dict[str, Any] | None:
        """Return the result that is recorded for this key, or None having made a row for it.

        Raises:
            FailedError: code `key_conflict`: the key was used for something else.
            UnusableResultError: it was carried out, and its result is not in the row.
        """
        entry = Entry(call.key, statement.action, digest(arguments))
        made = await connection.fetchrow(
            self._insert, entry.key, entry.action, entry.arguments, call.tenant, call.run_id
        )
        if made is not None:
            return None
        found = await connection.fetchrow(self._find, entry.key)
        if found is None:
            # Only where somebody deletes rows of the ledger at this moment, or hides them from this role.
            raise FailedError(f"{entry.action}: its row of the ledger is not to be seen", code="key_conflict")
        return recorded(entry, found["action"], found["arguments"], found["result"])

    async def record(self, connection: "PoolConnectionProxy", key: str, result: dict[str, Any]) -> None:
        """Put the result into the row that `claim` made."""
        await connection.execute(self._record, key, canonical_json(result).decode())


def recorded(entry: Entry, action: str, arguments: str, result: str | None) -> dict[str, Any]:
    """Return the result of a row that was found for a key. Pure.

    Raises:
        FailedError: code `key_conflict`: it is of another action, or of other arguments.
        UnusableResultError: it has no result.
    """
    if action != entry.action or arguments != entry.arguments:
        other = f"the action {action}" if action != entry.action else "other arguments"
        raise FailedError(f"{entry.action}: its key was used before, with {other}", code="key_conflict")
    if result is None:
        raise UnusableResultError(f"{action}: carried out before; the ledger has no result", executed=True)
    return json.loads(result)
