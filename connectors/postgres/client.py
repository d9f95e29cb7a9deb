"""A PostgreSQL database that is open: every call is one transaction."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from connectors.action import Call
from connectors.postgres.beginning import beginning
from connectors.postgres.ledger import Ledger
from connectors.postgres.login import Password, connect_arguments
from connectors.postgres.pinned import connect_pinned
from connectors.postgres.settings import PostgresSettings
from connectors.postgres.transaction import Plan, Transactions
from connectors.postgres.values import ParameterType, parameter_value, plain
from connectors.rehearsal import rehearse
from connectors.sql.result import count_result, rows_object, rows_result, whole_result
from connectors.sql.rows import Rows
from connectors.sql.statement import Statement

if TYPE_CHECKING:
    from asyncpg import Connection
    from asyncpg.pool import PoolConnectionProxy
    from asyncpg.prepared_stmt import PreparedStatement

Json = dict[str, Any]

_CLOSE_S: Final = 5.0
_BATCH: Final = 50
"""Rows that are fetched at once: what a result may take beyond its limit before it is seen."""


@asynccontextmanager
async def open_postgres(settings: PostgresSettings) -> "AsyncGenerator[PostgresClient]":
    """Yield a client whose connections are made when they are needed."""
    import asyncpg

    password = Password(settings.password, settings.connect_s)
    pool = asyncpg.create_pool(
        min_size=0,
        max_size=settings.connections,
        # Everything that a call sets is of its transaction; there is nothing to reset, and no time spent on it.
        reset=_nothing,
        init=_decode_json,
        connect=connect_pinned(settings),
        **connect_arguments(settings, password),
    )
    await pool  # with no connection yet
    try:
        yield PostgresClient(settings, Transactions(pool, password))
    finally:
        try:
            async with asyncio.timeout(_CLOSE_S):
                await pool.close()
        except TimeoutError:
            pool.terminate()


async def _decode_json(connection: "Connection") -> None:
    """Have the driver give values of JSON, which it otherwise gives as texts; it takes them as texts (`values`)."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=json.loads)


async def _nothing(_: object) -> None:
    pass


class PostgresClient:
    """Carries out statements; implements `connectors.sql.client.SqlClient`."""

    def __init__(self, settings: PostgresSettings, transactions: Transactions) -> None:
        self._settings = settings
        self._limits = settings.limits
        self._transactions = transactions
        self._ledger = Ledger(settings.ledger)

    async def read(self, call: Call[Any], statement: Statement, arguments: Json) -> Json:
        """Return the rows of a statement, read in a READ ONLY transaction.

        Raises:
            ActionError: see `connectors.postgres.transaction.Transactions.run` and `connectors.sql.result`.
        """
        rehearse(lambda: statement.shown(arguments), changes=False)

        async def work(connection: "PoolConnectionProxy") -> Json:
            return await self._result(connection, statement, arguments)

        return await self._transactions.run(self._plan(call, statement.action, work))

    async def write(self, call: Call[Any], statement: Statement, arguments: Json) -> Json:
        """Carry a statement out, with its row of the ledger, or return what that row says.

        Raises:
            ActionError: as of `read`; only InDoubtError leaves open whether it took effect.
        """
        rehearse(lambda: statement.shown(arguments), changes=True)

        async def work(connection: "PoolConnectionProxy") -> Json:
            if not statement.ledger:
                return whole_result(statement, await self._result(connection, statement, arguments))
            before = await self._ledger.claim(connection, call, statement, arguments)
            if before is not None:
                return before
            result = whole_result(statement, await self._result(connection, statement, arguments))
            await self._ledger.record(connection, call.key, result)
            return result

        return await self._transactions.run(self._plan(call, statement.action, work, writes=True))

    async def select(self, call: Call[Any], action: str, sql: str) -> Json:
        """Return the rows of a query that the guard let through.

        Raises:
            ActionError: as of `read`; FailedError with code `too_slow` where it took longer than it may.
        """
        rehearse(lambda: sql, changes=False)

        async def work(connection: "PoolConnectionProxy") -> Json:
            return rows_object(await self._rows(await connection.prepare(sql, name=""), []))

        return await self._transactions.run(self._plan(call, action, work, free=True))

    def _plan(
        self,
        call: Call[Any],
        action: str,
        work: "Callable[[PoolConnectionProxy], Awaitable[Json]]",
        *,
        writes: bool = False,
        free: bool = False,
    ) -> Plan[Json]:
        role = self._settings.select_role if free else None
        lock_s = self._settings.lock_s

        def begin(statement_s: float) -> str:
            return beginning(
                statement_s, lock_s=lock_s, tenant=call.tenant, writes=writes, free=free, role=role
            )

        return Plan(
            action,
            call.timeout_s,
            self._settings.connect_s,
            self._limits.seconds,
            begin,
            work,
            commits=writes,
            free=free,
        )

    async def _result(self, connection: "PoolConnectionProxy", statement: Statement, arguments: Json) -> Json:
        """Carry a statement out in a transaction that is open."""
        prepared = await connection.prepare(statement.sql, name="")
        values = [
            parameter_value(name, value, ParameterType(kind.name, kind.kind == "array"))
            for name, value, kind in zip(
                statement.names, statement.bound(arguments), prepared.get_parameters(), strict=True
            )
        ]
        if statement.result == "count":
            await prepared.fetch(*values)
            # Such as `UPDATE 3`, or `INSERT 0 3`.
            changed = int(prepared.get_statusmsg().rpartition(" ")[2])
            return count_result(statement, changed, self._limits.changes)
        return rows_result(statement, await self._rows(prepared, values))

    async def _rows(self, prepared: "PreparedStatement", values: list[Any]) -> Rows:
        """Return the first rows; the server is asked for no more than a batch beyond them."""
        rows = Rows([column.name for column in prepared.get_attributes()], self._limits.of_rows)
        cursor = await prepared.cursor(*values)
        while True:
            batch = await cursor.fetch(min(_BATCH, self._limits.rows + 1 - len(rows.made)))
            if not rows.take(tuple(map(plain, record)) for record in batch) or not batch:
                return rows
