"""The workers: whole ones, each in a slot, that are killed, frozen and replaced. One that ends by itself is a fault."""

import asyncio
import itertools
import signal
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from processes import LOOK_S, ChaosError, start, until
from servers import CLI, SHUTDOWN_S, Servers
from worker import CODES, Told, Worker

READY_S = 90.0
SLACK_S = 10.0
"""Beside `limits.shutdown_s`: for the interpreter, on a machine that is busy."""
MOST_ENDS = 20
PAUSE_S = 1.0
"""Until a worker that could not begin is started again."""


@dataclass
class Workers:
    """All slots."""

    servers: Servers
    settings: Mapping[str, str]
    slots: list[Worker] = field(default_factory=list[Worker])
    faults: list[str] = field(default_factory=list[str])
    """What a worker did that it was not told."""
    done: "Counter[str]" = field(default_factory=Counter[str])
    stop_s: list[float] = field(default_factory=list[float])
    """How long each orderly end took."""
    broker_is_away: bool = False
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _closing: bool = False
    _thawing: set["asyncio.Task[None]"] = field(default_factory=set["asyncio.Task[None]"])

    async def start(self, slot: int) -> None:
        """Start a worker in a slot, a new one or one whose worker has ended."""
        name = f"worker-{slot}-{next(self._numbers)}"
        log = self.servers.folder / f"{name}.log"
        command = (CLI, "run", "-c", self.servers.config)
        worker = Worker(name, await start(command, log=log, environment=self.settings), log)
        self.slots[slot : slot + 1] = [worker]
        worker.without_broker = self.broker_is_away
        worker.attended = asyncio.create_task(self._attend(worker, slot), name=name)
        self.done["starts"] += 1

    async def kill(self, slot: int) -> str:
        """SIGKILL a worker that takes events, and start another one in its place; returns which one it was."""
        worker = await self._victim(slot)
        await self._end(worker, "kill", signal.SIGKILL, SLACK_S)
        await self.start(self.slots.index(worker))
        return worker.name

    async def freeze(self, slot: int, seconds: float) -> str:
        """SIGSTOP a worker that takes events, and let it go on later; returns which one it was."""
        worker = await self._victim(slot)
        worker.frozen = True
        worker.send(signal.SIGSTOP)
        self.done["freezes"] += 1
        thawing = asyncio.create_task(self._thaw(worker, seconds), name=f"thaw {worker.name}")
        self._thawing.add(thawing)
        thawing.add_done_callback(self._thawing.discard)
        return worker.name

    def lose_broker(self) -> None:
        """Take note that the broker goes away, until `find_broker`."""
        self.broker_is_away = True
        for worker in self.slots:
            worker.without_broker = not worker.took_events()

    def find_broker(self) -> None:
        self.broker_is_away = False

    async def deploy(self) -> None:
        """Replace all workers in order, one after the other."""
        await self.thawed()
        for slot in range(len(self.slots)):
            await until(lambda at=slot: self.slots[at].took_events(), within_s=READY_S)
            await self._end(self.slots[slot], "end", signal.SIGTERM, SHUTDOWN_S)
            await self.start(slot)
        self.done["deploys"] += 1

    async def end(self) -> None:
        """End all workers in order, together, once all of them take events."""
        await self.thawed()
        for worker in self.slots:
            if not await until(worker.took_events, within_s=READY_S):
                self.faults.append(f"{worker.name} has never taken events: {worker.tail()}")
        ends = (self._end(worker, "end", signal.SIGTERM, SHUTDOWN_S) for worker in self.slots)
        await asyncio.gather(*ends)

    async def thawed(self) -> None:
        """Wait until no worker is frozen."""
        await asyncio.gather(*self._thawing)

    async def kill_what_is_left(self) -> None:
        self._closing = True
        for task in self._thawing:
            task.cancel()
        for _ in range(2):  # one that was just being started may have come meanwhile
            for worker in self.slots:
                worker.send(signal.SIGKILL)
            await asyncio.gather(*(w.attended for w in self.slots if w.attended), return_exceptions=True)

    async def _victim(self, slot: int) -> Worker:
        """Return the worker of a slot, or of the next one, that is not frozen and takes events; wait for one if need be."""
        while True:
            for step in range(len(self.slots)):
                worker = self.slots[(slot + step) % len(self.slots)]
                if not worker.frozen and worker.process.returncode is None and worker.took_events():
                    return worker
            await asyncio.sleep(LOOK_S)

    async def _end(self, worker: Worker, told: Told, number: signal.Signals, within_s: float) -> None:
        """End a worker that was not told before, and note how it did."""
        began = time.monotonic()
        worker.told = told
        worker.send(number)
        if not await until(lambda: worker.process.returncode is not None, within_s=within_s + SLACK_S):
            self.faults.append(
                f"{worker.name} has not ended {within_s + SLACK_S:g} s after SIGTERM: {worker.tail()}"
            )
            worker.told = "kill"
            worker.send(signal.SIGKILL)
        await worker.process.wait()
        self.done[f"{told}s"] += 1
        if told == "end":
            self.stop_s.append(time.monotonic() - began)

    async def _thaw(self, worker: Worker, seconds: float) -> None:
        await asyncio.sleep(seconds)
        worker.frozen = False
        worker.send(signal.SIGCONT)

    async def _attend(self, worker: Worker, slot: int) -> None:
        """Wait for a worker's end; one that was told nothing gets a successor, as an orchestrator would see to."""
        code = await worker.process.wait()
        if worker.told is None and not self._closing:
            if worker.without_broker and not worker.took_events():
                self.done["starts without broker"] += 1
                await asyncio.sleep(PAUSE_S)
            else:
                self.faults.append(f"{worker.name} ended by itself with {code}: {worker.tail()}")
                self.done["ended by themselves"] += 1
            if self.done["ended by themselves"] < MOST_ENDS:
                await self.start(slot)
        elif worker.told and code != CODES[worker.told]:
            self.faults.append(f"{worker.name}, told to {worker.told}, ended with {code}: {worker.tail()}")

    def check(self) -> None:
        """Raise ChaosError where workers end faster than anybody can look."""
        if self.done["ended by themselves"] >= MOST_ENDS:
            raise ChaosError(f"{MOST_ENDS} workers ended by themselves: {self.faults[-1]}")


@asynccontextmanager
async def running_workers(
    servers: Servers, count: int, settings: Mapping[str, str]
) -> AsyncGenerator[Workers]:
    """Run workers while the block runs; they have begun to take events when it begins."""
    workers = Workers(servers, settings)
    try:
        for slot in range(count):
            await workers.start(slot)
        for worker in workers.slots:
            if not await until(worker.is_ready, within_s=READY_S) or worker.process.returncode is not None:
                raise ChaosError(f"{worker.name} does not take events: {worker.tail()}")
        yield workers
    finally:
        await workers.kill_what_is_left()
