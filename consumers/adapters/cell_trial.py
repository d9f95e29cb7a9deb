"""Trying records in a cell: a process of its own that decodes one after the other, and may die of it."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Sequence
from typing import Final

from consumers.errors import DeadLetterError, UnavailableError
from schemas.codec.record_json import record_line
from schemas.record import Record, UnreadBatch

_log = logging.getLogger(__name__)

READY: Final = b"ready\n"
SURVIVED: Final = b"survived\n"
TOO_LARGE: Final = b"too large\n"
"""What a cell says, a line each: once when it has started, and for each record."""
DEATHS: Final = 2
"""So many cells must die of a record: the first may have been ended by somebody else."""
_START_S: Final = 60.0


class CellTrial:
    """The `Trial` port: starts a cell when it is needed, and keeps it for the next record.

    Args:
        command: starts a cell; see `consumers.app.cell`.
        record_s: how long one record may take.
    """

    def __init__(self, command: Sequence[str], *, record_s: float) -> None:
        self._command = command
        self._record_s = record_s
        self._cell: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def survive(self, record: Record) -> None:
        """As the port says."""
        if isinstance(record.value, UnreadBatch):
            return  # nobody decodes it
        async with self._one_at_a_time:
            why: str | None = None
            for death in range(1, DEATHS + 1):
                why = await self._try(record)
                if why is None:
                    return
                _log.error(
                    "a cell died of a record",
                    extra={
                        "topic": record.topic,
                        "partition": record.partition,
                        "offset": record.offset,
                        "attempt": death,
                        "error": why,
                    },
                )
        raise DeadLetterError(
            f"decoding it kills the process: {why}, {DEATHS} times in a process of its own",
            reason="quarantined",
        )

    async def close(self) -> None:
        """End the cell, if there is one."""
        cell, self._cell = self._cell, None
        if cell is not None and cell.returncode is None:
            cell.kill()
            await cell.wait()

    async def _try(self, record: Record) -> str | None:
        """Have a record decoded; say how the cell died of it, or None where it did not."""
        cell = self._cell or await self._start()
        self._cell = (
            None  # put back where it is fit for another one: a cancelled trial leaves it in the middle
        )
        try:
            assert cell.stdin is not None
            assert cell.stdout is not None
            async with asyncio.timeout(self._record_s):
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    cell.stdin.write(record_line(record) + b"\n")
                    await cell.stdin.drain()
                said = await cell.stdout.readline()
                if said == SURVIVED:
                    self._cell = cell
                    return None
                if said == TOO_LARGE:
                    return "it takes too much memory"
                code = await cell.wait()
        except TimeoutError:
            return f"it does not end within {self._record_s:g} s"
        finally:
            if self._cell is None and cell.returncode is None:
                cell.kill()
                await asyncio.shield(cell.wait())
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    async def _start(self) -> asyncio.subprocess.Process:
        try:
            cell = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                # Ctrl-C at a terminal reaches a whole session: no record shall be blamed for that.
                start_new_session=True,
            )
        except OSError as error:
            raise UnavailableError(f"no cell can be started: {error}") from error
        assert cell.stdout is not None
        said = b""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_START_S):
                    said = await cell.stdout.readline()
            if said == READY:
                return cell
            raise UnavailableError("the cell did not start; what it says is in the log above")
        finally:
            if said != READY and cell.returncode is None:
                cell.kill()
                await asyncio.shield(cell.wait())
