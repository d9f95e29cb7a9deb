"""A process that does a part of a rebuild: forked from a server that has imported this module, so that it is there at once.

By its socket it is told what to do, in one line, and to stop, by the end of it; so it ends with whoever started it, however
that ends. It says how far it has come and what became of the records, and in the end that it is over or what was wrong, one
JSON document a line. See `consumers.app.rebuild_processes` for who starts it.
"""

import asyncio
import contextlib
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any, Final

import orjson
from aiokafka.errors import KafkaError

from consumers.app.config_file import read_config
from consumers.app.replay_figures import JobFigures
from consumers.app.replay_live import live, telling
from consumers.app.replay_rebuild import run_rebuild
from consumers.errors import PointsmanError, UnavailableError
from consumers.replay.job import Job
from consumers.replay.pace import Pace
from consumers.telemetry import logs
from schemas.errors import SchemaError

_SIGN_S: Final = 5.0
"""How often it says that it is still there, at least."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a process is told.

    Attributes:
        job: the job, with the partitions of this process.
        rate: records a second at most, or None.
        most_lag: as `Pace` takes it.
    """

    job: Job
    rate: float | None
    most_lag: int

    def line(self) -> bytes:
        """Return it as the process reads it."""
        told = {"job": self.job.document(), "rate": self.rate, "most_lag": self.most_lag}
        return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def of_line(cls, line: bytes) -> "Part":
        """Read what `line` returned."""
        told = orjson.loads(line)
        return cls(Job.of_document(told["job"]), told["rate"], told["most_lag"])


def main(path: Path, heard: socket) -> None:
    """Do what the first line says, with this configuration."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # Ctrl-C at a terminal reaches all processes, and each is to end in order when it is told to.
        signal.signal(number, signal.SIG_IGN)
    logs.configure("WARNING", "text")
    asyncio.run(_work(path, heard))


async def _work(path: Path, heard: socket) -> None:
    told, answers = await asyncio.open_connection(sock=heard)
    try:
        await _rebuilt(path, Part.of_line(await told.readline()), told, answers)
        _say(answers, over=True)
    except (PointsmanError, SchemaError, KafkaError, TimeoutError) as error:
        _say(answers, error=str(error) or repr(error), away=isinstance(error, UnavailableError | KafkaError))
    with contextlib.suppress(ConnectionError):  # whoever listened is gone
        async with asyncio.timeout(_SIGN_S):
            await answers.drain()


async def _rebuilt(path: Path, part: Part, told: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
    file, stop, figures = read_config(path), asyncio.Event(), JobFigures(part.job)

    async def stop_when_told() -> None:
        await told.read()
        stop.set()

    async with AsyncExitStack() as stack:
        asked = await live(file.config, stack)
        pace = Pace(part.rate, telling(asked.lag, part.most_lag), most_lag=part.most_lag)

        async def signs() -> None:
            while True:
                _say(answers, yields=pace.yields)
                await asyncio.sleep(_SIGN_S)

        def progress(done: int, _total: int) -> None:
            _say(answers, done=done, tally=figures.counted, yields=pace.yields)

        beside = [
            asyncio.create_task(signs(), name="say that it is there"),
            asyncio.create_task(stop_when_told(), name="stop"),
        ]
        try:
            await run_rebuild(file, part.job, progress=progress, stop=stop, pace=pace, figures=figures)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.wait(beside)


def _say(answers: asyncio.StreamWriter, **what: Any) -> None:
    answers.write(orjson.dumps(what, option=orjson.OPT_APPEND_NEWLINE))
