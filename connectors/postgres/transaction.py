"""One transaction of PostgreSQL: begun, carried out and ended within a time, and whatever goes wrong sorted by what is known then."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from connectors.errors import ActionError, FailedError
from connectors.postgres.login import Password
from connectors.postgres.sqlstate import Phase, fault_of_loss, fault_of_state

if TYPE_CHECKING:
    from asyncpg import Pool
    from asyncpg.pool import PoolConnectionProxy

Result = TypeVar("Result")

_WHOLE_SHARE: Final = 0.95
"""Share of a call's time that a transaction may take, so that it ends before its caller's patience does."""
_WORK_SHARE: Final = 0.8
"""Share of that until COMMIT is sent or not at all."""
_LAG_S: Final = 0.5
"""How much longer than the server we wait for a statement: its answer says more than our timeout."""
_LAG_SHARE: Final = 0.25
"""The same as a share of what is left, where that is little."""
_SHORTEST_S: Final = 0.05
"""What a statement may take at least: 0 would mean for ever."""
_ROLLBACK_S: Final = 1.0
_NAMING: Final = ("constraint_name", "column_name", "table_name")


@dataclass(frozen=True, slots=True)
class Plan(Generic[Result]):
    """What a transaction does.

    Attributes:
        action: full name, for messages.
        call_s: seconds that are left for the call.
        connect_s: longest wait for a connection.
        statement_s: longest time of a statement.
        begin: makes the text that begins it, for the seconds that each of its statements may take.
        work: is carried out in it.
        commits: whether it is committed; a read is rolled back.
        free: whether a model wrote the query.
    """

    action: str
    call_s: float
    connect_s: float
    statement_s: float
    begin: Callable[[float], str]
    work: "Callable[[PoolConnectionProxy], Awaitable[Result]]"
    commits: bool = False
    free: bool = False


class _Progress:
    """How far a transaction has come."""

    phase: Phase = "connecting"


class Transactions:
    """Runs transactions on connections of a pool."""

    def __init__(self, pool: "Pool", password: Password) -> None:
        self._pool = pool
        self._password = password

    async def run(self, plan: Plan[Result]) -> Result:
        """Return what the work returned.

        Raises:
            NotSentError: there was no connection.
            BusyError: nothing was changed, and later it may go.
            FailedError: nothing was changed: the database refused, or the work did.
            InDoubtError: COMMIT was sent and not answered.
        """
        import asyncpg

        progress = _Progress()
        try:
            return await self._run(plan, progress)
        except asyncpg.PostgresError as error:
            fault = _fault(error, progress.phase, plan)
        except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError):
            fault = fault_of_loss(phase=progress.phase, what=plan.action)
        # Not in the handler: the driver's errors quote values of rows.
        raise fault

    async def _run(self, plan: Plan[Result], progress: _Progress) -> Result:
        loop = asyncio.get_running_loop()
        began = loop.time()
        whole_s = plan.call_s * _WHOLE_SHARE
        work_s = whole_s * _WORK_SHARE
        async with self._connection(min(plan.connect_s, work_s / 2)) as connection:
            progress.phase = "before-commit"
            now = loop.time()
            left_s = began + work_s - now
            lag_s = min(_LAG_S, left_s * _LAG_SHARE)
            statement_s = max(min(plan.statement_s, left_s - lag_s), _SHORTEST_S)
            async with asyncio.timeout_at(min(now + statement_s + lag_s, began + work_s)):
                await connection.execute(plan.begin(statement_s))
                result = await plan.work(connection)
                if not plan.commits:
                    await connection.execute("ROLLBACK")
                    return result
            progress.phase = "committing"
            async with asyncio.timeout_at(began + whole_s):
                ended = await connection.execute("COMMIT")
        if ended != "COMMIT":
            # The server answers so, and with no error, where something in the transaction had failed.
            raise FailedError(f"{plan.action}: rolled back by the database", code="rolled_back")
        return result

    @asynccontextmanager
    async def _connection(self, within_s: float) -> "AsyncGenerator[PoolConnectionProxy]":
        """Yield a connection; afterwards it is as it was, or closed."""
        import asyncpg

        try:
            async with asyncio.timeout(within_s):
                connection = await self._pool.acquire()
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
            await self._password.refused()
            raise
        settled = False
        try:
            yield connection
            settled = True
        except (ActionError, asyncpg.PostgresError):
            settled = await _rolled_back(connection)
            raise
        finally:
            if not settled:
                connection.terminate()
            await self._give_back(connection)

    async def _give_back(self, connection: "PoolConnectionProxy") -> None:
        """Return a connection to the pool. What fails here closes it, and says nothing about the transaction."""
        import asyncpg

        try:
            await self._pool.release(connection, timeout=_ROLLBACK_S)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            connection.terminate()


async def _rolled_back(connection: "PoolConnectionProxy") -> bool:
    """End a transaction that failed; say whether the connection may be used again."""
    import asyncpg

    if connection.is_closed():
        return False
    try:
        async with asyncio.timeout(_ROLLBACK_S):
            await connection.execute("ROLLBACK")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        return False
    return True


def _fault(error: Any, phase: Phase, plan: Plan[Any]) -> ActionError:
    """Return what an error of the server means; the driver sets its fields as attributes, those that it was given."""
    said = {part: getattr(error, part, None) or "" for part in (*_NAMING, "message")}
    return fault_of_state(
        error.sqlstate or "XX000",
        phase=phase,
        what=plan.action,
        given=next((said[part] for part in _NAMING if said[part]), ""),
        said=said["message"],
        free=plan.free,
    )
