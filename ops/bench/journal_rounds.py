"""The rounds of `bench-journal`: calls timed in turns, then each way alone for what server and client use."""

import random
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from journal_calls import WAYS, Load, Writers
from redis.asyncio import Redis
from runtime_figures import quantile


@dataclass(frozen=True, slots=True)
class Size:
    """How many appends of each way a load has in a round.

    Attributes:
        warmup: not looked at.
        timed: one by one, the ways in turns.
        counted: together, each way alone.
    """

    warmup: int
    timed: int
    counted: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a call of one way took, in microseconds.

    Attributes:
        p50: from calling to having the answer.
        p99: the same.
        server: in the script, as Redis says; what it spends on the append-only file is not in it.
        client: CPU of our process.
    """

    p50: float
    p99: float
    server: float
    client: float


@dataclass(frozen=True, slots=True)
class Round:
    """One load in one round, by way."""

    load: str
    figures: dict[str, Figures]


async def rounds_of(
    redis: Redis, loads: Sequence[Load], size: Size, rounds: int, seed: int
) -> AsyncGenerator[Round]:
    """Measure every load in every round.

    Raises:
        PointsmanError: Redis is not as it must be.
    """
    dice = random.Random(seed)
    for _ in range(rounds):
        for load in loads:
            await redis.flushall()
            writers = Writers(redis, load)
            await writers.ready()
            await _timed(writers, size.warmup, dice)
            took = await _timed(writers, size.timed, dice)
            used = {way: await _counted(redis, writers, way, size.counted) for way in WAYS}
            yield Round(
                load.name,
                {way: Figures(_at(took[way], 0.5), _at(took[way], 0.99), *used[way]) for way in WAYS},
            )


async def _timed(writers: Writers, count: int, dice: random.Random) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    order = list(WAYS)
    while len(took[order[0]]) < count:
        for calls in await writers.run():
            dice.shuffle(order)
            for way in order:
                call = calls[way]
                begin = time.perf_counter_ns()
                await call()
                took[way].append((time.perf_counter_ns() - begin) / 1_000)
    return took


async def _counted(redis: Redis, writers: Writers, way: str, count: int) -> tuple[float, float]:
    """Return what the server and what the client use for a call, in microseconds."""
    server = client = calls = 0.0
    while calls < count:
        run = [by_way[way] for by_way in await writers.run()]
        await redis.config_resetstat()
        begin = time.thread_time_ns()
        for call in run:
            await call()
        client += (time.thread_time_ns() - begin) / 1_000
        stats = await redis.info("commandstats")
        server += stats["cmdstat_evalsha"]["usec"]
        calls += len(run)
    return server / calls, client / calls


def _at(took: Sequence[float], share: float) -> float:
    return quantile(took, share) or 0.0
