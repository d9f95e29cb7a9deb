"""Habits of aiokafka 0.14's consumer that our adapters work around. Each test asserts the habit, so that its end is noticed.

A test that fails after an upgrade is good news: read what it names, and take the way around it out.
"""

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import RequestTimedOutError
from aiokafka.structs import OffsetAndMetadata

from consumers.adapters import kafka_clients
from tests.contracts.port_stage import until
from tests.kafka.aiokafka_clients import Telling, consuming, publish

NewTopic = Callable[..., str]


def test_its_defaults_lose_records() -> None:
    consumer = inspect.signature(AIOKafkaConsumer).parameters
    producer = inspect.signature(AIOKafkaProducer).parameters
    assert consumer["enable_auto_commit"].default is True
    assert consumer["auto_offset_reset"].default == "latest"
    assert consumer["isolation_level"].default == "read_uncommitted"
    assert consumer["rebalance_timeout_ms"].default is None  # the session timeout
    assert producer["enable_idempotence"].default is False


async def test_a_cancelled_poll_switches_the_idle_check_off(kafka: str, new_topic: NewTopic) -> None:
    async with consuming(kafka, new_topic()) as consumer:
        polling = asyncio.create_task(consumer.getmany(timeout_ms=5000))
        await asyncio.sleep(0)
        polling.cancel()
        await asyncio.wait([polling])
        await consumer.getmany(timeout_ms=1)
        assert consumer._subscription._fetch_count == 1
        assert consumer._subscription.fetcher_idle_time == 0


async def test_a_pause_drops_what_was_fetched_ahead(kafka: str, new_topic: NewTopic) -> None:
    topic = new_topic()
    await publish(kafka, topic)
    async with consuming(kafka, topic) as consumer:
        (tp,) = consumer.assignment()
        await consumer.getmany(timeout_ms=5000, max_records=1)
        assert tp in consumer._fetcher._records
        consumer.pause(tp)
        await consumer.getmany(timeout_ms=1)
        assert tp not in consumer._fetcher._records


async def test_a_pause_is_lost_at_a_rebalance(kafka: str, new_topic: NewTopic) -> None:
    topic, group = new_topic(partitions=2), f"facts-{uuid4().hex[:8]}"
    listener = Telling()
    async with consuming(kafka, topic, listener, group=group, heartbeat_interval_ms=200) as consumer:
        consumer.pause(*consumer.assignment())
        async with consuming(kafka, topic, group=group):
            await until(lambda: listener.assignments == 2)
            assert len(consumer.assignment()) == 1
            assert not consumer.paused()


async def test_an_error_of_a_listener_is_only_logged(
    kafka: str, new_topic: NewTopic, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise LookupError("on purpose")

    topic = new_topic()
    await publish(kafka, topic)
    with caplog.at_level(logging.ERROR):
        async with consuming(kafka, topic, Telling(assigned=fail)) as consumer:
            assert await consumer.getmany(timeout_ms=5000)
    assert "failed on partition assignment" in caplog.text


async def test_no_heartbeat_is_sent_while_partitions_are_assigned(kafka: str, new_topic: NewTopic) -> None:
    seen: list[Any] = []
    listener = Telling(assigned=lambda: seen.append(made[0]._coordinator._heartbeat_task))
    made: list[Any] = []
    topic = new_topic()
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=f"facts-{uuid4().hex[:8]}")
    made.append(consumer)
    await consumer.start()
    consumer.subscribe([topic], listener=listener)
    await until(lambda: bool(seen))
    await kafka_clients.stop(consumer)
    assert seen == [None]


async def test_a_poll_takes_as_long_as_a_revocation(kafka: str, new_topic: NewTopic) -> None:
    topic, group = new_topic(partitions=2), f"facts-{uuid4().hex[:8]}"
    revoking, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        revoking.set()
        await go_on.wait()

    async with consuming(
        kafka, topic, Telling(revoked=wait), group=group, heartbeat_interval_ms=200
    ) as consumer:
        other = asyncio.create_task(_taken(kafka, topic, group))
        await revoking.wait()
        polling = asyncio.create_task(consumer.getmany(timeout_ms=10))
        _, late = await asyncio.wait([polling], timeout=1)
        assert late
        go_on.set()
        await polling
        await other


async def _taken(kafka: str, topic: str, group: str) -> None:
    async with consuming(kafka, topic, group=group):
        pass


async def test_committed_drops_the_metadata(kafka: str, new_topic: NewTopic) -> None:
    async with consuming(kafka, new_topic()) as consumer:
        (tp,) = consumer.assignment()
        await consumer.commit({tp: OffsetAndMetadata(3, "text")})
        assert await consumer.committed(tp) == 3
        assert await consumer._coordinator.fetch_committed_offsets([tp]) == {tp: OffsetAndMetadata(3, "text")}


async def test_a_commit_is_tried_again_in_a_generation_that_it_was_not_meant_for(
    kafka: str, new_topic: NewTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, group = new_topic(partitions=2), f"facts-{uuid4().hex[:8]}"
    listener = Telling()
    async with consuming(kafka, topic, listener, group=group, heartbeat_interval_ms=200) as late:
        before = late.assignment()
        commit: Any = late._coordinator._do_commit_offsets

        async def without_an_answer(*arguments: Any) -> None:
            monkeypatch.setattr(late._coordinator, "_do_commit_offsets", commit)
            await until(lambda: listener.assignments == 2)
            raise RequestTimedOutError

        monkeypatch.setattr(late._coordinator, "_do_commit_offsets", without_an_answer)
        committing = asyncio.create_task(late.commit({tp: OffsetAndMetadata(1, "late") for tp in before}))
        async with consuming(kafka, topic, group=group) as owner:
            await committing
            (taken,) = owner.assignment()
            assert taken not in late.assignment()
            told = await owner._coordinator.fetch_committed_offsets([taken])
            assert told[taken].metadata == "late"


async def test_an_offset_out_of_range_begins_all_over_without_a_word(kafka: str, new_topic: NewTopic) -> None:
    topic = new_topic()
    await publish(kafka, topic)
    async with consuming(kafka, topic) as consumer:
        (tp,) = consumer.assignment()
        consumer.seek(tp, 1000)
        async with asyncio.timeout(10):
            while not (fetched := await consumer.getmany(timeout_ms=200)):
                pass
        assert fetched[tp][0].offset == 0


async def test_stopping_a_consumer_is_cancelled_by_itself_and_leaves_its_connections_open(
    kafka: str, new_topic: NewTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with consuming(kafka, new_topic(), retry_backoff_ms=1000) as consumer:
        await consumer.position(*consumer.assignment())
        closed = False
        asked: list[str] = []

        async def unreachable(_: int, request: object, **__: Any) -> None:
            asked.append(type(request).__name__)
            raise RequestTimedOutError

        async def close() -> None:
            nonlocal closed
            closed = True

        with monkeypatch.context() as patched:
            patched.setattr(consumer._client, "send", unreachable)
            patched.setattr(consumer._client, "close", close)
            await until(lambda: "FetchRequest" in asked)
            stopping = asyncio.create_task(consumer.stop())
            await asyncio.wait([stopping], timeout=4)
            assert stopping.cancelled()
            assert not closed
        consumer._closed = False
