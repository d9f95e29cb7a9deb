"""What `--metrics-port` shows of a replay while it works, beside what its report says at the end."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from consumers.adapters import health_server
from consumers.adapters.memory_jobs import MemoryJobs
from consumers.app.config_file import read_config
from consumers.app.replay_figures import JobFigures
from consumers.app.replay_rebuild import run_rebuild
from consumers.app.replay_shadow import run_shadow
from consumers.local.broker import local_broker
from consumers.replay.job import Bounds, Mode
from consumers.replay.pace import Pace
from consumers.telemetry.health import Health
from consumers.telemetry.metrics import DECISIONS, REDIS_CHECKED, REPLAY_RECORDS_DONE, REPLAY_RESULTS, Metrics
from tests.integration.jobs import ordered, pass_over
from tests.integration.running import Running
from tests.integration.stage import Stage, order, stage
from tests.integration.test_replay_command import BOUNDS, document, run, started

ROUTE = "order.requested"
Sample = tuple[str, ...]
"""A metric without `pointsman_`, and the values of its labels by their names' order."""


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    """Three orders that nobody works, since the group began behind them, and three that a worker has ended."""
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        for number in range(3, 6):
            await made.publish(order(f"e{number}"))
        await pass_over(made)
        async with Running(made):
            for number in range(3):
                await made.publish(order(f"e{number}"))
            for number in range(3):
                await made.outcome_records(f"e{number}")
        yield made


async def scraped(address: str) -> Mapping[Sample, float]:
    async with aiohttp.ClientSession() as session, session.get(f"{address}/metrics") as response:
        assert response.status == 200
        text = await response.text()
    return {
        (sample.name.removeprefix("pointsman_"), *(sample.labels[name] for name in sorted(sample.labels))): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def until(address: str, met: Callable[[Mapping[Sample, float]], bool]) -> Mapping[Sample, float]:
    """Scrape until something is met."""
    async with asyncio.timeout(45):
        while not met(found := await scraped(address)):
            await asyncio.sleep(0.05)
    return found


async def answer(address: str, page: str) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(address + page) as response:
        return response.status, await response.json()


async def test_a_backfill_is_watched_while_it_works_and_its_report_says_no_other(played: Stage) -> None:
    asked_per_event = played.model.stats.requests // 3
    gate = played.to_model.gate = asyncio.Semaphore(asked_per_event)
    words = ("erp.orders", "--mode", "backfill", "--yes", *BOUNDS, "--at-once", "1", "--yield-lag", "1000")
    process = await started(played, *words, "--json", "--metrics-port", "0")
    played.workers.append(process)
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while not (line := (await process.stderr.readline()).decode()).startswith("metrics at "):
            assert line, "the process ended"
    address = line.removeprefix("metrics at ").strip().removesuffix("/metrics")

    # One event has all the answers that it asks for, the next one has none.
    seen = await until(
        address,
        lambda now: (
            now.get(("replay_results_total", "backfill", "success")) == 1
            and now.get(("replay_used", "effects", "backfill")) == 2
            # It is counted once it has ended, and done once its outcome is acknowledged.
            and now["replay_records_done", "backfill"] >= 1
        ),
    )
    assert seen["replay_records", "backfill"] == 6
    assert seen["replay_records_done", "backfill"] < 6
    assert seen["replay_yields_total", "backfill"] == 0
    assert seen["replay_bound", "effects", "backfill"] == 100
    assert seen["replay_bound", "usd", "backfill"] == 5
    ((_, mode, job, state, topic),) = [sample for sample in seen if sample[0] == "replay_info"]
    assert (mode, state, topic) == ("backfill", "working", "erp.orders")
    assert [sample[0] for sample in seen if job in sample] == ["replay_info"]
    # What a worker counts is counted here, too, of this job alone.
    assert sum(count for name, count in seen.items() if name[0] == "decisions_total") == asked_per_event
    assert seen["events_total", ROUTE, "success"] == 1
    assert seen["redis_checked",] == seen["ready",] == 1
    assert await answer(address, "/readyz") == (200, {"ready": True, "reasons": {}})
    status, health = await answer(address, "/healthz")
    assert (status, health["alive"]) == (200, True)

    for _ in range(10 * asked_per_event):
        gate.release()
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    done = json.loads(out)
    assert done["job"]["id"] == job
    assert done["tally"] == {"read": 6, "success": 3, "skipped: ended: success": 3}
    assert done["used"]["effects"] == 6


async def test_a_taken_port_is_refused_before_a_job_is_ordered(played: Stage) -> None:
    other = await health_server.serve(Health(), Metrics())
    try:
        port = other.address.rpartition(":")[2]
        _, err = await run(played, "erp.orders", "--metrics-port", port, exit_code=2)
    finally:
        await other.close()
    assert f"--metrics-port {port}: cannot listen on 127.0.0.1 (telemetry.host)" in err
    assert "name another port, or 0 for a free one" in err
    assert await document(played, "--jobs") == []


async def test_a_rebuild_counts_what_its_tally_says_and_a_later_process_only_what_it_does_itself(
    played: Stage,
) -> None:
    file, job, stop = read_config(played.config), await ordered(played, Mode.REBUILD), asyncio.Event()

    async def work(figures: JobFigures, *, stop_at: int) -> Mapping[str, int]:
        stop.clear()

        def progress(done: int, _total: int) -> None:
            if done >= stop_at:
                stop.set()

        return await run_rebuild(
            file, job, progress=progress, stop=stop, pace=Pace(), batch=1, figures=figures
        )

    first, second = JobFigures(job), JobFigures(job)
    await work(first, stop_at=1)
    tally = await work(second, stop_at=7)

    assert tally == {"read": 6, "republished": 3, "success": 3, "skipped: never worked, or not remembered": 3}
    assert 1 <= first.metrics.value(REPLAY_RECORDS_DONE, "rebuild") < 6
    assert second.metrics.value(REPLAY_RECORDS_DONE, "rebuild") == 6
    for result, count in tally.items():
        each = [figures.metrics.value(REPLAY_RESULTS, "rebuild", result) for figures in (first, second)]
        assert sum(each) == (0 if result in {"read", "republished"} else count)
    assert second.metrics.value(REDIS_CHECKED) == 1
    assert second.health.is_ready


async def test_a_shadow_counts_its_verdicts_and_what_it_asks_the_model(played: Stage) -> None:
    asked = played.model.stats.requests
    file = read_config(played.config)
    job = await ordered(played, Mode.SHADOW, bounds=Bounds(usd=5.0))
    figures = JobFigures(job)
    done = await run_shadow(
        file,
        job,
        progress=lambda _done, _total: None,
        stop=asyncio.Event(),
        pace=Pace(),
        jobs=MemoryJobs(),
        figures=figures,
    )
    assert done.tally["same"] == figures.metrics.value(REPLAY_RESULTS, "shadow", "same") == 3
    assert figures.metrics.value(REPLAY_RECORDS_DONE, "shadow") == 6
    assert file.config.model is not None
    assert figures.metrics.value(DECISIONS, file.config.model.name) == played.model.stats.requests - asked > 0
