"""A rebuild in several processes: the same as in one, whoever of them is killed."""

import asyncio
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from consumers.adapters.kafka_reader import topic_reader
from consumers.app.config_file import read_config
from consumers.app.rebuild_processes import run_in_processes
from consumers.errors import HaltError, UnavailableError
from consumers.local.broker import local_broker
from consumers.replay.job import Job
from consumers.replay.pace import Pace
from consumers.replay.reached import Tally
from schemas.record import Record
from tests.integration.finished_events import ORDERS, Finished, by_key, finish, job
from tests.integration.stage import OUTCOMES, ROOT, START, Stage, stage

EVENTS = 120
WHOLE = {"read": EVENTS, "republished": EVENTS, "success": 96, "refused": 24}
WITHIN_S = 60


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


async def ordered(played: Stage, name: str) -> Job:
    async with topic_reader(played.connection) as reader:
        spans = await reader.spans([ORDERS])
    return job(name, {tp.partition: (span.first, span.end) for tp, span in spans.items()})


async def run(
    played: Stage,
    job: Job,
    *,
    processes: int,
    rate: float | None = None,
    seen: Callable[[int], None] = lambda _done: None,
    stop: asyncio.Event | None = None,
) -> Tally:
    def progress(done: int, total: int) -> None:
        assert total == job.records
        seen(done)

    async with asyncio.timeout(WITHIN_S):
        return await run_in_processes(
            read_config(played.config),
            job,
            processes,
            progress=progress,
            stop=stop or asyncio.Event(),
            pace=Pace(rate),
        )


async def outcomes_of(played: Stage) -> list[Record]:
    async with topic_reader(played.connection) as reader:
        return [record async for record in reader.to_end([OUTCOMES])]


def parts() -> list[int]:
    """Return the processes that this one has for a rebuild."""
    pids = [each.pid for each in multiprocessing.active_children() if each.name.startswith("replay ")]
    return [pid for pid in pids if pid is not None]


def children(pid: int) -> list[int]:
    """Return the processes that one has started, by any of its threads; none where it ended."""
    found = [file.read_text(encoding="ascii") for file in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(each) for text in found for each in text.split()]


def parts_of(command: int) -> list[int]:
    """Return the processes that a command has for a rebuild: forked by a server of its own."""
    return [part for server in children(command) for part in children(server)]


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not found():
            await asyncio.sleep(0.02)


def same(records: list[Record], finished: list[Finished]) -> bool:
    return by_key(records) == by_key([each.first for each in finished])


async def test_processes_give_together_what_one_gives_and_a_stop_reaches_each(played: Stage) -> None:
    finished = await finish(played, EVENTS, sessions=20)
    asked, stop = await ordered(played, "shared"), asyncio.Event()
    assert len(asked.spans) == 3

    def seen(done: int) -> None:
        if done >= 20:
            stop.set()

    half = await run(played, asked, processes=3, rate=60, seen=seen, stop=stop)
    assert 20 <= half["read"] < EVENTS
    assert parts() == []

    assert await run(played, asked, processes=2) == WHOLE
    assert same(await outcomes_of(played), finished)


async def test_one_that_is_killed_ends_the_others_and_any_number_goes_on(played: Stage) -> None:
    finished = await finish(played, EVENTS, sessions=20)
    asked = await ordered(played, "killed")
    killed = False

    def kill_one(done: int) -> None:
        nonlocal killed
        if done and not killed:
            killed = True
            os.kill(parts()[0], signal.SIGKILL)

    with pytest.raises(BaseExceptionGroup) as caught:
        await run(played, asked, processes=2, rate=60, seen=kill_one)
    (error,) = caught.value.exceptions
    assert isinstance(error, UnavailableError)
    assert "(exit code -9)" in str(error)
    assert parts() == []

    assert await run(played, asked, processes=3) == WHOLE
    assert same(await outcomes_of(played), finished)


async def test_what_is_wrong_is_said_by_one_of_them(played: Stage) -> None:
    await finish(played, 5, sessions=5)
    asked = await ordered(played, "of before")
    before = job("of before", {number: (first, end + 1_000) for number, (first, end) in asked.spans.items()})
    with pytest.raises(BaseExceptionGroup) as caught:
        await run(played, before, processes=2)
    assert {type(error) for error in caught.value.exceptions} == {HaltError}
    assert "it was made anew since this was ordered" in str(caught.value.exceptions[0])


async def test_with_the_command_killed_its_processes_end_and_another_command_goes_on(played: Stage) -> None:
    finished = await finish(played, EVENTS, sessions=20)
    command = await started(played, ORDERS, "--processes", "2", "--rate", "30")
    await until(lambda: len(parts_of(command.pid)) == 2)
    left = parts_of(command.pid)
    command.kill()
    await command.wait()
    await until(lambda: not any(map(is_there, left)))

    (stopped,) = json.loads(await said(await started(played, "--jobs", "--json")))
    assert stopped["state"] == "ordered"
    going_on = await started(played, "--job", stopped["job"]["id"], "--processes", "3", "--json")
    done = json.loads(await said(going_on))

    assert (done["state"], done["tally"]) == ("over", WHOLE)
    assert same(await outcomes_of(played), finished)


async def started(played: Stage, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", START, "replay", "-c", str(played.config), *words),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )


async def said(command: asyncio.subprocess.Process) -> bytes:
    async with asyncio.timeout(WITHIN_S):
        out, _ = await command.communicate()
    assert command.returncode == 0
    return out
