"""A job in rebuild mode in several processes, each with partitions of its own."""

import asyncio
import multiprocessing
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import orjson

from consumers.app.config_file import ConfigFile
from consumers.app.rebuild_part import Part, main
from consumers.app.replay_figures import JobFigures
from consumers.errors import HaltError, UnavailableError
from consumers.replay.job import Job
from consumers.replay.pace import Pace
from consumers.replay.reached import Tally
from consumers.replay.shares import shares

_FORKED: Final = multiprocessing.get_context("forkserver")
"""Processes are forked from a server that has imported what they need, and has neither tasks nor connections."""
_SILENT_S: Final = 60.0
"""A process that says nothing for so long is given up."""
_END_S: Final = 30.0
"""How long a process may take to end in order; whoever goes on with the job fences it anyway."""


@dataclass(slots=True)
class _Told:
    """What a process has said last: nothing yet, as long as there is no tally."""

    done: int = 0
    tally: Tally | None = None
    yields: int = 0


async def run_in_processes(
    file: ConfigFile,
    job: Job,
    processes: int,
    *,
    progress: Callable[[int, int], None],
    stop: asyncio.Event,
    pace: Pace,
    figures: JobFigures | None = None,
) -> Tally:
    """Run a job in rebuild mode, or go on with it, in so many processes at most; they end with this one.

    How many there are is no part of the job: another number may go on with it.

    Args:
        file: the configuration; each process reads it anew.
        job: what was ordered.
        processes: no more than the job has partitions are started.
        progress: told records done, by all runs of the job, and records in all.
        stop: set it to end early, in order.
        pace: each process has one like it, with a part of its rate; how often they yielded is counted on this one.
        figures: what the job shows of itself.

    Raises:
        HaltError, UnavailableError: as `run_rebuild`, of one of the processes; the others were stopped in order.
        BaseExceptionGroup: of both.
    """
    figures = figures or JobFigures(job)
    dealt = shares(job, processes)
    rate = None if pace.rate is None else pace.rate / len(dealt)
    parts = [(Part(share, rate, pace.most_lag), _Told()) for share in dealt]

    def tell() -> None:
        said = [told for _, told in parts]
        pace.yields = sum(told.yields for told in said)
        tallies = [told.tally for told in said if told.tally is not None]
        if not tallies:
            return
        done = sum(told.done for told in said)
        if len(tallies) == len(parts):
            figures.tell(done, sum(tallies, Tally()))
        progress(done, job.records)

    _FORKED.set_forkserver_preload([main.__module__])
    async with asyncio.TaskGroup() as group:
        for number, (part, told) in enumerate(parts):
            group.create_task(_run_part(file.path, part, told, tell, stop), name=f"replay: process {number}")
    return sum((told.tally for _, told in parts if told.tally is not None), Tally())


async def _run_part(
    path: Path, part: Part, told: _Told, tell: Callable[[], None], stop: asyncio.Event
) -> None:
    process, heard = await _started(path, part.job)
    said, order = await asyncio.open_connection(sock=heard)
    stopper = asyncio.create_task(_stop_on(stop, order), name="stop a process of the replay")
    try:
        order.write(part.line())
        while answer := await _answer(said, part.job):
            if "over" in answer:
                return
            if "error" in answer:
                raise (UnavailableError if answer["away"] else HaltError)(answer["error"])
            told.yields = answer["yields"]
            if "tally" in answer:
                told.done, told.tally = answer["done"], Tally(answer["tally"])
            tell()
        await asyncio.to_thread(process.join, _END_S)
        raise UnavailableError(
            f"a process of replay {part.job.id} ended by itself (exit code {process.exitcode}); what it says is in the "
            "log above. What it did stays done: go on with the job"
        )
    finally:
        stopper.cancel()
        order.write_eof()
        try:
            await asyncio.shield(asyncio.to_thread(_end, process))
        finally:
            order.close()


async def _started(path: Path, job: Job) -> tuple[BaseProcess, socket.socket]:
    """Start a process, and return it with the socket that it is told and heard by."""
    heard, theirs = socket.socketpair()
    with ExitStack() as unless_started, theirs:
        unless_started.callback(heard.close)
        process = _FORKED.Process(target=main, args=(path, theirs), name=f"replay {job.id}", daemon=True)
        try:
            await asyncio.to_thread(process.start)  # the first one waits for the server that forks
        except OSError as error:
            raise UnavailableError(f"no process can be started for replay {job.id}: {error}") from error
        unless_started.pop_all()
    return process, heard


async def _answer(said: asyncio.StreamReader, job: Job) -> dict[str, Any]:
    try:
        async with asyncio.timeout(_SILENT_S):
            line = await said.readline()
    except TimeoutError as error:
        raise UnavailableError(
            f"a process of replay {job.id} said nothing for {_SILENT_S:.0f} s; go on with the job"
        ) from error
    except ConnectionResetError:
        line = b""  # it was killed
    return orjson.loads(line) if line else {}


async def _stop_on(stop: asyncio.Event, order: asyncio.StreamWriter) -> None:
    await stop.wait()
    order.write_eof()


def _end(process: BaseProcess) -> None:
    process.join(_END_S)
    if process.exitcode is None:
        process.kill()
        process.join()
