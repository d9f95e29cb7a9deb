"""Events whose runs ended without success or effect: a resume works them once more, and every outcome is kept."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from consumers.adapters.kafka_reader import topic_reader
from consumers.app.config_file import read_config
from consumers.app.replay_jobs import planned
from consumers.app.replay_rebuild import run_rebuild
from consumers.local.broker import local_broker
from consumers.replay.chosen import Chosen
from consumers.replay.job import Job
from consumers.replay.mode import Mode
from consumers.replay.pace import Pace
from schemas.envelope import Envelope
from schemas.outcome import Outcome, Status
from schemas.record import Record
from tests.integration.jobs import Told, ordered, redis_of, work
from tests.integration.killing_a_job import kill_a_job_over
from tests.integration.people import approve, asked
from tests.integration.running import Running
from tests.integration.stage import OUTCOMES, Stage, order, stage

LARGE = order("large", customer="C-500", product="P-500", quantity=50)


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


async def test_what_spent_its_budget_is_planned_worked_and_rebuilt_with_both_outcomes(played: Stage) -> None:
    await spend(played, [order("spent"), order("other")])
    chosen = Chosen(statuses=frozenset({"budget_spent"}), events=frozenset({"spent"}))
    job = await ordered(played, Mode.RESUME, chosen=chosen)

    assert await plan(played, job) == (
        {"not chosen": 1, "ended without success or effect: budget_spent": 1},
        1,
    )
    assert await work(played, job) == {"read": 2, "success": 1, "skipped: not chosen": 1}
    assert await plan(played, job) == ({"not chosen": 2}, 0)

    first, second = await outcomes(played, "spent", 2)
    assert (first.status, second.status) == (Status.BUDGET_SPENT, Status.SUCCESS)
    assert (first.event_source, first.session_id) == (second.event_source, second.session_id)
    assert len({first.id, second.id, first.run_id, second.run_id}) == 4
    assert played.rows("SELECT count(*), max(attempts) FROM effects") == [(2, 1)]
    assert await rebuilt(played) == {"read": 2, "republished": 3, "budget_spent": 2, "success": 1}
    await everything_twice(played)


async def test_after_a_loss_of_redis_rounds_are_known_by_the_steps(played: Stage) -> None:
    await spend(played, [order("spent")])
    await work(played, await ordered(played, Mode.RESUME))
    async with redis_of(played) as client:
        await client.flushall()

    assert await work(played, await ordered(played, Mode.RESUME)) == {"read": 1, "skipped: ended: success": 1}
    assert (await rebuilt(played))["republished"] == 2
    await everything_twice(played)
    assert played.rows("SELECT count(*), max(attempts) FROM effects") == [(2, 1)]


async def test_a_round_that_asks_a_person_is_gone_on_with_by_a_live_worker(played: Stage) -> None:
    await spend(played, [LARGE])
    assert await work(played, await ordered(played, Mode.RESUME)) == {"read": 1, "requires_approval": 1}

    async with Running(played):
        await approve(played, await asked(played))
        _, second = await outcomes(played, "large", 2)

    assert second.status is Status.SUCCESS
    assert played.rows("SELECT count(*), max(attempts) FROM effects") == [(2, 1)]
    assert await work(played, await ordered(played, Mode.RESUME)) == {"read": 1, "skipped: ended: success": 1}


@pytest.mark.timeout(240)
async def test_a_resume_killed_in_later_rounds_leaves_one_outcome_more_and_every_effect_once(
    played: Stage,
) -> None:
    events = [f"e-{number}" for number in range(10)]
    await spend(played, [replace(order(name), session_id="one customer") for name in events])
    await kill_a_job_over(played, events, Mode.RESUME, ended_before=1)


async def spend(played: Stage, events: Sequence[Envelope]) -> None:
    """Have events worked by a route whose budget is one turn."""
    async with one_turn(played), Running(played):
        for event in events:
            await played.publish(event)
        for event in events:
            (ended,) = await outcomes(played, event.id, 1)
            assert ended.status is Status.BUDGET_SPENT


@asynccontextmanager
async def one_turn(played: Stage) -> AsyncGenerator[None]:
    text = played.config.read_text(encoding="utf-8")
    short = text.replace(
        "    event: order.requested\n", "    event: order.requested\n    budget: {turns: 1}\n"
    )
    assert short != text
    played.config.write_text(short, encoding="utf-8")
    try:
        yield
    finally:
        played.config.write_text(text, encoding="utf-8")


async def plan(played: Stage, job: Job) -> tuple[dict[str, float], float]:
    made = await planned(read_config(played.config), job, 0, lambda _done, _total: None)
    return dict(made.standings), made.events


async def rebuilt(played: Stage) -> dict[str, int]:
    job = await ordered(played, Mode.REBUILD)
    file = read_config(played.config)
    return dict(await run_rebuild(file, job, progress=Told(), stop=asyncio.Event(), pace=Pace()))


async def outcomes(played: Stage, event_id: str, at_least: int) -> list[Outcome]:
    records = await played.outcome_records(event_id, at_least=at_least)
    return [await played.outcome_in(record) for record in records]


async def everything_twice(played: Stage) -> None:
    """Check that what a rebuild has published again is what was published first, in its order."""
    async with topic_reader(played.connection) as reader:
        records: list[Record] = [record async for record in reader.to_end([OUTCOMES])]
    half = len(records) // 2
    first, again = ([(r.key, r.value, r.headers) for r in part] for part in (records[:half], records[half:]))
    assert sorted(first) == sorted(again)
    statuses = [(await played.outcome_in(record)).status for record in records[half:]]
    assert statuses.index(Status.BUDGET_SPENT) < statuses.index(Status.SUCCESS)
