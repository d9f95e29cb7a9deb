"""A DuckDB file that can be read: calls run in threads of their own, and are stopped when their time is over."""

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final

from connectors.action import Call
from connectors.duckdb.reading import Reading
from connectors.duckdb.settings import DuckDbSettings
from connectors.errors import FailedError, NotSentError
from connectors.rehearsal import rehearse
from connectors.sql.result import rows_object, rows_result
from connectors.sql.rows import Rows
from connectors.sql.statement import Statement

_SHARE: Final = 0.9
"""Share of a call's time that its query may take, so that it ends before its caller's patience does."""
_AGAIN_S: Final = 0.05
_CLOSE_S: Final = 5.0


@asynccontextmanager
async def open_duckdb(settings: DuckDbSettings) -> "AsyncGenerator[DuckDbClient]":
    """Yield a client; the file is opened by each call."""
    threads = ThreadPoolExecutor(settings.connections, thread_name_prefix="duckdb")
    client = DuckDbClient(settings, threads)
    try:
        yield client
    finally:
        await client.close()
        threads.shutdown(wait=False, cancel_futures=True)


class DuckDbClient:
    """Reads one file; implements `connectors.sql.client.SqlClient`."""

    def __init__(self, settings: DuckDbSettings, threads: ThreadPoolExecutor) -> None:
        self._settings = settings
        self._threads = threads
        self._free = asyncio.Semaphore(settings.connections)
        self._running: dict[asyncio.Future[Rows], Reading] = {}

    async def read(self, call: Call[Any], statement: Statement, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the rows of a statement.

        Raises:
            ActionError: see `connectors.duckdb.faults` and `connectors.sql.result`.
        """
        rehearse(lambda: statement.shown(arguments), changes=False)
        values = statement.bound(arguments)
        reading = Reading(self._settings, statement.action, statement.sql, values, free=False)
        return rows_result(statement, await self._rows(call, reading))

    async def write(self, call: Call[Any], statement: Statement, arguments: dict[str, Any]) -> dict[str, Any]:
        """Refuse: files are opened read-only, and a section with a write is not built.

        Raises:
            FailedError: always.
        """
        del call, arguments
        raise FailedError(f"{statement.action}: DuckDB files are only read", code="read_only")

    async def select(self, call: Call[Any], action: str, sql: str) -> dict[str, Any]:
        """Return the rows of a query that the guard let through.

        Raises:
            ActionError: as of `read`; FailedError with code `too_slow` or `too_large` where it took more than it may.
        """
        rehearse(lambda: sql, changes=False)
        return rows_object(await self._rows(call, Reading(self._settings, action, sql, [], free=True)))

    async def close(self) -> None:
        """Stop whatever runs, and wait a little for its end."""
        running = list(self._running)
        for future in running:
            self._stop(future)
        if running:
            await asyncio.wait(running, timeout=_CLOSE_S)

    async def _rows(self, call: Call[Any], reading: Reading) -> Rows:
        loop = asyncio.get_running_loop()
        until = loop.time() + call.timeout_s * _SHARE
        try:
            async with asyncio.timeout_at(until):
                await self._free.acquire()
        except TimeoutError:
            raise NotSentError(
                f"{reading.action}: all {self._settings.connections} threads are busy"
            ) from None
        future = loop.run_in_executor(self._threads, reading.run)
        self._running[future] = reading
        # The thread goes on when its caller has gone; its place is free when it has ended.
        future.add_done_callback(self._ended)
        over = loop.call_at(min(until, loop.time() + self._settings.limits.seconds), self._stop, future)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self._stop(future)
            raise
        finally:
            over.cancel()

    def _stop(self, future: asyncio.Future[Rows]) -> None:
        """Stop a query, however often that takes: an interrupt that comes before it has begun is lost."""
        if not future.done():
            self._running[future].stop()
            asyncio.get_running_loop().call_later(_AGAIN_S, self._stop, future)

    def _ended(self, future: asyncio.Future[Rows]) -> None:
        del self._running[future]
        self._free.release()
        if not future.cancelled():
            future.exception()  # seen, if nobody waits for it any more
