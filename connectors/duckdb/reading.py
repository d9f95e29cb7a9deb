"""One query of one DuckDB file, in a thread: opened for it, bounded in rows and memory, and stopped from outside."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, cast

from connectors.duckdb.faults import fault_of
from connectors.duckdb.settings import DuckDbSettings
from connectors.errors import FailedError
from connectors.sql.rows import Rows

if TYPE_CHECKING:
    from _duckdb import DuckDBPyConnection

_BATCH: Final = 50


def configuration(settings: DuckDbSettings) -> dict[str, str]:
    """Return how a file is opened: nothing outside it can be reached, and no query can change that."""
    return {
        "access_mode": "READ_ONLY",
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",
        "temp_directory": "",
        "memory_limit": f"{settings.memory_mb}MiB",
        "threads": str(settings.threads),
        "lock_configuration": "true",
    }


@dataclass(slots=True)
class Reading:
    """One query; `run` blocks.

    Attributes:
        settings: of the section.
        action: full name, for messages.
        sql: with `$1`, `$2`, … for parameters.
        values: of the parameters.
        free: whether a model wrote it.
    """

    settings: DuckDbSettings
    action: str
    sql: str
    values: list[Any]
    free: bool
    _connection: "DuckDBPyConnection | None" = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    """Held where the connection comes, is interrupted and goes: one that is being closed is not to be interrupted."""

    def run(self) -> Rows:
        """Return the rows, as many as fit.

        Raises:
            ActionError: see `connectors.duckdb.faults`.
        """
        import duckdb

        opened = False
        try:
            with duckdb.connect(
                self.settings.path, read_only=True, config=dict(configuration(self.settings))
            ) as connection:
                opened = True
                with self._stoppable(connection):
                    return self._rows(connection)
        except duckdb.Error as error:
            fault = fault_of(error, opened=opened, what=self.action, free=self.free)
        # Not in the handler: the driver's errors quote values of rows.
        raise fault

    def stop(self) -> None:
        """End the query soon. It may not have begun: ask again until `run` has ended."""
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()

    @contextmanager
    def _stoppable(self, connection: "DuckDBPyConnection") -> Generator[None]:
        with self._lock:
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None

    def _rows(self, connection: "DuckDBPyConnection") -> Rows:
        # The driver's stubs do not say that nothing comes of no statement.
        result = cast("DuckDBPyConnection | None", connection.execute(self.sql, self.values))
        if result is None:
            raise FailedError(f"{self.action}: there is no statement", code="invalid_query")
        rows = Rows([str(column[0]) for column in result.description or ()], self.settings.limits.of_rows)
        batches = iter(lambda: result.fetchmany(_BATCH), [])
        rows.take(chain.from_iterable(batches))
        return rows
