"""Processes of the benchmark: started, measured from outside, ended."""

import asyncio
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
START_S = 90.0
STOP_S = 45.0


class ProcessError(Exception):
    """A process did not come up or ended too early; the message ends with what it logged."""


class Running:
    """A process of ours that has not ended yet, as far as we know."""

    def __init__(self, process: Process, log: Path) -> None:
        self.process = process
        self.log = log

    @property
    def pid(self) -> int:
        return self.process.pid

    def check(self) -> None:
        """Raise ProcessError where it has ended."""
        if self.process.returncode is not None:
            raise ProcessError(f"{self.log.stem} ended with {self.process.returncode}: {self.tail()}")

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    async def first_line(self) -> str:
        """Return the first line it prints: the address of a server."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START_S):
            line = await self.process.stdout.readline()
        if not line:
            await self.process.wait()
            self.check()
        return line.decode().strip()


@asynccontextmanager
async def started(
    command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
) -> AsyncGenerator[Running]:
    """Run a process while the block runs; SIGTERM ends it, and SIGKILL where that is not enough."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=errors, env={**os.environ, **(environment or {})}
        )
    try:
        yield Running(process, log)
    finally:
        await stop(process)


async def stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def children() -> set[int]:
    """Return the pids of this process's children."""
    return set(_children(os.getpid()))


def cpu_s(pid: int) -> float:
    """Return the CPU seconds a process has used so far, children included, living and waited for."""
    # The name, in brackets, may hold anything; the fields after it are numbers.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(int(field) for field in fields[11:15]) / TICKS
    return own + sum(cpu_s(child) for child in _children(pid))


def peak_mib(pid: int) -> float:
    """Return the largest resident set a process has had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise ProcessError(f"no VmHWM of process {pid}")


def _children(pid: int) -> Iterable[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())
