"""A whole run: every scenario once without a blow, then every point, on lanes side by side."""

import asyncio
import itertools
import resource
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from checks import broken, calm_mistakes
from facts import Played
from lane import Lane, open_lane
from playing import Playing
from points import Blow, Moment, Point, points
from processes import CrashError, open_forks
from scenarios import SCENARIOS, Play

from consumers.adapters.kafka_clients import KafkaConnection
from consumers.local.broker import local_broker

_PLAYS_A_TOPIC: Final = 50
"""A Redis that was flushed is rebuilt from all that the topic has: it is not to have everything."""
_TRIES: Final = 3
"""How often a point is played that was not reached: two events of one session wait for each other more or less often."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run.

    Attributes:
        scenarios: their names.
        blows: what is struck.
        number: the only call at which it is; all if None.
        moments: at which moments of a call.
        lanes: how many side by side.
        patience_s: how long one play may take.
        mutant: what is wrong with the workers.
        stop_at: how many broken points end the run.
    """

    scenarios: Sequence[str]
    blows: Sequence[Blow]
    number: int | None
    moments: Sequence[Moment]
    lanes: int
    patience_s: float
    mutant: str
    stop_at: int | None


@dataclass
class Ran:
    """What came of it.

    Attributes:
        calm: of each scenario, without a blow.
        struck: one for each point, in the order in which they ended.
        broken: what is broken in a point, by promise.
        seconds: for all of it, servers included.
        cpu_s: of all processes, which does not depend on what else the machine has to do.
        faults: what went wrong beside the plays.
        again: how many plays were repeated, because their point was not reached.
    """

    calm: dict[str, Played] = field(default_factory=dict[str, Played])
    struck: list[Played] = field(default_factory=list[Played])
    broken: dict[Point, Mapping[str, Sequence[str]]] = field(
        default_factory=dict[Point, Mapping[str, Sequence[str]]]
    )
    seconds: float = 0.0
    cpu_s: float = 0.0
    faults: list[str] = field(default_factory=list[str])
    again: int = 0


Advance = Callable[[int, int, str], None]
"""Told how many of how many points were played, and what is said of the last one."""


async def run(job: Job, folder: Path, advance: Advance) -> Ran:
    """Run it in an empty folder.

    Raises:
        CrashError: what is not under test has failed; mostly inside an exception group.
    """
    ran, began = Ran(), time.monotonic()
    async with AsyncExitStack() as exits:
        bootstrap = await exits.enter_async_context(local_broker(folder / "broker"))
        forks = await exits.enter_async_context(open_forks(folder))
        kafka = KafkaConnection(bootstrap, {})
        lanes = [
            await exits.enter_async_context(open_lane(place.name, place, kafka, forks, job.mutant))
            for place in _places(folder, job.lanes)
        ]
        for name in job.scenarios:
            advance(0, 0, f"{name}, calm")
            played = await _play(lanes[0], name, None, job)
            if wrong := calm_mistakes(played):
                raise CrashError(f"{name} goes wrong by itself: {'; '.join(wrong)}")
            ran.calm[name] = played
        planned = _planned(job, ran.calm)
        waiting = deque(planned)
        async with asyncio.TaskGroup() as tasks:
            for lane in lanes:
                tasks.create_task(_work(lane, waiting, len(planned), job, ran, advance))
        for lane in lanes:
            if code := await lane.end_worker():
                ran.faults.append(f"a worker that was told to end did so with {code}")
    ran.seconds = time.monotonic() - began
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    ran.cpu_s = sum(usage.ru_utime + usage.ru_stime for usage in spent)
    return ran


def _places(folder: Path, lanes: int) -> list[Path]:
    """Make a folder for each lane; the lane has its name."""
    places = [folder / name for name in "abcdefgh"[:lanes]]
    for place in places:
        place.mkdir()
    return places


def _planned(job: Job, calm: Mapping[str, Played]) -> list[Point]:
    planned = [
        point
        for point in points({name: played.calls for name, played in calm.items()}, job.blows)
        if point.moment in job.moments and job.number in {None, point.number}
    ]
    if job.blows and not planned:
        raise CrashError("there is no such point")
    return planned


async def _work(
    lane: Lane, waiting: deque[Point], planned: int, job: Job, ran: Ran, advance: Advance
) -> None:
    """Play the points that wait, one after the other."""
    for number in itertools.count():
        if not waiting:
            return
        if number % _PLAYS_A_TOPIC == _PLAYS_A_TOPIC - 1 and "worker" not in job.blows:
            await lane.leave()
            await lane.servers.redis.renew()
            await lane.enter()
        if job.stop_at is not None and len(ran.broken) >= job.stop_at:
            return
        point = waiting.popleft()
        advance(len(ran.struck), planned, str(point))
        played = await _play(lane, point.scenario, point, job)
        tries = 1
        while not played.struck and not played.trouble and tries < _TRIES:
            ran.again, tries = ran.again + 1, tries + 1
            played = await _play(lane, point.scenario, point, job)
        ran.struck.append(played)
        if wrong := broken(played, ran.calm[point.scenario]):
            ran.broken[point] = wrong
        advance(len(ran.struck), planned, str(point))


async def _play(lane: Lane, scenario: str, point: Point | None, job: Job) -> Played:
    play = Play(SCENARIOS[scenario], lane.new_name())
    played = await Playing(lane, play, point, job.patience_s).to_its_end()
    if played.trouble:  # what it has left unfinished is not to disturb the next one
        await lane.leave()
        await lane.enter()
    return played
