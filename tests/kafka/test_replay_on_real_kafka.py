"""A replay on a real Apache Kafka: by time, killed again and again, and of a topic that was copied elsewhere."""

import asyncio
import random
import re
import secrets
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import topic_reader
from consumers.app.config_file import read_config
from consumers.app.replay_rebuild import run_rebuild
from consumers.demo.stack import create_topics
from consumers.replay.job import Job
from consumers.replay.pace import Pace
from consumers.replay.selection import Selection
from schemas.record import Record
from tests.integration.finished_events import ORDERS, by_key, finish, job, publish
from tests.integration.killed_replay import start
from tests.integration.replays import replay
from tests.integration.stage import OUTCOMES, Stage, order
from tests.kafka.conftest import NewTopicNamed, another_kafka
from tests.kafka.shared_cluster import shared_stage

KILLS = 20
BATCH = 10
EVENTS = 2_500
WITHIN_S = 60


async def records_of(connection: KafkaConnection, topic: str) -> list[Record]:
    async with topic_reader(connection) as reader:
        return [record async for record in reader.to_end([topic])]


async def spans_since(played: Stage, since: datetime) -> dict[int, tuple[int, int]]:
    async with topic_reader(played.connection) as reader:
        whole = await reader.spans([ORDERS])
        begin = await reader.offsets_at(whole, since)
    return {tp.partition: (at, whole[tp].end) for tp, at in begin.items()}


async def test_finished_events_give_the_same_bytes_again(kafka: str, tmp_path: Path) -> None:
    async with shared_stage(tmp_path, kafka) as played:
        started = datetime.now(UTC) - timedelta(seconds=1)
        await played.start_worker()
        event = order(f"replayed-{started.timestamp()}")
        await played.publish(event)
        (first,) = await played.outcome_records(event.id)
        assert await played.stop_worker() == 0, played.log()
        asked = played.model.stats.requests

        report = (await replay(played.config, Selection("erp.orders", since=started))).tally

        assert report == {"read": 1, "republished": 1, "success": 1}
        second = (await played.outcome_records(event.id, at_least=2))[1]
        assert (first.key, first.value, first.headers) == (second.key, second.value, second.headers)
        assert played.model.stats.requests == asked
        assert played.rows("SELECT count(*), max(attempts) FROM effects") == [(2, 1)]


@pytest.mark.timeout(540)
async def test_a_replay_killed_twenty_times_gives_what_one_gives_that_was_not(
    kafka: str, new_topic: NewTopicNamed, tmp_path: Path
) -> None:
    seed = secrets.randbits(32)
    chance = random.Random(seed)
    async with shared_stage(tmp_path, kafka) as played:
        began = datetime.now(UTC) - timedelta(seconds=1)
        finished = await finish(played, EVENTS, sessions=40, prefix=f"killed-{seed}")
        await publish(played, [order(f"unfinished-{seed}-{number}") for number in range(50)])
        spans = await spans_since(played, began)
        killed, whole = new_topic("killed", partitions=3), new_topic("whole", partitions=3)
        steady = job(f"whole-{seed}", spans, whole)
        tally = await run_rebuild(
            read_config(played.config),
            steady,
            progress=lambda _done, _total: None,
            stop=asyncio.Event(),
            pace=Pace(),
        )
        assert tally["republished"] == EVENTS

        ordered = job(f"killed-{seed}", spans, killed)
        told = await killed_again_and_again(played, ordered, chance)

        where = f"seed {seed}"
        assert told == tally, where
        again = await records_of(played.connection, killed)
        once = await records_of(played.connection, whole)
        assert [len(found) for found in (again, once)] == [EVENTS, EVENTS], where
        assert by_key(again) == by_key(once) == by_key([each.first for each in finished]), where
        assert {(r.partition, r.key) for r in again} == {(r.partition, r.key) for r in once}, where
        assert played.model.stats.requests == 0
        assert played.rows("SELECT count(*) FROM effects") == [(0,)]


async def killed_again_and_again(played: Stage, ordered: Job, chance: random.Random) -> dict[str, int]:
    """Run a job in processes that are killed at random moments, then in one that is not; return what that one says."""
    for _ in range(KILLS):
        process, heard = await asyncio.to_thread(start, played.config, ordered, BATCH)
        done = 0
        with heard:
            for _ in range(chance.randint(2, 5)):
                done, _ = await said(heard)
            # In the middle of whatever it does: reading, looking, sending, committing.
            await asyncio.sleep(chance.uniform(0, 0.03))
            process.kill()
        await asyncio.to_thread(process.join, WITHIN_S)
        assert process.exitcode == -9
        assert done < ordered.records, "it was over before it was killed: there are too few events"
    process, heard = await asyncio.to_thread(start, played.config, ordered, BATCH)
    with heard:
        while not isinstance(told := await said(heard), dict):
            pass
    await asyncio.to_thread(process.join, WITHIN_S)
    assert process.exitcode == 0
    return told


async def said(heard: Connection) -> Any:
    """Return the next thing that a process says."""
    assert await asyncio.to_thread(heard.poll, WITHIN_S), "it says nothing"
    return heard.recv()


@pytest.mark.timeout(540)
async def test_a_topic_copied_to_another_cluster_with_other_offsets_gives_the_same_and_does_nothing(
    kafka: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as exits:
        played = await exits.enter_async_context(shared_stage(tmp_path, kafka))
        began = datetime.now(UTC) - timedelta(seconds=1)
        await played.start_worker()
        events = [order(f"copied-{began.timestamp()}-{number}") for number in range(6)]
        for event in events:
            await played.publish(event)
        for event in events:
            await played.outcome_records(event.id)
        assert await played.stop_worker() == 0, played.log()
        originals = [
            r for r in played.records if (await played.outcome_in(r)).event_id in {e.id for e in events}
        ]
        asked, effects = (
            played.model.stats.requests,
            played.rows("SELECT key, attempts FROM effects ORDER BY key"),
        )

        other = KafkaConnection(await asyncio.to_thread(exits.enter_context, another_kafka()), {})
        await create_topics(other)
        copied = await copy(played, since=began, to=other)
        config = tmp_path / "elsewhere.yaml"
        text = re.sub(
            r"bootstrap: .*", f"bootstrap: {other.bootstrap}", played.config.read_text(encoding="utf-8")
        )
        config.write_text(text, encoding="utf-8")

        tally = (await replay(config, Selection(ORDERS))).tally

        assert tally["republished"] == tally["success"] == len(events)
        assert tally["read"] == copied
        again = await records_of(other, OUTCOMES)
        assert by_key(again) == by_key(originals)
        assert played.model.stats.requests == asked
        assert played.rows("SELECT key, attempts FROM effects ORDER BY key") == effects


async def copy(played: Stage, *, since: datetime, to: KafkaConnection) -> int:
    """Copy input records as a mirror does, behind others, so that each has another offset; return how many there are."""
    spans = await spans_since(played, since)
    records = [
        record
        for record in await records_of(played.connection, ORDERS)
        if record.partition in spans and record.offset >= spans[record.partition][0]
    ]
    producer = kafka_clients.producer(to)
    await producer.start()
    try:
        for number in range(100):
            await producer.send(ORDERS, b"{}", key=b"in front", headers=[("id", f"x{number}".encode())])
        for record in records:
            await producer.send(ORDERS, record.value, key=record.key, headers=list(record.headers))
        await producer.flush()
    finally:
        await kafka_clients.stop(producer)
    return 100 + len(records)
