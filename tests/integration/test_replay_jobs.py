"""Jobs in rebuild mode on embedded servers: chosen, stopped, taken over; a Redis that was wiped; personal data."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from consumers.adapters.kafka_reader import topic_reader
from consumers.adapters.redis_connection import connect
from consumers.app.config_file import read_config
from consumers.app.replay_rebuild import run_rebuild
from consumers.errors import HaltError
from consumers.local.broker import local_broker
from consumers.policy.expressions import compiled
from consumers.replay.chosen import VARIABLES, Chosen
from consumers.replay.job import Job
from consumers.replay.pace import Pace
from schemas.codec.outgoing import step_of
from schemas.record import Outgoing, Record
from schemas.step import Step, StepKind
from tests.integration.finished_events import ORDERS, Finished, by_key, finish, job, publish
from tests.integration.running import Running
from tests.integration.stage import OUTCOMES, Stage, order, stage

Spans = dict[int, tuple[int, int]]


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


async def spans_of(played: Stage) -> Spans:
    async with topic_reader(played.connection) as reader:
        spans = await reader.spans([ORDERS])
    return {tp.partition: (span.first, span.end) for tp, span in spans.items() if span.first < span.end}


async def records_of(played: Stage, topic: str) -> list[Record]:
    async with topic_reader(played.connection) as reader:
        return [record async for record in reader.to_end([topic])]


async def replays_told(played: Stage) -> list[Step]:
    steps = [
        step_of(await played.codec.decode(record, tenant="test"))
        for record in await records_of(played, "pointsman.steps")
    ]
    return [step for step in steps if step.kind is StepKind.REPLAY]


async def run(
    played: Stage, ordered: Job, *, stop_at: int | None = None, batch: int = 1_000
) -> tuple[Counter[str], list[int]]:
    """Run a job, until it has done so many records where that is said; return the tally and how far it has come."""
    stop, seen = asyncio.Event(), list[int]()

    def progress(done: int, total: int) -> None:
        assert total == ordered.records
        seen.append(done)
        if stop_at is not None and done >= stop_at:
            stop.set()

    tally = await run_rebuild(
        read_config(played.config), ordered, progress=progress, stop=stop, pace=Pace(), batch=batch
    )
    return tally, seen


def firsts(finished: list[Finished]) -> list[Outgoing]:
    return [each.first for each in finished]


async def test_a_job_that_is_stopped_goes_on_where_it_stopped(played: Stage) -> None:
    finished = await finish(played, 60, sessions=7)
    ordered = job("stopped", await spans_of(played))
    tally, seen = await run(played, ordered, stop_at=20, batch=10)
    assert 20 <= tally["read"] == seen[-1] < 60
    assert len(await records_of(played, OUTCOMES)) == tally["republished"]

    tally, seen = await run(played, ordered, batch=10)

    assert seen[0] >= 20
    assert seen[-1] == 60
    assert tally == {"read": 60, "republished": 60, "success": 48, "refused": 12}
    assert by_key(await records_of(played, OUTCOMES)) == by_key(firsts(finished))
    again, seen = await run(played, ordered)
    assert (again, seen) == (tally, [60]), "nothing is left to do, and nothing was done"
    assert len(await records_of(played, OUTCOMES)) == 60


async def test_the_audit_trail_says_who_had_which_outcomes_published_again(played: Stage) -> None:
    finished = await finish(played, 25, sessions=3)
    await run(played, job("told", await spans_of(played), reason="a new subscriber"), batch=10)
    told = await replays_told(played)
    ids = [one for step in told for one in step.body["outcomes"][OUTCOMES]]
    assert sorted(ids) == sorted(each.outcome.id for each in finished)
    assert len({step.id for step in told}) == len(told) > 1
    for step in told:
        assert (step.run_id, step.session_id, step.link) == ("told", "replay/told", None)
        said = {name: step.body[name] for name in ("job", "operator", "reason", "topic")}
        assert said == {"job": "told", "operator": "maria", "reason": "a new subscriber", "topic": ORDERS}


async def test_only_what_is_chosen_is_published_again(played: Stage) -> None:
    finished = await finish(played, 40, sessions=5)
    await publish(played, [order("unfinished")])
    await played.sender.send([Outgoing(ORDERS, b"bad", b"not json", ())])
    spans = await spans_of(played)

    async def found(name: str, chosen: Chosen) -> tuple[set[str], Counter[str]]:
        before = len(await records_of(played, OUTCOMES))
        tally, _ = await run(played, job(name, spans, chosen=chosen))
        after = (await records_of(played, OUTCOMES))[before:]
        assert (
            tally["read"]
            == 42
            == tally["republished"]
            + sum(count for what, count in tally.items() if what.startswith("skipped: "))
        )
        outcomes = [await played.outcome_in(record) for record in after]
        return {outcome.event_id for outcome in outcomes}, tally

    everything, tally = await found("all", Chosen())
    assert len(everything) == 40
    assert tally["skipped: never worked, or not remembered"] == 1
    assert tally["skipped: unreadable"] == 1
    key = finished[3].first.key
    assert key is not None
    assert (await found("key", Chosen(keys=frozenset({key}))))[0] == {f"e-{n}" for n in range(3, 40, 5)}
    assert (await found("session", Chosen(sessions=frozenset({"session-1"}))))[0] == {
        f"e-{n}" for n in range(1, 40, 5)
    }
    assert (await found("event", Chosen(events=frozenset({"e-7", "nobody"}))))[0] == {"e-7"}
    assert (await found("type", Chosen(types=frozenset({"case.opened"}))))[0] == set()
    where = compiled('event.payload.order_ref == "R-e-9"', VARIABLES)
    assert (await found("where", Chosen(where=where)))[0] == {"e-9"}
    nonsense = compiled("event.payload.nothing == 1", VARIABLES)
    assert (await found("no value", Chosen(where=nonsense)))[1]["skipped: `where` has no value"] == 41
    refused, _ = await found("status", Chosen(statuses=frozenset({"refused"})))
    assert refused == {f"e-{n}" for n in range(0, 40, 5)}


async def test_a_job_of_another_time_of_its_topic_is_refused(played: Stage) -> None:
    await finish(played, 5, sessions=1)
    (number,) = spans = await spans_of(played)
    first, end = spans[number]
    with pytest.raises(HaltError, match="it was made anew since this was ordered"):
        await run(played, job("of before", {number: (first, end + 1_000)}))


async def test_a_second_process_of_a_job_takes_it_over_and_nothing_is_published_twice(played: Stage) -> None:
    finished = await finish(played, 200, sessions=4)
    ordered = job("twice", await spans_of(played))
    begun, second = asyncio.Event(), asyncio.Event()

    def progress(done: int, _total: int) -> None:
        if done:
            begun.set()

    class Held(Pace):
        """Lets one batch through, and no more before somebody else has done all: its partition holds more."""

        let = False

        async def ready(self, records: int) -> None:
            if self.let:
                await second.wait()
            self.let = True
            await super().ready(records)

    async with asyncio.timeout(60):
        first = asyncio.create_task(
            run_rebuild(
                read_config(played.config),
                ordered,
                progress=progress,
                stop=asyncio.Event(),
                pace=Held(),
                batch=20,
            ),
            name="the first process",
        )
        await begun.wait()
        tally, _ = await run(played, ordered, batch=20)
        second.set()
        with pytest.raises(HaltError, match="taken over by another process"):
            await first
    assert tally == {"read": 200, "republished": 200, "success": 160, "refused": 40}
    assert by_key(await records_of(played, OUTCOMES)) == by_key(firsts(finished))


async def test_a_redis_that_was_wiped_is_rebuilt_first_and_gives_the_same_outcomes(played: Stage) -> None:
    async with Running(played):
        for number in range(5):
            await played.publish(order(f"e{number}"))
        for number in range(5):
            await played.outcome_records(f"e{number}")
    originals = await records_of(played, OUTCOMES)
    asked, effects = (
        played.model.stats.requests,
        played.rows("SELECT key, attempts FROM effects ORDER BY key"),
    )
    async with connect(read_config(played.config).config.redis.url) as redis:
        await redis.flushall()

    tally, _ = await run(played, job("after a wipe", await spans_of(played)))

    assert tally == {"read": 5, "republished": 5, "success": 5}
    again = (await records_of(played, OUTCOMES))[len(originals) :]
    assert by_key(again) == by_key(originals)
    assert played.model.stats.requests == asked
    assert played.rows("SELECT key, attempts FROM effects ORDER BY key") == effects
