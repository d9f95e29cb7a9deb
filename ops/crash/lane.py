"""A lane: one stack of servers and one worker at a time, on which one play follows the other."""

import asyncio
import itertools
import signal
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from processes import CrashError, Forks, Worker
from servers import Servers, new_ground, open_servers
from traffic import Traffic, open_traffic

from consumers.adapters.kafka_clients import KafkaConnection

_START_S: Final = 30.0
_DEATH_S: Final = 10.0


class Lane:
    """What a play needs.

    Args:
        name: in front of all names of its plays.
        servers: its own.
        forks: starts its workers.
        mutant: what is wrong with its workers.
    """

    def __init__(self, name: str, servers: Servers, forks: Forks, mutant: str) -> None:
        self.servers = servers
        self.traffic: Traffic
        self.worker: Worker | None = None
        """The last one that was started, unless it is known to have ended."""
        self._name = name
        self._starting: asyncio.Task[Worker] | None = None
        self._forks = forks
        self._mutant = mutant
        self._numbers = itertools.count(1)
        self._exits = AsyncExitStack()

    def new_name(self) -> str:
        """Return a name that nothing here has had."""
        return f"{self._name}-{next(self._numbers)}"

    async def start_worker(self) -> Worker:
        """Start a worker on this lane's ground. One whose starter was cancelled is found by the next one."""
        if self._starting is None:
            orders = self.servers.orders(self.traffic.ground, self._mutant)
            self._starting = asyncio.create_task(self._forks.start(orders), name="start a worker")
        worker = await asyncio.shield(self._starting)
        self._starting, self.worker = None, worker
        return worker

    async def enter(self) -> None:
        """Go to a ground that nobody has used, and start a worker there.

        Raises:
            CrashError: it does not take the partitions.
        """
        ground = await new_ground(self.servers, self.new_name())
        self.traffic = await self._exits.enter_async_context(
            open_traffic(self.servers.kafka, ground, self.servers.signer)
        )
        await self.start_worker()
        try:
            async with asyncio.timeout(_START_S):
                await self.traffic.begun()
        except TimeoutError:
            raise CrashError(f"a worker takes no partitions: {self.log()[-3000:]}") from None

    async def leave(self) -> None:
        """Leave it, with whatever is unfinished on it."""
        if self._starting is not None:
            await self.start_worker()
        if self.worker is not None:
            self.worker.send(signal.SIGKILL)
            await self.worker.ended(within_s=_DEATH_S)
            self.worker = None
        await self._exits.aclose()
        self._exits = AsyncExitStack()

    def log(self, begin: int = 0) -> str:
        """Return what workers have logged from a place in the log on."""
        with (self.servers.folder / "worker.log").open("rb") as lines:
            lines.seek(begin)
            return lines.read().decode(errors="replace")

    async def end_worker(self) -> int:
        """End the worker in order; returns its code."""
        code = await self.worker.stop() if self.worker is not None else 0
        self.worker = None
        return code


@asynccontextmanager
async def open_lane(
    name: str, folder: Path, kafka: KafkaConnection, forks: Forks, mutant: str
) -> AsyncGenerator[Lane]:
    """Open a lane in a folder of its own while the block runs."""
    async with open_servers(folder, kafka) as servers:
        lane = Lane(name, servers, forks, mutant)
        try:
            await lane.enter()
            yield lane
        finally:
            await lane.leave()
