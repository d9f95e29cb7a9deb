"""The backfill of `backfill.py`, in a process of its own: works a job until SIGTERM, then prints how its events ended."""

import argparse
import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import orjson

from consumers.adapters.redis_jobs import RedisJobs
from consumers.app.config_file import read_config
from consumers.app.giving_way import give_way
from consumers.app.redis_login import redis_client
from consumers.app.replay_live import live
from consumers.app.replay_worked import run_worked
from consumers.replay.job import Job
from consumers.replay.pace import Pace
from consumers.replay.worked import Tally
from consumers.telemetry import logs


async def _work(options: argparse.Namespace) -> Tally:
    file = read_config(options.config)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    begun = False

    def progress(done: int, total: int) -> None:
        nonlocal begun
        if not begun:  # from now on it takes events
            sys.stdout.write(f"{done} of {total}\n")
            sys.stdout.flush()
            begun = True

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(redis_client(file.config.redis, name="bench-backfill"))
        asked = await live(file.config, stack)
        return await run_worked(
            file,
            Job.of_document(orjson.loads(options.job.read_bytes())),
            progress=progress,
            stop=stop,
            pace=Pace(options.rate or None, asked.lag, most_lag=options.yield_lag),
            jobs=RedisJobs(client),
            at_once=options.at_once,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--job", type=Path, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--at-once", type=int, required=True)
    parser.add_argument("--yield-lag", type=int, required=True)
    logs.configure("WARNING", "text")
    give_way()  # as the command does
    tally = asyncio.run(_work(parser.parse_args()))
    sys.stdout.write(orjson.dumps(tally).decode() + "\n")


if __name__ == "__main__":
    main()
