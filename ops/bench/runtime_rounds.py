"""The order of a whole run: backlogs filled, lingers chosen, then rounds in which the variants take turns."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from runtime_cells import CELLS, LINGERS, NOTHING, OURS, TRANSACTIONAL, Cell, Pace, Plan
from runtime_figures import Figures, Memory, middle
from runtime_report import Measured
from runtime_runs import Bench, at_a_rate, backlog_topic, memory, on_backlog
from runtime_topics import PARTITIONS
from variants.event import events

from consumers.app.config import Kafka

OUR_TOPICS: Final = (Kafka().dead_letters_topic, Kafka().parked_topic)
"""Those that our runtime wants; `variants/ours.py` uses the same names."""
_FILLED: Final = 100_000
"""Events that count as one step of the progress bar."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """Who is told how far it is.

    Attributes:
        total: how many steps there are.
        begins: what comes next.
        done: so many steps are done.
    """

    total: Callable[[int], None]
    begins: Callable[[str], None]
    done: Callable[[int], None]


async def measure_all(bench: Bench, plan: Plan, rounds: int, kafka: str, ahead: Ahead) -> Measured:
    """Measure what the plan says.

    Raises:
        ProcessError, TopicError, TimeoutError: something ended or did not answer, so there are no figures.
    """
    runs = list(_runs(plan, rounds))
    tuned = _tuned(plan)
    steps = len(runs) + len(tuned) * len(LINGERS) + sum(_steps(count) for count in plan.events.values())
    ahead.total(steps + (plan.backlog.seconds if plan.backlog else 0))
    for keys, count in plan.events.items():
        await _fill(bench, keys, count, ahead)
    tuning = {variant: await _tune(bench, plan, variant, ahead) for variant in tuned}
    lingers = {variant: max(found, key=lambda linger: found[linger]) for variant, found in tuning.items()}
    measured: defaultdict[tuple[str, str], list[Figures]] = defaultdict(list)
    for load, variant in runs:
        ahead.begins(f"{load.name}: {variant}")
        measured[load.name, variant].append(await _run(bench, load, variant, lingers.get(variant, 0)))
        ahead.done(1)
    return Measured(
        plan=plan,
        rounds=rounds,
        kafka=kafka,
        lingers=lingers,
        tuning={
            variant: {str(linger): rate for linger, rate in found.items()}
            for variant, found in tuning.items()
        },
        figures=[middle(of_one) for of_one in measured.values()],
        memory=await _memory(bench, plan, ahead),
    )


def _runs(plan: Plan, rounds: int) -> Iterable[tuple[Cell | Pace, str]]:
    """Yield what is to be run: variants in turn, so that what else the machine does hits all of them."""
    others = max(1, rounds // 3)
    for number in range(rounds):
        for load in (*plan.cells, *plan.paces):
            judged = load.judged if isinstance(load, Cell) else ()
            yield from ((load, name) for name in load.variants if number < others or name in judged)


async def _run(bench: Bench, load: Cell | Pace, variant: str, linger_ms: int) -> Figures:
    if isinstance(load, Cell):
        return await on_backlog(bench, load, variant, linger_ms)
    return await at_a_rate(bench, load, variant, linger_ms)


def _tuned(plan: Plan) -> list[str]:
    names = dict.fromkeys(name for load in (*plan.cells, *plan.paces) for name in load.variants)
    return [name for name in names if plan.tuned and name not in {OURS, TRANSACTIONAL}]


async def _tune(bench: Bench, plan: Plan, variant: str, ahead: Ahead) -> Mapping[int, float]:
    """Return a variant's events a second without work, by linger."""
    cell = replace(next(cell for cell in CELLS if cell.name == NOTHING), seconds=plan.tuning_s)
    found: dict[int, float] = {}
    for linger_ms in LINGERS:
        ahead.begins(f"linger {linger_ms} ms: {variant}")
        found[linger_ms] = (await on_backlog(bench, cell, variant, linger_ms)).events_per_s
        ahead.done(1)
    return found


async def _fill(bench: Bench, keys: int, count: int, ahead: Ahead) -> None:
    topic = backlog_topic(keys)
    ahead.begins(f"publishing {count:,} events of {keys:,} keys")
    await asyncio.to_thread(bench.topics.make, [topic])
    done = 0

    def advance(number: int) -> None:
        nonlocal done
        ahead.done(number // _FILLED - done)
        done = number // _FILLED

    coming = events(count, keys, PARTITIONS)
    await asyncio.to_thread(bench.topics.publisher().fill, topic, coming, advance)
    ahead.done(_steps(count) - done)
    bench.backlogs[topic] = count


def _steps(count: int) -> int:
    return count // _FILLED + 1


async def _memory(bench: Bench, plan: Plan, ahead: Ahead) -> Memory | None:
    if plan.backlog is None:
        return None
    ahead.begins("memory on a backlog")
    return await memory(bench, plan.backlog, OURS, lambda: ahead.done(1))
