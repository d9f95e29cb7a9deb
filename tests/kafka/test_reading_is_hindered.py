"""What a group does where records cannot be read: broken ones, deleted ones, a log that is shorter than it was."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.admin import RecordsToDelete
from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from consumers.adapters import kafka_clients
from consumers.errors import HaltError
from consumers.ports.consumer_group import Committed
from tests.contracts.group_cases import VALUES, group_name
from tests.contracts.puppet import Puppet, joined
from tests.kafka.kafka_stage import kafka_stage

NewTopic = Callable[..., str]


async def polled_until_it_halts(puppet: Puppet) -> None:
    async with asyncio.timeout(20):
        while True:
            await puppet.poll()


async def test_a_broken_batch_halts_and_is_named(
    kafka: str, new_topic: NewTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(data: bytes) -> Any:
        return MemoryRecords(data[:-1] + bytes([data[-1] ^ 1]) if data else data)

    async with kafka_stage(kafka, new_topic) as stage:
        topic = await stage.new_topic()
        await stage.publish(topic, VALUES)
        puppet = Puppet(stage.member(group_name()), begins=False)
        async with joined(puppet, topic) as (pid,):
            monkeypatch.setattr(fetcher, "MemoryRecords", broken)
            puppet.group.seek(pid, 0)
            puppet.group.resume({pid})
            # The one that is broken is the last one of what was fetched: those before it are in batches of their own.
            with pytest.raises(HaltError, match=rf"{topic}\[0\]@9 cannot be read"):
                await polled_until_it_halts(puppet)
            assert not puppet.records


async def test_deleted_records_are_passed_and_told(
    kafka: str, new_topic: NewTopic, caplog: pytest.LogCaptureFixture
) -> None:
    async with kafka_stage(kafka, new_topic) as stage:
        topic = await stage.new_topic()
        await stage.publish(topic, VALUES)
        admin = kafka_clients.admin(stage.connection)
        await admin.start()
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=6)})
        await kafka_clients.stop(admin)
        puppet = Puppet(stage.member(group_name()), begins=False)
        async with joined(puppet, topic) as (pid,):
            puppet.group.seek(pid, 2)
            puppet.group.resume({pid})
            with caplog.at_level(logging.ERROR):
                async with asyncio.timeout(20):
                    while len(puppet.records) < 4:
                        await puppet.poll()
            assert puppet.values == VALUES[6:]
    assert "records were deleted before they were read" in caplog.text


async def test_a_log_that_ends_before_the_commit_halts(kafka: str, new_topic: NewTopic) -> None:
    async with kafka_stage(kafka, new_topic) as stage:
        topic = await stage.new_topic()
        await stage.publish(topic, VALUES)
        puppet = Puppet(stage.member(group_name()), begins=False)
        async with joined(puppet, topic) as (pid,):
            await puppet.group.commit({pid: Committed(11)})
            await puppet.begin({pid})
            with pytest.raises(HaltError, match="ends before offset 11"):
                await polled_until_it_halts(puppet)
