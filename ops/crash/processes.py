"""The worker's processes: forked by a process that has imported everything, and seen from here."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from worker import Orders

START_S = 60.0
STOP_S = 20.0


class CrashError(Exception):
    """What is not under test has failed."""


class Worker:
    """One worker."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """How it ended."""

    @property
    def lives(self) -> bool:
        return not self.code.done()

    def send(self, number: signal.Signals) -> None:
        if self.lives:  # nobody but the process that forked it waits for it, so the pid is still its own
            os.kill(self.pid, number)

    async def ended(self, *, within_s: float) -> int | None:
        """Return how it ended; None where it does not end in time."""
        await asyncio.wait([self.code], timeout=within_s)
        return self.code.result() if self.code.done() else None

    async def stop(self) -> int:
        """End it in order, or at once where that takes too long."""
        self.send(signal.SIGTERM)
        code = await self.ended(within_s=STOP_S)
        if code is None:
            self.send(signal.SIGKILL)
            return await self.code
        return code


class Forks:
    """Starts workers."""

    def __init__(self, process: Process, log: Path) -> None:
        self._process = process
        self._log = log
        self._workers: dict[int, Worker] = {}
        self._began: asyncio.Queue[int] = asyncio.Queue()
        self._early: dict[int, int] = {}
        self._starting = asyncio.Lock()

    async def start(self, orders: Orders) -> Worker:
        """Start a worker; returns once its process is there.

        Raises:
            CrashError: it does not come up.
        """
        async with self._starting:
            assert self._process.stdin is not None
            self._process.stdin.write(f"{json.dumps(asdict(orders))}\n".encode())
            try:
                async with asyncio.timeout(START_S):
                    pid = await self._began.get()
            except TimeoutError:
                raise CrashError(
                    f"no worker begins: {self._log.read_text(errors='replace')[-3000:]}"
                ) from None
        worker = self._workers[pid] = Worker(pid)
        if pid in self._early:
            worker.code.set_result(self._early.pop(pid))
        return worker

    async def listen(self) -> None:
        """Hear who has begun and ended, until the process that forks has ended."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            said: dict[str, int] = json.loads(line)
            if "began" in said:
                self._began.put_nowait(said["began"])
            elif (worker := self._workers.pop(said["ended"], None)) is not None:
                worker.code.set_result(said["code"])
            else:
                self._early[said["ended"]] = said["code"]

    def kill_all(self) -> None:
        for worker in self._workers.values():
            worker.send(signal.SIGKILL)


@asynccontextmanager
async def open_forks(folder: Path) -> AsyncGenerator[Forks]:
    """Fork workers while the block runs; those that are left are killed at its end."""
    log = folder / "forks.log"
    with log.open("ab") as printed:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", str(Path(__file__).with_name("forks.py"))),
            stdin=PIPE,
            stdout=PIPE,
            stderr=printed,
        )
    forks = Forks(process, log)
    listening = asyncio.create_task(forks.listen(), name="listen to the forks")
    try:
        yield forks
    finally:
        forks.kill_all()
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await listening
