"""Processes of the run: started, asked, ended. Each has a session of its own: Ctrl-C at a terminal reaches only us."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

START_S = 180.0
STOP_S = 30.0
LOOK_S = 0.05

# A fresh interpreter that becomes the program: should we be killed, the kernel sends it this signal.
_BECOME = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, int(sys.argv[2]))  # PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[1]):  # we went before the line above
    sys.exit(1)
os.execv(sys.argv[3], sys.argv[3:])
"""
_DIE_WITH_US = (sys.executable, "-I", "-S", "-c", _BECOME)


class ChaosError(Exception):
    """The run cannot go on: something that is not under test has failed."""


async def until(true: Callable[[], bool], *, within_s: float | None) -> bool:
    """Wait until something is true, for ever or for a time, and return whether it became so."""
    try:
        async with asyncio.timeout(within_s):
            while not true():  # noqa: ASYNC110 # what others do sets no event of ours
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        return False
    return True


async def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    talks: bool = False,
) -> Process:
    """Start a process; what it prints goes to its log, but for the standard output of one that talks to us.

    Should we be killed, one that talks to us ends in order, since it may have processes of its own; others at once.
    """
    with log.open("ab") as printed:
        return await asyncio.create_subprocess_exec(
            *_DIE_WITH_US,
            str(os.getpid()),
            str(int(signal.SIGTERM if talks else signal.SIGKILL)),
            *command,
            stdin=PIPE if talks else DEVNULL,
            stdout=PIPE if talks else printed,
            stderr=printed,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )


async def stop(process: Process) -> None:
    """End a process with SIGTERM, and with SIGKILL where that is not enough."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        pass
    finally:  # a wait that was cancelled leaves nothing behind either
        if process.returncode is None:
            process.kill()
            await process.wait()


class Server:
    """A server that says a line when it serves, and another one for each that it is told."""

    def __init__(self, process: Process, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def name(self) -> str:
        return self._log.stem

    async def ask(self, command: str) -> str:
        """Tell it something, and return what it says."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        return await self.answer()

    async def answer(self) -> str:
        """Return the next line that it says.

        Raises:
            ChaosError: it says nothing; the message ends with what it logged.
        """
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if not line:
            raise ChaosError(
                f"{self.name} says nothing more: {self._log.read_text(errors='replace')[-3000:]}"
            )
        return line.decode().strip()

    def check(self) -> None:
        """Raise ChaosError where it has ended."""
        if (code := self._process.returncode) is not None:
            raise ChaosError(
                f"{self.name} ended with {code}: {self._log.read_text(errors='replace')[-3000:]}"
            )


@asynccontextmanager
async def server(
    command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
) -> AsyncGenerator[Server]:
    """Run a server while the block runs."""
    process = await start(command, log=log, environment=environment, talks=True)
    try:
        yield Server(process, log)
    finally:
        await stop(process)
