"""A worker on embedded servers: bad records, duplicates, health, replay, and an end in order."""

import asyncio
import json
from collections.abc import AsyncGenerator
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from consumers.adapters import kafka_clients
from consumers.adapters.redis_connection import connect
from consumers.app.config_file import read_config
from consumers.local.broker import local_broker
from consumers.local.redis_server import local_redis
from consumers.replay.selection import Selection
from schemas.dead_letter import DeadLetter, dead_letter_of
from schemas.outcome import Status
from schemas.record import Outgoing
from tests.integration.replays import replay
from tests.integration.running import Running
from tests.integration.stage import Stage, order, stage


@pytest.fixture
async def played(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with local_broker(tmp_path / "kafka") as bootstrap, stage(tmp_path, bootstrap) as made:
        yield made


async def dead_letters(played: Stage, count: int) -> list[DeadLetter]:
    reader = kafka_clients.reader(played.connection)
    reader.subscribe(["pointsman.dead-letters"])
    await reader.start()
    found: list[DeadLetter] = []
    try:
        async with asyncio.timeout(30):
            while len(found) < count:
                for batch in (await reader.getmany(timeout_ms=200)).values():
                    found += [dead_letter_of(kafka_clients.record_of(fetched)) for fetched in batch]
                await asyncio.sleep(0.01)  # the embedded broker answers an empty fetch at once
    finally:
        await kafka_clients.stop(reader)
    return found


async def test_every_kind_of_bad_record_ends_in_the_dead_letters_and_stops_nobody(played: Stage) -> None:
    ce = [("ce_specversion", b"1.0"), ("ce_source", b"/x"), ("ce_id", b"1")]
    bad: dict[bytes, tuple[bytes | None, list[tuple[str, bytes]], str]] = {
        b"garbage": (b"\xff\xfe<order/>", [], "unreadable"),
        b"tombstone": (None, [], "unreadable"),
        b"no id": (b'{"quantity": 1}', [], "unreadable"),
        b"twice": (b'{"id": "a", "id": "b"}', [], "unreadable"),
        b"unrouted": (b"{}", [*ce, ("ce_type", b"order.vanished")], "unrouted"),
        b"unknown schema": (b"\x00\x00\x00\x00\x07abc", ce, "unknown_schema"),
        b"headers": (b"{}", [(f"h{i}", b"x") for i in range(1000)], "unreadable"),
        b"k" * 100_000: (b"not json", [], "unreadable"),
    }
    async with Running(played):
        for key, (value, headers, _) in bad.items():
            await played.sender.send([Outgoing("erp.orders", key, value, tuple(headers))])
        await played.publish(order("good"))
        await played.outcome_records("good")
        letters = await dead_letters(played, len(bad))
    assert {letter.record.key: letter.reason for letter in letters} == {
        k: reason for k, (_, _, reason) in bad.items()
    }
    for letter in letters:
        value, headers, _ = bad[letter.record.key or b""]
        assert letter.record.value == value
        assert list(letter.record.headers) == headers
        assert letter.record.topic == "erp.orders"


async def test_a_duplicate_under_another_key_gives_the_same_bytes_and_no_second_effect(played: Stage) -> None:
    event = order("twice")
    async with Running(played):
        await played.publish(event)
        await played.outcome_records("twice")
        asked = played.model.stats.requests
        await played.publish(event, key=b"another key")
        first, second = await played.outcome_records("twice", at_least=2)
    assert (first.key, first.value, first.headers) == (second.key, second.value, second.headers)
    assert played.model.stats.requests == asked
    assert played.rows("SELECT action, count(*) FROM effects GROUP BY action") == [
        ("create_order", 1),
        ("schedule_shipment", 1),
    ]


async def test_a_replay_gives_the_same_outcomes_and_neither_asks_nor_does_anything(played: Stage) -> None:
    async with Running(played):
        for number in range(5):
            await played.publish(order(f"e{number}"))
        originals = [(await played.outcome_records(f"e{number}"))[0] for number in range(5)]
    asked, effects = (
        played.model.stats.requests,
        played.rows("SELECT key, attempts FROM effects ORDER BY key"),
    )
    await played.publish(order("never worked"))

    report = (await replay(played.config, Selection("erp.orders"))).tally

    assert report == {
        "read": 6,
        "republished": 5,
        "success": 5,
        "skipped: never worked, or not remembered": 1,
    }
    for number, original in enumerate(originals):
        again = (await played.outcome_records(f"e{number}", at_least=2))[1]
        assert (again.key, again.value, again.headers) == (original.key, original.value, original.headers)
    assert played.model.stats.requests == asked
    assert played.rows("SELECT key, attempts FROM effects ORDER BY key") == effects


async def test_health_readiness_and_metrics_say_what_is(played: Stage) -> None:
    async with Running(played) as running, aiohttp.ClientSession() as http:
        await played.publish(order("seen"))
        await played.outcome_records("seen")
        for page in ("healthz", "readyz"):
            async with http.get(f"{running.info.health_address}/{page}") as answer:
                assert answer.status == 200, await answer.text()
        async with http.get(f"{running.info.health_address}/metrics") as answer:
            text = await answer.text()
    assert 'pointsman_events_total{route="order.requested",status="success"} 1.0' in text
    assert 'pointsman_verdicts_total{effect="allow"' in text
    assert "pointsman_ready 1.0" in text


async def test_a_sigterm_lets_running_work_end_and_commits_it(played: Stage) -> None:
    await played.start_worker()
    for number in range(20):
        await played.publish(order(f"e{number}"))
    await played.outcome_records("e0")
    assert await played.stop_worker() == 0, played.log()
    lines = [json.loads(line) for line in played.log().splitlines() if line.startswith("{")]
    assert any(line["message"] == "stopped" for line in lines)
    await played.start_worker()
    for number in range(20):
        outcome = await played.outcome_in((await played.outcome_records(f"e{number}"))[0])
        assert outcome.status is Status.SUCCESS
    await played.publish(order("last"))
    await played.outcome_records("last")
    assert await played.stop_worker() == 0, played.log()
    assert played.rows("SELECT count(*), max(attempts) FROM effects") == [(42, 1)]


async def test_a_session_shared_by_two_topics_keys_never_interleaves(played: Stage) -> None:
    """Events of one session under different record keys run one after the other: the lease sees to it."""
    async with Running(played):
        events = [order(f"s{number}") for number in range(6)]
        for number, event in enumerate(events):
            shared = type(event)(
                id=event.id,
                type=event.type,
                source=event.source,
                time=event.time,
                tenant=event.tenant,
                session_id="shared",
                payload=event.payload,
            )
            await played.publish(shared, key=f"key-{number}".encode())
        outcomes = [await played.outcome_in((await played.outcome_records(e.id))[0]) for e in events]
    spans = sorted((o.started_at, o.finished_at) for o in outcomes)
    assert all(o.status is Status.SUCCESS for o in outcomes)
    assert all(before[1] <= after[0] for before, after in pairwise(spans)), spans


async def test_events_wait_while_redis_is_away_and_none_is_lost_or_done_twice(played: Stage) -> None:
    url = read_config(played.config).config.redis.url
    async with Running(played) as running, aiohttp.ClientSession() as http:
        for number in range(10):
            await played.publish(order(f"before-{number}"))
        await played.outcome_records("before-0")
        async with connect(url) as client:
            await client.shutdown(save=True)
        for number in range(10):
            await played.publish(order(f"during-{number}"))
        async with asyncio.timeout(20):
            while (await ready(http, running)).status == 200:
                await asyncio.sleep(0.05)
        async with local_redis(played.folder / "redis", port=int(url.rsplit(":", 1)[1].partition("/")[0])):
            for number in range(10):
                await played.outcome_records(f"before-{number}")
                await played.outcome_records(f"during-{number}")
            async with asyncio.timeout(20):
                while (await ready(http, running)).status != 200:
                    await asyncio.sleep(0.05)
    assert played.rows("SELECT count(*), count(DISTINCT key) FROM effects") == [(40, 40)]


async def ready(http: aiohttp.ClientSession, running: Running) -> aiohttp.ClientResponse:
    async with http.get(f"{running.info.health_address}/readyz") as answer:
        await answer.read()
        return answer


async def test_a_question_that_nobody_answers_ends_by_itself(played: Stage) -> None:
    text, route = played.config.read_text(), "  - topic: erp.orders\n"
    assert text.count(route) == 1
    played.config.write_text(text.replace(route, f"{route}    approval_window: PT1S\n"))
    async with Running(played):
        await played.publish(order("e-1", customer="C-500", product="P-500", quantity=50))
        (record,) = await played.outcome_records("e-1")
    outcome = await played.outcome_in(record)
    assert outcome.status is Status.REFUSED
    assert "nobody answered in time" in f"{outcome.actions[-1].error}"
    assert played.rows("SELECT * FROM effects") == []
