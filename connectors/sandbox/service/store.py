"""The sandbox's database: one file, one writer, short transactions.

Calls run on the event loop's thread: a read takes some 10 microseconds and a write 100, too short to be
worth a thread (WAL, synchronous=NORMAL: a commit does not wait for the disk). A killed process loses nothing;
a power cut may lose the last commits.
"""

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

from connectors.sandbox.service.refusal import RefusedError
from connectors.sandbox.service.seed import plant

_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One effect that happened.

    Attributes:
        key: the caller's idempotency key, or `unkeyed-…` where it gave none.
        action: name of the operation.
        arguments_digest: of operation, subject and body.
        result: the JSON body that was answered and is answered again.
        first_at: when it happened, ISO 8601.
        attempts: how often it was asked for; it happened once.
    """

    key: str
    action: str
    arguments_digest: str
    result: str
    first_at: str
    attempts: int


class Store:
    """The database file, opened and seeded. Not for use from several threads."""

    def __init__(self, database: Path) -> None:
        # Transactions are begun by hand: the module's implicit ones begin deferred and can fail half-way.
        self._connection = sqlite3.connect(database, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        for pragma in (
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
            "busy_timeout = 2000",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(
            files("connectors.sandbox.service").joinpath("schema.sql").read_text("utf-8")
        )
        with self.transaction() as connection:
            plant(connection)

    def close(self) -> None:
        """Close the file; the write-ahead log is folded into it."""
        self._connection.close()

    @property
    def reader(self) -> sqlite3.Connection:
        """For single statements that only read."""
        return self._connection

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All of the block's statements or none. The block must not await."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def once(
        self, key: str | None, action: str, arguments_digest: str, effect: Callable[[sqlite3.Connection], str]
    ) -> tuple[str, bool]:
        """Let the effect happen once per key; return its result and whether it is an earlier one's.

        Effect and ledger row are one transaction. A refused request leaves no row: asked again, it may succeed.

        Args:
            key: the caller's idempotency key; without one the effect happens every time.
            action: name of the operation.
            arguments_digest: of everything the caller asked for.
            effect: does it inside the transaction and returns the JSON to answer.

        Raises:
            RefusedError: `idempotency_mismatch`, where the key came with other arguments before.
        """
        with self.transaction() as connection:
            if key is not None:
                earlier = _earlier(connection, key, arguments_digest)
                if earlier is not None:
                    return earlier, True
            result = effect(connection)
            connection.execute(
                "INSERT INTO effects (key, action, arguments_digest, result, first_at) VALUES (?, ?, ?, ?, ?)",
                (
                    key or f"unkeyed-{uuid4()}",
                    action,
                    arguments_digest,
                    result,
                    datetime.now(UTC).isoformat(),
                ),
            )
            return result, False

    def ledger(self) -> list[LedgerEntry]:
        """Return every effect, oldest first."""
        rows = self._connection.execute("SELECT * FROM effects ORDER BY rowid").fetchall()
        return [LedgerEntry(**dict(row)) for row in rows]


def new_id(connection: sqlite3.Connection, prefix: str) -> str:
    """Return the next id with that prefix, such as `O-1001`; it is free again if the transaction fails."""
    row = connection.execute(
        "UPDATE sequences SET last = last + 1 WHERE prefix = ? RETURNING last", (prefix,)
    ).fetchone()
    return f"{prefix}-{row['last']}"


def find(connection: sqlite3.Connection, statement: str, subject: str, what: str) -> dict[str, Any]:
    """Return the one row of a statement with one parameter, or refuse with `unknown_<what>`."""
    row = connection.execute(statement, (subject,)).fetchone()
    if row is None:
        raise RefusedError(404, f"unknown_{what}", f"There is no {what} {subject}.")
    return dict(row)


def _earlier(connection: sqlite3.Connection, key: str, arguments_digest: str) -> str | None:
    row = connection.execute(
        "UPDATE effects SET attempts = attempts + 1 WHERE key = ? RETURNING arguments_digest, result", (key,)
    ).fetchone()
    if row is None:
        return None
    if row["arguments_digest"] != arguments_digest:
        raise RefusedError(
            _CONFLICT, "idempotency_mismatch", "This idempotency key was used with other arguments before."
        )
    return row["result"]
