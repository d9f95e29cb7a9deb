"""One run of a shadow replay as a process of its own, which may be killed: `CONFIG JOB.json`. Says how far it came."""

import asyncio
import sys
from pathlib import Path

import orjson

from consumers.app.config_file import ConfigFile, read_config
from consumers.app.replay_shadow import run_shadow
from consumers.replay.job import Job
from consumers.replay.pace import Pace

RATE = 4.0
"""Events a second, so that there is time to be killed."""


def told(done: int, total: int) -> None:
    """Say it at once."""
    sys.stdout.write(f"{done} of {total}\n")
    sys.stdout.flush()


async def run(config: ConfigFile, job: Job) -> None:
    """Run it to its end."""
    await run_shadow(
        config,
        job,
        progress=told,
        stop=asyncio.Event(),
        pace=Pace(RATE),
        at_once=2,
    )


if __name__ == "__main__":
    ordered = orjson.loads(Path(sys.argv[2]).read_bytes())
    asyncio.run(run(read_config(Path(sys.argv[1])), Job.of_document(ordered)))
