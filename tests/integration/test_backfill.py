"""Backfill: events that were never worked are worked for real, once; known ones are left alone, whatever was forgotten."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from consumers.adapters.memory_jobs import MemoryJobs
from consumers.errors import HaltError
from consumers.local.broker import local_broker
from consumers.policy.expressions import compiled
from consumers.replay.chosen import VARIABLES, Chosen
from consumers.replay.job import Bounds, Mode
from consumers.replay.pace import Pace
from schemas.envelope import Envelope
from schemas.outcome import Status
from tests.integration.jobs import Told, copy_topic, forget, ordered, pass_over, work
from tests.integration.running import Running
from tests.integration.stage import Stage, order, stage


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


def effects(played: Stage) -> tuple[int, int, int | None]:
    """Return how many writes took effect, under how many keys, and how often one was asked for at most."""
    ((count, keys, attempts),) = played.rows(
        "SELECT count(*), count(DISTINCT key), max(attempts) FROM effects"
    )
    return count, keys, attempts


async def test_events_that_nobody_worked_are_worked_once_and_further_jobs_find_them_ended(
    played: Stage,
) -> None:
    for number in range(3):
        await played.publish(order(f"e-{number}"))

    first = await work(played, await ordered(played))
    second = await work(played, await ordered(played))
    third = await work(played, await ordered(played, Mode.RESUME))

    assert first == {"read": 3, "success": 3}
    assert second == third == {"read": 3, "skipped: ended: success": 3}
    for number in range(3):
        assert len(await played.outcome_records(f"e-{number}")) == 1
    assert effects(played) == (6, 6, 1)


async def test_a_copy_of_a_topic_with_other_offsets_causes_no_effect(played: Stage) -> None:
    for number in range(3):
        await played.publish(order(f"e-{number}"))
    await work(played, await ordered(played))
    config = await copy_topic(played, "erp.orders", "erp.copied")

    tally = await work(played, await ordered(played, topic="erp.copied"), config=config)

    assert tally == {"read": 4, "skipped: ended: success": 3, "skipped: unreadable": 1}
    assert effects(played) == (6, 6, 1)


async def test_after_redis_was_wiped_nothing_is_done_twice(played: Stage) -> None:
    await played.publish(order("known"))
    await work(played, await ordered(played))
    await played.publish(order("new"))
    assert await forget(played, "*")

    tally = await work(played, await ordered(played))

    assert tally == {"read": 2, "skipped: ended: success": 1, "success": 1}
    assert effects(played) == (4, 4, 1)


async def test_an_event_whose_journal_has_expired_is_found_on_the_steps_topic(played: Stage) -> None:
    await played.publish(order("known"))
    await work(played, await ordered(played))
    asked = played.model.stats.requests
    assert await forget(played, "pointsman:*:run:*", "pointsman:*:meta", "pointsman:*:runs")

    for mode in (Mode.BACKFILL, Mode.RESUME):
        tally = await work(played, await ordered(played, mode))
        assert tally == {"read": 1, "skipped: ended, by the steps topic": 1}
    assert played.model.stats.requests == asked
    assert effects(played) == (2, 2, 1)


async def test_what_the_live_workers_have_yet_to_come_to_is_left_to_them(played: Stage) -> None:
    await played.publish(order("missed"))
    await pass_over(played)
    await played.publish(order("live"))

    tally = await work(played, await ordered(played))

    left = "skipped: left to the live workers, who have yet to come to it"
    assert tally == {"read": 2, "success": 1, left: 1}


async def test_a_bound_of_effects_ends_the_job_before_the_next_write_and_raising_it_is_a_new_order(
    played: Stage,
) -> None:
    for number in range(3):
        await played.publish(order(f"e-{number}"))
    jobs, job = MemoryJobs(), await ordered(played, bounds=Bounds(effects=3))

    first = await work(played, job, jobs, at_once=1)
    again = await work(played, job, jobs, at_once=1)

    assert (first["success"], first.at_bound) == (1, True)
    assert first.why == "the job's bound of 3 effects is reached; more is a new order"
    assert (again["success"], again.at_bound) == (0, True)
    assert effects(played) == (3, 3, 1)
    assert (await jobs.used(job.id))["effects"] == 3

    more = await ordered(played, Mode.RESUME, bounds=Bounds(effects=3))
    rest = await work(played, more, jobs)
    assert (rest["success"], rest.why) == (2, "")
    assert effects(played) == (6, 6, 1)


class Ends(Pace):
    """Tells a job to stop once it has taken so many records."""

    def __init__(self, stop: asyncio.Event, after: int) -> None:
        super().__init__()
        self._stop = stop
        self._left = after

    async def ready(self, records: int) -> None:
        self._left -= records
        if self._left < 0:
            self._stop.set()


async def test_a_job_that_was_stopped_goes_on_where_it_was(played: Stage) -> None:
    for number in range(8):
        await played.publish(order(f"e-{number}"), key=b"one key")
    jobs, job, stop = MemoryJobs(), await ordered(played), asyncio.Event()

    first = await work(played, job, jobs, stop=stop, pace=Ends(stop, after=2))
    told = Told()
    second = await work(played, job, jobs, progress=told)

    assert (first["success"], second["success"]) == (2, 6)
    assert told.said[-1] == (8, 8)
    assert effects(played) == (16, 16, 1)
    assert await jobs.ends(job.id) == {"success": 8}


async def test_only_what_is_chosen_is_worked(played: Stage) -> None:
    for name in ("a", "b", "c", "d"):
        await played.publish(order(name, quantity=2 if name == "d" else 1), key=name.encode())
    chosen = [
        Chosen(keys=frozenset({b"a"})),
        Chosen(sessions=frozenset({"session-b"})),
        Chosen(events=frozenset({"c"})),
        Chosen(where=compiled("event.payload.quantity > 1", VARIABLES)),
    ]

    for which in chosen:
        tally = await work(played, await ordered(played, chosen=which))
        assert tally == {"read": 4, "success": 1, "skipped: not chosen": 3}

    assert effects(played) == (8, 8, 1)


async def test_events_of_one_key_are_worked_in_their_order(played: Stage) -> None:
    for number in range(6):
        for key in ("x", "y"):
            await played.publish(order(f"{key}-{number}"), key=key.encode())

    assert (await work(played, await ordered(played)))["success"] == 12

    for key in ("x", "y"):
        ended = [
            (await played.outcome_in((await played.outcome_records(f"{key}-{number}"))[0])).finished_at
            for number in range(6)
        ]
        assert ended == sorted(ended)


@pytest.mark.parametrize("begun", [True, False], ids=["past-it", "with-it-before-them"])
async def test_beside_live_workers_every_event_is_worked_once_however_they_meet(
    played: Stage, begun: bool
) -> None:
    for number in range(4):
        await played.publish(_of_one_session(f"old-{number}"))
    if begun:
        await pass_over(played)
    job = await ordered(played)
    async with Running(played):
        working = asyncio.create_task(work(played, job), name="job")
        for number in range(4):
            await played.publish(_of_one_session(f"new-{number}"))
        tally = await working
        for name in (f"{age}-{number}" for age in ("old", "new") for number in range(4)):
            (record, *_) = await played.outcome_records(name)
            assert (await played.outcome_in(record)).status is Status.SUCCESS

    assert tally["read"] == 4
    assert not begun or tally["success"] == 4
    assert effects(played)[:2] == (16, 16)


async def test_an_order_that_is_too_old_or_names_an_output_of_its_own_is_refused(played: Stage) -> None:
    await played.publish(order("e"))
    job = await ordered(played)
    old = replace(job, ordered_at=job.ordered_at - timedelta(days=7))

    with pytest.raises(HaltError, match="order a new one"):
        await work(played, old)
    with pytest.raises(HaltError, match="takes no other one"):
        await work(played, replace(job, output="elsewhere"))

    assert effects(played)[0] == 0


def _of_one_session(event_id: str) -> Envelope:
    return replace(order(event_id), session_id="one customer")
