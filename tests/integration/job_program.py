"""A process that works a job and may be killed. It is forked from one that has everything imported, so that it starts at once."""

import asyncio
import multiprocessing
import os
from contextlib import AsyncExitStack
from multiprocessing.process import BaseProcess
from pathlib import Path

import orjson

from consumers.adapters.redis_jobs import RedisJobs
from consumers.app.config_file import read_config
from consumers.app.redis_login import redis_client
from consumers.app.replay_worked import run_worked
from consumers.replay.job import Job
from consumers.replay.pace import Pace
from consumers.telemetry import logs

LEASE_S = "2"
"""Of a run: a killed job's own lease is waited for."""


def start(config: Path, order: Path) -> BaseProcess:
    """Start a process that works the job in a file, and writes beside it how its events ended once it is over."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_play, args=(config, order), name="job", daemon=True)
    process.start()
    return process


async def ended(process: BaseProcess, within_s: float = 60.0) -> int | None:
    """Wait for its end, and return its exit code; None where it did not end in time."""
    await asyncio.to_thread(process.join, within_s)
    return process.exitcode


def told(order: Path) -> dict[str, int]:
    return orjson.loads(order.with_suffix(".tally").read_bytes())


def _play(config: Path, order: Path) -> None:
    os.environ["POINTSMAN_REDIS__LEASE_S"] = LEASE_S
    with config.with_suffix(".log").open("a", encoding="utf-8") as log:
        logs.configure("INFO", "text", stream=log)
        order.with_suffix(".tally").write_bytes(
            asyncio.run(_work(config, Job.of_document(orjson.loads(order.read_bytes()))))
        )


async def _work(config: Path, job: Job) -> bytes:
    file = read_config(config)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(redis_client(file.config.redis, name="pointsman-job"))
        tally = await run_worked(
            file,
            job,
            progress=lambda _done, _total: None,
            stop=asyncio.Event(),
            pace=Pace(),
            jobs=RedisJobs(client),
        )
    return orjson.dumps(tally)
