"""A job in rebuild mode in several processes, each with partitions of its own."""

import asyncio
import multiprocessing
import socket
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import orjson

from consumers.app.config_file import ConfigFile
from consumers.app.rebuild_part import Part, main
from consumers.errors import HaltError, UnavailableError
from consumers.replay.job import Job
from consumers.replay.reached import Tally
from consumers.replay.shares import shares

_FORKED: Final = multiprocessing.get_context("forkserver")
"""Processes are forked from a server that has imported what they need, and has neither tasks nor connections."""
_SILENT_S: Final = 60.0
"""A process that says nothing for so long is given up."""
_END_S: Final = 30.0
"""How long a process may take to end in order; whoever goes on with the job fences it anyway."""


async def run_in_processes(
    file: ConfigFile,
    job: Job,
    *,
    processes: int,
    rate: float | None,
    yield_lag: int,
    progress: Callable[[int, int], None],
    stop: asyncio.Event,
) -> Tally:
    """Run a job in rebuild mode, or go on with it, in so many processes at most; they end with this one.

    How many there are is no part of the job: another number may go on with it.

    Args:
        file: the configuration; each process reads it anew.
        job: what was ordered.
        processes: no more than the job has partitions are started.
        rate: records a second at most, over all of them.
        yield_lag: records that live workers may be behind before they are waited for.
        progress: told records done, by all runs of the job, and records in all.
        stop: set it to end early, in order.

    Raises:
        HaltError, UnavailableError: as `run_rebuild`, of one of the processes; the others were stopped in order.
        BaseExceptionGroup: of both.
    """
    parts = [
        Part(share, None if rate is None else rate / processes, yield_lag) for share in shares(job, processes)
    ]
    done = [0] * len(parts)

    async def run(number: int, part: Part) -> Tally:
        def told(so_far: int) -> None:
            done[number] = so_far
            progress(sum(done), job.records)

        return await _run_part(file.path, part, told, stop)

    _FORKED.set_forkserver_preload([main.__module__])
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(run(number, part), name=f"replay: process {number}")
            for number, part in enumerate(parts)
        ]
    return sum((task.result() for task in tasks), Tally())


async def _run_part(path: Path, part: Part, told: Callable[[int], None], stop: asyncio.Event) -> Tally:
    heard, theirs = socket.socketpair()
    with theirs:
        process = _FORKED.Process(target=main, args=(path, theirs), name=f"replay {part.job.id}", daemon=True)
        try:
            await asyncio.to_thread(process.start)  # the first one waits for the server that forks
        except OSError as error:
            heard.close()
            raise UnavailableError(f"no process can be started for replay {part.job.id}: {error}") from error
    said, tell = await asyncio.open_connection(sock=heard)
    stopper = asyncio.create_task(_stop_on(stop, tell), name="stop a process of the replay")
    try:
        tell.write(part.line())
        while answer := await _answer(said, part.job):
            if "tally" in answer:
                return Tally(answer["tally"])
            if "error" in answer:
                raise (UnavailableError if answer["away"] else HaltError)(answer["error"])
            if "done" in answer:
                told(answer["done"])
        await asyncio.to_thread(process.join, _END_S)
        raise UnavailableError(
            f"a process of replay {part.job.id} ended by itself (exit code {process.exitcode}); what it says is in the "
            "log above. What it did stays done: go on with the job"
        )
    finally:
        stopper.cancel()
        tell.close()
        await asyncio.shield(asyncio.to_thread(_end, process))


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


async def _stop_on(stop: asyncio.Event, tell: asyncio.StreamWriter) -> None:
    await stop.wait()
    tell.write_eof()


def _end(process: BaseProcess) -> None:
    process.join(_END_S)
    if process.exitcode is None:
        process.kill()
        process.join()
