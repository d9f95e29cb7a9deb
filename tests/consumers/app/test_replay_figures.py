"""What a job shows of itself: it counts nothing of its own, and says how it stands."""

import asyncio
from datetime import UTC, datetime

import pytest

from consumers.adapters.memory_jobs import MemoryJobs
from consumers.app.replay_figures import JobFigures, followed
from consumers.replay.bounded import EFFECTS, USD
from consumers.replay.chosen import Chosen
from consumers.replay.job import Bounds, Job
from consumers.replay.mode import Mode
from consumers.replay.pace import Pace
from consumers.telemetry.metrics import (
    REPLAY_BOUND,
    REPLAY_INFO,
    REPLAY_RECORDS,
    REPLAY_RECORDS_DONE,
    REPLAY_RESULTS,
    REPLAY_USED,
    REPLAY_YIELDS,
)
from tests.consumers.runtime.loop_stage import virtual

JOB = Job(
    id="20261128-153000-5f0c1a2b",
    mode=Mode.BACKFILL,
    topic="erp.orders",
    spans={0: (0, 100), 1: (50, 70)},
    chosen=Chosen(),
    output=None,
    operator="ann",
    ordered_at=datetime(2026, 11, 28, 15, 30, tzinfo=UTC),
    bounds=Bounds(effects=10),
)


@pytest.fixture
def figures() -> JobFigures:
    return JobFigures(JOB)


def states(figures: JobFigures) -> list[str]:
    known = ("starting", "waiting", "working", "stopping")
    return [each for each in known if figures.metrics.value(REPLAY_INFO, JOB.id, "backfill", JOB.topic, each)]


def results(figures: JobFigures, *words: str) -> list[float]:
    return [figures.metrics.value(REPLAY_RESULTS, "backfill", word) for word in words]


def test_what_is_ordered_is_shown_before_anything_is_done(figures: JobFigures) -> None:
    shown = figures.metrics.render().decode()
    assert figures.metrics.value(REPLAY_RECORDS, "backfill") == 120
    assert 'pointsman_replay_yields_total{mode="backfill"} 0.0' in shown
    assert figures.metrics.value(REPLAY_BOUND, "backfill", "effects") == 10
    assert "pointsman_replay_bound{" in shown
    assert 'bound="usd"' not in shown, "there is no bound of dollars"
    assert "pointsman_replay_records_done{" not in shown, "how far earlier runs came is not known yet"


def test_it_stands_in_one_way_at_a_time_and_is_ready_while_it_works(figures: JobFigures) -> None:
    assert (states(figures), dict(figures.health.reasons)) == (["starting"], {"start": "it has not begun"})
    figures.waits("Redis: it is checked")
    assert states(figures) == ["waiting"]
    figures.waits(None)
    assert states(figures) == ["starting"]
    figures.tell(0, {})
    assert (states(figures), figures.health.is_ready) == (["working"], True)
    figures.waits("Redis: it is away")
    assert (states(figures), figures.health.is_ready) == (["waiting"], False)
    figures.look({}, 0, stopping=True)
    figures.waits(None)
    assert (states(figures), figures.health.is_ready) == (["stopping"], False)


def test_records_are_counted_once_each_by_what_became_of_them(figures: JobFigures) -> None:
    figures.tell(0, {})
    figures.tell(3, {"read": 3, "republished": 2, "success": 2, "skipped: no route": 1})
    figures.tell(5, {"read": 5, "republished": 3, "success": 3, "skipped: no route": 1, "failed": 1})
    assert results(figures, "success", "skipped: no route", "failed") == [3, 1, 1]
    assert results(figures, "read", "republished") == [0, 0], "they are sums of the others"
    assert figures.metrics.value(REPLAY_RECORDS_DONE, "backfill") == 5


def test_what_earlier_processes_did_is_done_and_not_counted_again(figures: JobFigures) -> None:
    figures.tell(40, {"read": 40, "success": 40})
    figures.tell(41, {"read": 41, "success": 41})
    assert results(figures, "success") == [1]
    assert figures.metrics.value(REPLAY_RECORDS_DONE, "backfill") == 41


def test_dollars_are_shown_in_dollars_and_what_is_not_known_stays_as_it_was(figures: JobFigures) -> None:
    figures.look({"effects": 4, "usd": 1_250_000, "events": 9}, 2, stopping=False)
    figures.look(None, 5, stopping=False)
    assert figures.metrics.value(REPLAY_USED, "backfill", "effects") == 4
    assert figures.metrics.value(REPLAY_USED, "backfill", "usd") == 1.25
    assert figures.metrics.value(REPLAY_YIELDS, "backfill") == 5


@virtual
async def test_what_a_job_uses_and_how_often_it_yields_is_looked_at_each_second(figures: JobFigures) -> None:
    jobs, stop, behind = MemoryJobs(), asyncio.Event(), [500]

    async def lag() -> int:
        return behind[0]

    pace = Pace(None, lag, most_lag=100)
    async with followed(figures, jobs, pace, stop), asyncio.TaskGroup() as group:
        waiting = group.create_task(pace.ready(1), name="wait for live work")
        await jobs.take(JOB.id, EFFECTS, "key-1", 1, None)
        await jobs.take(JOB.id, USD, "answer-1", 500_000, None)
        await asyncio.sleep(3.5)
        assert not waiting.done()
        assert figures.metrics.value(REPLAY_YIELDS, "backfill") in {3, 4}
        assert figures.metrics.value(REPLAY_USED, "backfill", "effects") == 1
        assert figures.metrics.value(REPLAY_USED, "backfill", "usd") == 0.5
        behind[0] = 0
        stop.set()
        await asyncio.sleep(1.5)
        assert (waiting.done(), states(figures)) == (True, ["stopping"])
