"""The parts of a topic that a job works: to their frozen ends, from where it committed, and from anew after it was frozen."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiokafka.admin import NewTopic

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_sender import KafkaSender
from consumers.adapters.kafka_spans import KafkaSpans
from consumers.errors import HaltError
from consumers.local.broker import local_broker
from consumers.ports.consumer_group import Committed, PartitionId
from schemas.record import Outgoing

IN = PartitionId("in", 0)


@dataclass
class Listening:
    """Notes what it is told."""

    assigned: list[AbstractSet[PartitionId]] = field(default_factory=list[AbstractSet[PartitionId]])

    async def on_revoked(self, partitions: AbstractSet[PartitionId]) -> None:
        raise AssertionError(f"nothing is ever revoked: {partitions}")

    def on_assigned(self, partitions: AbstractSet[PartitionId], generation: int) -> None:
        del generation
        self.assigned.append(partitions)


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncGenerator[KafkaConnection]:
    """A broker with ten records on one partition."""
    async with local_broker(tmp_path) as bootstrap:
        made = KafkaConnection(bootstrap, {})
        admin = kafka_clients.admin(made)
        await admin.start()
        await admin.create_topics([NewTopic("in", 1, 1)])
        await kafka_clients.stop(admin)
        sender = KafkaSender(lambda: kafka_clients.producer(made))
        await sender.start()
        await sender.send([Outgoing("in", b"k", str(number).encode()) for number in range(10)])
        await sender.stop()
        yield made


def spans(
    connection: KafkaConnection, held: Mapping[PartitionId, tuple[int, int]], *, lease_s: float = 30.0
) -> KafkaSpans:
    return KafkaSpans(
        lambda: kafka_clients.group_consumer(
            connection, group="live.replay.j", instance_id=None, session_timeout_s=10
        ),
        held,
        lease_s=lease_s,
    )


async def read(group: KafkaSpans, first: int) -> list[str]:
    """Read to the end of the span."""
    group.seek(IN, first)
    group.resume({IN})
    found: list[str] = []
    async with asyncio.timeout(20):
        while (at := group.position(IN)) is None or at < (group.end(IN) or 0):
            for records in (await group.poll(timeout_s=0.1, max_records=3)).values():
                found += [(record.value or b"").decode() for record in records]
    return found


async def test_only_the_span_is_given_and_a_commit_is_gone_on_from(connection: KafkaConnection) -> None:
    group = spans(connection, {IN: (2, 7)})
    listening = Listening()
    await group.start(frozenset({"in"}), listening)
    assert listening.assigned == [{IN}]
    assert await group.committed({IN}) == {}
    assert await group.start_offset(IN) == 2

    assert await read(group, 2) == ["2", "3", "4", "5", "6"]
    assert (group.position(IN), group.end(IN)) == (7, 7)
    group.resume({IN})
    assert await group.poll(timeout_s=0.1, max_records=10) == {}
    await group.commit({IN: Committed(4, "above")})
    await group.stop()

    again = spans(connection, {IN: (2, 7)})
    await again.start(frozenset({"in"}), Listening())
    assert await again.committed({IN}) == {IN: Committed(4, "above")}
    assert await read(again, 4) == ["4", "5", "6"]
    await again.stop()


async def test_a_topic_that_ends_before_the_span_does_was_made_anew(connection: KafkaConnection) -> None:
    group = spans(connection, {IN: (2, 11)})
    with pytest.raises(HaltError, match=r"in\[0\] ends at 10, and the job goes up to 11"):
        await group.start(frozenset({"in"}), Listening())
    await group.stop()


async def test_a_process_that_was_frozen_for_longer_than_its_lease_drops_what_it_had_and_begins_anew(
    connection: KafkaConnection,
) -> None:
    group = spans(connection, {IN: (0, 10)}, lease_s=0.2)
    listening = Listening()
    await group.start(frozenset({"in"}), listening)
    assert await group.confirm()
    assert listening.assigned == [{IN}]

    time.sleep(0.3)  # noqa: ASYNC251 - frozen, as by SIGSTOP

    assert not await group.confirm()
    assert listening.assigned == [{IN}, set(), {IN}]
    assert group.position(IN) is None
    assert await group.confirm()
    assert (await read(group, 0))[-1] == "9"
    await group.stop()
