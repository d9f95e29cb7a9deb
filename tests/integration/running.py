"""A worker in the process of the test."""

import asyncio
from typing import Self

from consumers.app.config_file import read_config
from consumers.app.worker import WorkerInfo, run_worker
from tests.integration.stage import Stage


class Running:
    """A worker in this process, ended in order when the block ends."""

    def __init__(self, played: Stage) -> None:
        self._played = played
        self._stop = asyncio.Event()
        self.info: WorkerInfo

    async def __aenter__(self) -> Self:
        started: asyncio.Future[WorkerInfo] = asyncio.get_running_loop().create_future()
        file = read_config(self._played.config)
        self._task = asyncio.create_task(run_worker(file, stop=self._stop, started=started.set_result))
        async with asyncio.timeout(30):
            await asyncio.wait({started, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if self._task.done():
                await self._task
        self.info = started.result()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        async with asyncio.timeout(30):
            await self._task
