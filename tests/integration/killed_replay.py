"""A replay that says how far it has come, and may be killed. It is forked from one that has everything imported."""

import asyncio
import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from consumers.app.config_file import read_config
from consumers.app.replay_rebuild import run_rebuild
from consumers.replay.job import Job
from consumers.replay.pace import Pace


def start(config: Path, job: Job, batch: int) -> tuple[BaseProcess, Connection]:
    """Start a process that rebuilds, and what it says: records done and in all, again and again, and its tally at the end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    heard, said = context.Pipe(duplex=False)
    with said:
        process = context.Process(target=_play, args=(config, job, batch, said), name="replay", daemon=True)
        process.start()
    return process, heard


def _play(config: Path, job: Job, batch: int, said: Connection) -> None:
    said.send(asyncio.run(_run(config, job, batch, said)))


async def _run(config: Path, job: Job, batch: int, said: Connection) -> dict[str, int]:
    def progress(done: int, total: int) -> None:
        said.send((done, total))

    stop = asyncio.Event()
    return await run_rebuild(read_config(config), job, progress=progress, stop=stop, pace=Pace(), batch=batch)
