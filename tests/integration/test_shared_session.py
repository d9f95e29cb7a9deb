"""Events of one session on two topics: one after the other, each told what the one before it did."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from consumers.adapters import kafka_clients
from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sessions import RedisSessions
from consumers.app.config_file import read_config
from consumers.local.broker import local_broker
from consumers.session.key import SessionKey
from schemas.envelope import Envelope
from schemas.outcome import Outcome
from tests.integration.running import Running
from tests.integration.stage import Stage, order, stage

SHARED = "customer-C-100"


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


def case(event_id: str) -> Envelope:
    return Envelope(
        id=event_id,
        type="case.opened",
        source="/test/crm",
        time=datetime.now(UTC),
        tenant="default",
        session_id=SHARED,
        payload={
            "case_ref": "K-1000",
            "customer_id": "C-100",
            "order_id": "O-1000",
            "kind": "complaint",
            "text": "One of the two lamps arrived broken.",
        },
    )


def prompts(played: Stage) -> dict[str, str]:
    """Return what the model was told of the session, by the event it was asked about."""
    told: dict[str, str] = {}
    for body in played.to_model.bodies:
        messages: list[dict[str, Any]] = orjson.loads(body)["messages"]
        text: str = next(each["content"] for each in messages if each["role"] == "user")
        session, _, event = text.rpartition("<event>")
        told[orjson.loads(event.removesuffix("</event>"))["id"]] = session
    return told


async def outcomes(played: Stage, events: list[Envelope]) -> list[Outcome]:
    return [await played.outcome_in((await played.outcome_records(each.id))[0]) for each in events]


async def test_they_never_interleave_and_each_is_told_of_all_before_it(played: Stage) -> None:
    events = [replace(order(f"order-{number}"), session_id=SHARED) for number in range(3)]
    cases = [case(f"case-{number}") for number in range(3)]
    for number, (first, second) in enumerate(zip(events, cases, strict=True)):
        await played.publish(first, "erp.orders", key=f"order-key-{number}".encode())
        await played.publish(second, "crm.cases", key=f"case-key-{number}".encode())
    async with Running(played):
        ended = sorted(await outcomes(played, [*events, *cases]), key=lambda outcome: outcome.started_at)
    assert all(before.finished_at <= after.started_at for before, after in pairwise(ended)), ended
    told = prompts(played)
    assert told[ended[0].event_id] == ""
    for number, outcome in enumerate(ended[1:], start=1):
        session = told[outcome.event_id]
        for before in ended[:number]:
            assert f" {before.event_type} {before.event_id}, " in session
        assert all(f" {later.event_id}, " not in session for later in ended[number:])
    # Of the one right before, what was bought is told, and not only that something was.
    bought = 'erp.create_order({"customer_id":"C-100","priority":"standard","product_id":"P-100","quantity":1}) done'
    after_an_order = [after for before, after in pairwise(ended) if before.event_type == "order.requested"]
    assert len(after_an_order) >= 2
    assert all(bought in told[after.event_id] for after in after_an_order)
    async with connect(read_config(played.config).config.redis.url) as client:
        opened = await RedisSessions(client).open(SessionKey("default", SHARED), "another")
    assert [run.event_id for run in opened.context.runs] == [outcome.event_id for outcome in ended]
    created = {run.event_id: run for run in opened.context.runs if run.event == "order.requested"}
    for run in created.values():
        assert [(a.action, a.status) for a in run.actions if a.effect == "write"] == [
            ("erp.create_order", "done"),
            ("erp.schedule_shipment", "done"),
        ]
        assert all(a.ms is not None for a in run.actions)
        checked = {a.action: a.rules for a in run.actions}
        assert checked["erp.create_order"] == ("credit-first", "price-first", "large-order")


async def test_one_that_waits_for_its_session_holds_no_slot(
    played: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_LIMITS__IN_FLIGHT", "1")
    waiting, other = replace(order("waits"), session_id=SHARED), order("goes on")
    async with connect(read_config(played.config).config.redis.url) as client:
        somebody = RedisSessions(client)
        lease = (await somebody.open(SessionKey("default", SHARED), "somebody else's")).lease
        async with Running(played):
            await played.publish(waiting, key=b"a")
            await played.publish(case("waits too"), "crm.cases", key=b"b")
            await played.publish(other, key=b"c")
            await played.outcome_records(other.id)
            ended = {(await played.outcome_in(record)).event_id for record in played.records}
            assert ended == {other.id}, "the others wait for their session"
            await somebody.release(lease)
            await outcomes(played, [waiting, case("waits too")])


async def test_a_damaged_session_stops_its_own_events_and_no_others(
    played: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POINTSMAN_LIMITS__RETRY_TOTAL_S", "0.5")
    key = SessionKey("default", SHARED)
    damaged, neighbour = replace(order("damaged"), session_id=SHARED), order("neighbour")
    async with connect(read_config(played.config).config.redis.url) as client:
        await client.set(key.context, "no JSON")
        async with Running(played):
            await played.publish(damaged, key=b"a")
            await played.publish(neighbour, key=b"b")
            await played.outcome_records(neighbour.id)
            await parked(played)
            assert {(await played.outcome_in(record)).event_id for record in played.records} == {neighbour.id}


async def parked(played: Stage) -> None:
    """Wait until a key is parked."""
    reader = kafka_clients.reader(played.connection)
    reader.subscribe(["pointsman.parked"])
    await reader.start()
    try:
        async with asyncio.timeout(30):
            while True:
                for batch in (await reader.getmany(timeout_ms=200)).values():
                    error = dict(batch[0].headers).get("pointsman-error", b"").decode()
                    assert f"session '{SHARED}'" in error
                    return
                await asyncio.sleep(0.01)  # the embedded broker answers an empty fetch at once
    finally:
        await kafka_clients.stop(reader)
