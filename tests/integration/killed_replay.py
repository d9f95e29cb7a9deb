"""A replay job as a process of its own, which says how far it has come, and may be killed."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from consumers.app.config_file import read_config
from consumers.app.replay_rebuild import run_rebuild
from consumers.replay.job import Job
from consumers.replay.pace import Pace


def main() -> None:
    config, ordered, batch = sys.argv[1:]
    job = Job.of_document(json.loads(Path(ordered).read_text(encoding="utf-8")))
    _say(asyncio.run(_run(Path(config), job, int(batch))))


async def _run(config: Path, job: Job, batch: int) -> dict[str, int]:
    def progress(done: int, total: int) -> None:
        _say([done, total])

    stop = asyncio.Event()
    return await run_rebuild(read_config(config), job, progress=progress, stop=stop, pace=Pace(), batch=batch)


def _say(what: Any) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
