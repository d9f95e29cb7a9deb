"""Resume: runs that were left where they stood go on there, under the same keys; whoever waits for a person keeps waiting."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from consumers.adapters.kafka_reader import topic_reader
from consumers.adapters.redis_sessions import RedisSessions
from consumers.local.broker import local_broker
from consumers.replay.mode import Mode
from consumers.session.key import SessionKey
from tests.integration.jobs import ordered, redis_of, work
from tests.integration.redriving import command
from tests.integration.running import Running
from tests.integration.stage import Stage, order, stage


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


async def test_a_run_that_was_left_in_the_middle_goes_on_at_its_step(played: Stage) -> None:
    worker = await played.start_worker(redis__lease_s="2")
    played.moments.arm(7, "before", worker.pid)  # the order is placed, the shipment is to be scheduled
    await played.publish(order("left"))
    async with asyncio.timeout(60):
        assert await worker.wait() == -9, played.log()
    # To a group that has never committed anything, nobody else will come to it.
    other = played.folder / "other.yaml"
    text = played.config.read_text(encoding="utf-8")
    other.write_text(text.replace("group: pointsman-demo", "group: other"), encoding="utf-8")
    asked = played.model.stats.requests

    backfilled = await work(played, await ordered(played, Mode.BACKFILL), config=other)
    resumed = await work(played, await ordered(played, Mode.RESUME), config=other)

    assert backfilled == {"read": 1, "skipped: begun, not ended": 1}
    assert resumed == {"read": 1, "success": 1}
    assert played.model.stats.requests == asked + 1, "what was decided is not asked again"
    assert played.rows("SELECT count(*), count(DISTINCT key) FROM effects") == [(2, 2)]


async def test_a_run_that_waits_for_a_person_keeps_waiting(played: Stage) -> None:
    large = order("large", customer="C-500", product="P-500", quantity=50)
    await played.publish(large)
    assert await work(played, await ordered(played)) == {"read": 1, "requires_approval": 1}

    for mode, why in ((Mode.RESUME, "waits for a person"), (Mode.BACKFILL, "begun, not ended")):
        assert await work(played, await ordered(played, mode)) == {"read": 1, f"skipped: {why}": 1}
    assert played.rows("SELECT count(*) FROM effects") == [(0,)]


async def test_what_failed_before_it_was_journaled_is_missing_and_is_worked(played: Stage) -> None:
    text = played.config.read_text(encoding="utf-8")
    other = text.replace("event: order.requested", "event: order.returned")
    assert other != text
    played.config.write_text(other, encoding="utf-8")
    async with Running(played):
        await played.publish(order("unrouted"))
        await played.publish(order("last"))
        await _on(played, "pointsman.dead-letters", 2)
    played.config.write_text(text, encoding="utf-8")

    tally = await work(played, await ordered(played, Mode.RESUME))

    assert tally == {"read": 2, "success": 2}


async def test_an_event_whose_key_is_parked_is_worked_and_its_release_says_the_same_again(
    played: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = order("parked")
    key = SessionKey("default", event.session_id)
    async with redis_of(played) as client:
        sessions = RedisSessions(client)
        busy = (await sessions.open(key, "somebody else's run")).lease
        with monkeypatch.context() as env:
            env.setenv("POINTSMAN_LIMITS__RETRY_TOTAL_S", "0.5")
            async with Running(played):
                await played.publish(event)
                await _on(played, "pointsman.parked", 1)
        await sessions.release(busy)

    assert await work(played, await ordered(played, Mode.RESUME)) == {"read": 1, "success": 1}

    (first,) = await played.outcome_records("parked")
    await command(played, "release", "--all")
    async with Running(played):
        second = (await played.outcome_records("parked", at_least=2))[1]
    assert (first.key, first.value, first.headers) == (second.key, second.value, second.headers)
    assert played.rows("SELECT count(*), max(attempts) FROM effects") == [(2, 1)]


async def _on(played: Stage, topic: str, count: int) -> None:
    """Wait until a topic holds so many records."""
    async with asyncio.timeout(30), topic_reader(played.connection) as reader:
        async for _ in reader.follow([topic], from_beginning=True):
            spans = await reader.spans([topic])
            if sum(span.end for span in spans.values()) == count:
                return
