"""The plan of a replay, over what a worker really did."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from consumers.app.config_file import ConfigFile, read_config
from consumers.app.replay_jobs import Wish, found, frozen, listed, open_jobs, planned
from consumers.errors import HaltError
from consumers.local.broker import local_broker
from consumers.policy.expressions import compiled
from consumers.replay.chosen import VARIABLES, Chosen
from consumers.replay.job import Job
from consumers.replay.mode import Mode
from consumers.replay.plan import Plan, Standing
from consumers.replay.report import JobRecord, State
from consumers.replay.selection import Selection
from schemas.record import Outgoing
from tests.integration.jobs import pass_over
from tests.integration.running import Running
from tests.integration.stage import Stage, order, stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Two orders that nobody worked, since the group began behind them, a record that nobody can read, and four that ended."""
    folder = tmp_path_factory.mktemp("plan")
    async with local_broker(folder / "kafka") as bootstrap, stage(folder, bootstrap) as played:
        for number in (4, 5):
            await played.publish(order(f"e{number}", quantity=number))
        await played.sender.send([Outgoing("erp.orders", b"bad", b"\x00", ())])
        await pass_over(played)
        async with Running(played):
            for number in range(4):
                await played.publish(order(f"e{number}"))
            for number in range(4):
                await played.outcome_records(f"e{number}")
        yield played


async def plan(played: Stage, wish: Wish, most: int = 0) -> tuple[Job, Plan]:
    file = read_config(played.config)
    job = await frozen(file, wish)
    return job, await planned(file, job, most, lambda _done, _all: None)


def wish(mode: Mode, **chosen: frozenset[str]) -> Wish:
    return Wish(mode, Selection("erp.orders"), Chosen(**chosen))  # pyright: ignore[reportArgumentType] - names of sets


@pytest.mark.asyncio(loop_scope="module")
async def test_a_rebuild_means_what_has_ended_and_asks_no_model(worked: Stage) -> None:
    job, made = await plan(worked, wish(Mode.REBUILD))
    assert job.records == made.records == made.looked_at == 7
    assert dict(made.standings) == {
        "ended: success": 4,
        "never worked, or not remembered": 2,
        "unreadable": 1,
    }
    assert made.events == 4
    assert made.expected.model_calls == 0
    assert made.expected.effects == {}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_backfill_means_what_was_never_worked_and_expects_what_others_used(worked: Stage) -> None:
    _, made = await plan(worked, wish(Mode.BACKFILL))
    turns = [(await worked.outcome_in(record)).turns for record in worked.records]
    assert made.events == 2
    assert made.expected.of_runs == 4
    assert made.expected.model_calls == 2 * sum(turns) / 4
    assert made.expected.effects == {"erp.create_order": 2, "erp.schedule_shipment": 2}


@pytest.mark.asyncio(loop_scope="module")
async def test_where_nothing_of_the_selection_has_ended_older_outcomes_are_asked(worked: Stage) -> None:
    _, made = await plan(worked, wish(Mode.RESUME, events=frozenset({"e4"})))
    assert made.standings["not chosen"] == 5
    assert made.events == 1
    assert made.expected.of_runs == 4
    assert made.expected.effects["erp.create_order"] == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_an_expression_chooses_by_what_the_event_says(worked: Stage) -> None:
    where = compiled("event.payload.quantity > 4", VARIABLES)
    _, made = await plan(worked, replace(wish(Mode.BACKFILL), chosen=Chosen(where=where)))
    assert made.events == 1
    misspelt = compiled("event.payload.quantities > 4", VARIABLES)
    with pytest.raises(HaltError, match="--where cannot be evaluated"):
        await plan(worked, replace(wish(Mode.BACKFILL), chosen=Chosen(where=misspelt)))


@pytest.mark.asyncio(loop_scope="module")
async def test_statuses_choose_among_what_has_ended(worked: Stage) -> None:
    _, made = await plan(worked, wish(Mode.REBUILD, statuses=frozenset({"failed"})))
    assert made.events == 0
    assert made.standings["not chosen"] == 6


@pytest.mark.asyncio(loop_scope="module")
async def test_a_part_stands_for_the_whole(worked: Stage) -> None:
    _, made = await plan(worked, wish(Mode.REBUILD), most=3)
    assert made.estimated
    assert made.records == 7
    assert 3 <= made.looked_at < 7
    assert sum(made.standings.values()) == pytest.approx(7)  # pyright: ignore[reportUnknownMemberType]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_selection_by_time_is_frozen_as_offsets(worked: Stage) -> None:
    file = read_config(worked.config)
    later = Selection("erp.orders", since=datetime.now(UTC) + timedelta(hours=1))
    assert (await frozen(file, Wish(Mode.REBUILD, later))).spans == {}
    job = await frozen(file, wish(Mode.REBUILD))
    await worked.publish(order("later"))
    assert job.records == 7


@pytest.mark.asyncio(loop_scope="module")
async def test_a_topic_of_no_route_is_refused_with_those_that_are(worked: Stage) -> None:
    with pytest.raises(HaltError, match=r"nobody\.knows is the input of no route.*erp\.orders"):
        await frozen(read_config(worked.config), Wish(Mode.REBUILD, Selection("nobody.knows")))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_job_is_found_as_it_was_kept(worked: Stage) -> None:
    file: ConfigFile = read_config(worked.config)
    record = JobRecord(await frozen(file, wish(Mode.SHADOW)), state=State.STOPPED, tally={"read": 2})
    async with open_jobs(file) as jobs:
        await jobs.keep(record.job.id, record.document())
    assert await found(file, record.job.id) == record
    assert record in await listed(file)
    with pytest.raises(HaltError, match="there is no replay nothing"):
        await found(file, "nothing")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_partition_that_is_not_there_is_refused_instead_of_holding_nothing(worked: Stage) -> None:
    selection = Selection("erp.orders", offsets={0: (0, 3), 77: (0, 3)})
    with pytest.raises(HaltError, match=r"erp.orders has .* partitions, from 0 on, and no 77"):
        await frozen(read_config(worked.config), Wish(Mode.REBUILD, selection))


@pytest.mark.asyncio(loop_scope="module")
async def test_what_live_workers_have_yet_to_come_to_is_not_expected_of_a_job(worked: Stage) -> None:
    await worked.publish(order("newest"))
    newest = wish(Mode.BACKFILL, events=frozenset({"newest"}))
    _, made = await plan(worked, newest)
    assert (made.events, made.standings[Standing.LIVE] > 0) == (0, True)
    _, made = await plan(worked, replace(newest, mode=Mode.REBUILD))
    assert Standing.LIVE not in made.standings


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_kept_of_a_job_and_is_none_is_named(worked: Stage) -> None:
    file = read_config(worked.config)
    async with open_jobs(file) as jobs:
        await jobs.keep("odd", {"job": {"id": "odd", "mode": "rebuild", "spans": []}, "state": "over"})
    for reading in (found(file, "odd"), listed(file)):
        with pytest.raises(
            HaltError, match=r"cannot be read, it was written by another version or by hand.*'odd'"
        ):
            await reading
