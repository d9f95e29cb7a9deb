"""The command `pointsman replay` as an operator uses it: planned, refused, worked, stopped, gone on with, reported."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest_asyncio

from consumers.adapters.kafka_reader import topic_reader
from consumers.local.broker import local_broker
from schemas.codec.outgoing import own_message_of
from schemas.difference import Difference
from schemas.record import Outgoing
from tests.integration.jobs import pass_over, redis_of
from tests.integration.running import Running
from tests.integration.stage import ROOT, START, Stage, order, stage

_SIGN_WITH = re.compile(r"^  sign_with:.*\n", re.MULTILINE)
BOUNDS = ("--most-effects", "100", "--most-usd", "5")


@pytest_asyncio.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    """Three orders that a worker has ended."""
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        await _work(made)
        yield made


@pytest_asyncio.fixture
async def skipped(tmp_path: Path) -> AsyncGenerator[Stage]:
    """Three orders that nobody works, since the group began behind them, and three that a worker has ended."""
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        for number in range(3, 6):
            await made.publish(order(f"e{number}"))
        await pass_over(made)
        await _work(made)
        yield made


async def _work(played: Stage) -> None:
    async with Running(played):
        for number in range(3):
            await played.publish(order(f"e{number}"))
        for number in range(3):
            await played.outcome_records(f"e{number}")


async def started(played: Stage, *words: str, **settings: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", START, "replay", "-c", str(played.config), *words),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # On a machine where tests take all the time there is, none would be left for a job that gives way.
        env=os.environ
        | {"POINTSMAN_REPLAY_EAGER": "1"}
        | {f"POINTSMAN_{name.upper()}": value for name, value in settings.items()},
    )


async def run(played: Stage, *words: str, exit_code: int = 0, **settings: str) -> tuple[str, str]:
    process = await started(played, *words, **settings)
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    assert process.returncode == exit_code, (out.decode(), err.decode())
    return out.decode(), err.decode()


async def document(played: Stage, *words: str, exit_code: int = 0, **settings: str) -> Any:
    out, _ = await run(played, *words, "--json", exit_code=exit_code, **settings)
    return json.loads(out)


async def test_a_dry_run_shows_the_plan_and_leaves_no_trace(played: Stage) -> None:
    plan = await document(played, "erp.orders", "--dry-run", "--mode", "shadow")
    assert plan["events"] == 3
    assert plan["expected"]["model_calls"] > 0
    assert plan["expected"]["effects"] == {}
    assert await document(played, "--jobs") == []


async def test_a_rebuild_is_reported_in_both_forms_and_listed(played: Stage, tmp_path: Path) -> None:
    page, data = tmp_path / "report.md", tmp_path / "report.json"
    reports = ("--report", str(page), "--report", str(data))
    done = await document(played, "erp.orders", "--operator", "ann", "--reason", "a lost index", *reports)
    assert done["tally"] == {"read": 3, "republished": 3, "success": 3}
    assert json.loads(data.read_text()) == done
    assert "by ann" in page.read_text()
    assert "| reason | a lost index |" in page.read_text()
    (listed,) = await document(played, "--jobs")
    assert listed == done
    _, err = await run(played, "--job", done["job"]["id"], exit_code=1)
    assert "is over; order a new one" in err


async def test_a_shadow_finds_no_difference_where_nothing_was_changed(played: Stage) -> None:
    done = await document(played, "erp.orders", "--mode", "shadow")
    assert done["found"]["verdicts"] == {"same": 3}
    assert done["tally"] == {"read": 3, "same": 3}
    assert "What would have been done" in done["page"]


async def test_a_shadow_that_goes_on_asks_the_systems_as_it_was_ordered_to(played: Stage) -> None:
    order = ("--mode", "shadow", "--live-reads", "--ignore", "erp.create_order.quantity")
    gone = {"model__base_url": "http://127.0.0.1:1/v1", "limits__retry_total_s": "25"}
    _, err = await run(played, "erp.orders", *order, exit_code=1, **gone)
    assert "WARNING consumers.replay.shadow: a shadow replay waits reason=" in err, (
        "it is logged as a worker logs"
    )
    (ordered,) = await document(played, "--jobs")
    assert ordered["state"] == "stopped"
    assert ordered["why"].startswith("model pointsman-offline: no answer from"), "the list says what ended it"
    done = await document(played, "--job", ordered["job"]["id"])
    assert (done["state"], done["reads"], done["ignored"]) == ("over", "live", ["erp.create_order.quantity"])
    assert {each.reads for each in await _differences(played)} == {"live"}


async def _differences(played: Stage) -> list[Difference]:
    async with topic_reader(played.connection) as reader:
        records = [each async for each in reader.to_end(["pointsman.differences"])]
    found = [own_message_of(await played.codec.decode(each, tenant="t")) for each in records]
    return [each for each in found if isinstance(each, Difference)]


async def test_what_works_for_real_is_not_begun_without_a_yes_and_a_signature(played: Stage) -> None:
    backfill = ("erp.orders", "--mode", "backfill", *BOUNDS)
    _, err = await run(played, *backfill, exit_code=2)
    assert "say --yes where nobody can be asked" in err
    _, err = await run(played, *backfill, "--yes", "--operator", "ann", exit_code=2)
    assert "key demo-1 is the demo's" in err
    text = played.config.read_text()
    played.config.write_text(_SIGN_WITH.sub("", text))
    _, err = await run(played, *backfill, "--yes", "--operator", "ann", exit_code=2)
    assert "only what is signed counts" in err
    assert await document(played, "--jobs") == []


async def test_a_backfill_works_what_nobody_did_up_to_its_bound_and_signs_for_it(skipped: Stage) -> None:
    plan = await document(skipped, "erp.orders", "--dry-run", "--mode", "backfill")
    assert plan["events"] == 3
    assert plan["expected"]["by_connector"] == {"erp": 6.0}

    bounds = ("--most-effects", "3", "--most-usd", "5", "--at-once", "1")
    bound = await document(skipped, "erp.orders", "--mode", "backfill", "--yes", *bounds, exit_code=1)
    assert (bound["state"], bound["used"]["effects"]) == ("at its bound", 3)
    assert "bound of 3 effects is reached" in bound["why"]
    assert bound["job"]["operator"] == "the demo"
    assert bound["signature"]
    assert skipped.rows("SELECT count(*) FROM effects") == [(6 + 3,)]

    done = await document(skipped, "erp.orders", "--mode", "resume", "--yes")
    assert done["state"] == "over"
    assert (done["tally"]["read"], done["tally"]["skipped: ended: success"]) == (6, 4)
    assert done["tally"]["success"] == 2
    assert skipped.rows("SELECT count(*), max(attempts) FROM effects") == [(12, 1)]


async def test_a_job_whose_model_is_away_ends_before_its_events_says_so_and_goes_on_later(
    skipped: Stage,
) -> None:
    gone = {"model__base_url": "http://127.0.0.1:1/v1", "limits__retry_total_s": "1"}
    stopped = await document(skipped, "erp.orders", "--mode", "resume", "--yes", exit_code=1, **gone)
    assert stopped["state"] == "stopped"
    assert "could not be worked for 1 s" in stopped["why"]
    done = await document(skipped, "--job", stopped["job"]["id"])
    assert (done["state"], done["tally"]["success"]) == ("over", 3)
    assert skipped.rows("SELECT count(*), max(attempts) FROM effects") == [(12, 1)]


async def test_an_order_whose_bound_was_raised_in_redis_is_refused(skipped: Stage) -> None:
    bounds = ("--most-effects", "1", "--most-usd", "5")
    bound = await document(skipped, "erp.orders", "--mode", "backfill", "--yes", *bounds, exit_code=1)
    name = f"pointsman:{{replay:{bound['job']['id']}}}:job"
    async with redis_of(skipped) as client:
        kept: Any = await client.get(name)
        await client.set(name, kept.replace(b'"effects":1', b'"effects":100', 1))
    _, err = await run(skipped, "--job", bound["job"]["id"], exit_code=1)
    assert "the signature is of something else" in err
    assert skipped.rows("SELECT count(*) FROM effects") == [(6 + 1,)]


async def test_a_signal_stops_a_job_and_it_goes_on_where_it_was(played: Stage) -> None:
    junk = [Outgoing("erp.orders", b"junk", b"not an event")] * 200
    await played.sender.send(junk)
    process = await started(
        played, "erp.orders", "--rate", "5", "--look-at", "1", "--yield-lag", "1000", "--json"
    )
    async with asyncio.timeout(60):
        while not await document(played, "--jobs"):
            await asyncio.sleep(0)
        process.terminate()
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    stopped = json.loads(out)
    assert f"whatever stops it, `pointsman replay --job {stopped['job']['id']}` goes on" in err.decode()
    assert stopped["state"] == "stopped"
    assert stopped["tally"].get("read", 0) < 203
    done = await document(played, "--job", stopped["job"]["id"], "--yield-lag", "1000")
    assert done["state"] == "over"
    assert done["tally"] == {"read": 203, "republished": 3, "success": 3, "skipped: unreadable": 200}
    for number in range(3):
        assert len(await played.outcome_records(f"e{number}", at_least=2)) == 2
