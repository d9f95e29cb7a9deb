"""Events in, outcomes and requests out, on the topics of one ground."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from scenarios import TENANT
from servers import Ground

from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_sender import KafkaSender
from consumers.policy.approvers import Signer
from schemas.approval import REQUESTED_TYPE, ApprovalRequest
from schemas.codec.outgoing import outcome_of, step_of
from schemas.codec.people import approval_request_of
from schemas.codec.records import RecordCodec, json_record
from schemas.envelope import Envelope
from schemas.outcome import Outcome
from schemas.record import Outgoing, Record
from schemas.registry.folder import FolderRegistry
from schemas.step import Step

_POLL_MS: Final = 100
_LOOK_S: Final = 0.02
APPROVER: Final = "the harness"


@dataclass
class Traffic:
    """What was published on a ground, as subscribers see it."""

    ground: Ground
    sender: KafkaSender
    reader: AIOKafkaConsumer
    admin: AIOKafkaAdminClient
    codec: RecordCodec
    signer: Signer
    outcomes: list[tuple[Record, Outcome]] = field(default_factory=list[tuple[Record, Outcome]])
    requests: list[tuple[Record, ApprovalRequest]] = field(
        default_factory=list[tuple[Record, ApprovalRequest]]
    )
    steps: list[tuple[Record, Step]] = field(default_factory=list[tuple[Record, Step]])
    strays: list[Record] = field(default_factory=list[Record])
    """Dead letters and parked records."""
    collecting: "asyncio.Task[None] | None" = None
    """Reads, while it is connected."""
    _read: dict[TopicPartition, int] = field(default_factory=dict[TopicPartition, int])
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self, events: Sequence[tuple[str, Envelope]]) -> None:
        """Publish events at once."""
        records: list[Outgoing] = []
        for topic, event in events:
            encoded = json_record(event)
            records.append(Outgoing(self.ground.topic(topic), encoded.key, encoded.value, encoded.headers))
        await self.sender.send(records)

    async def approve(self, request: ApprovalRequest) -> None:
        """Answer a request as a person would."""
        decision = request.answered("approve", approver=APPROVER, comment="Fine.", at=datetime.now(UTC))
        encoded = self.codec.encode(self.signer.signed(decision))
        topic = self.ground.topic("approvals")
        await self.sender.send([Outgoing(topic, encoded.key, encoded.value, encoded.headers)])

    def copies(self, event_id: str) -> int:
        """Return how often an event's outcome was published."""
        return sum(outcome.event_id == event_id for _, outcome in self.outcomes)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until what was read makes something true."""
        while not true():
            if self.collecting is not None and self.collecting.done():
                self.collecting.result()
            self._news.clear()
            await self._news.wait()

    def wake(self) -> None:
        """Have whoever waits look again."""
        self._news.set()

    async def settled(self) -> None:
        """Wait until all there is on the input topics is committed, and all that came of it is read."""
        while await self.lag():  # noqa: ASYNC110 # the broker tells nobody
            await asyncio.sleep(_LOOK_S)
        await self.caught_up()

    async def caught_up(self) -> None:
        """Wait until all that is out at this moment is read."""
        ends = await self.reader.end_offsets(self.reader.assignment())
        await self.until(lambda: all(self._read.get(place, 0) >= end for place, end in ends.items()))

    async def begun(self) -> None:
        """Wait until a worker has committed where it begins on each of the input topics."""
        while min((await self._committed()).values()) < 0:  # noqa: ASYNC110 # the same
            await asyncio.sleep(_LOOK_S)

    async def lag(self) -> int:
        """Return how many records of the input topics are not committed."""
        committed = await self._committed()
        ends = await self.reader.end_offsets(list(committed))
        return sum(end - max(0, committed[partition]) for partition, end in ends.items())

    async def _committed(self) -> dict[TopicPartition, int]:
        inputs = [TopicPartition(topic, 0) for topic in self.ground.inputs]
        found = await self.admin.list_consumer_group_offsets(self.ground.name, partitions=inputs)
        return {partition: found[partition].offset for partition in inputs}

    async def collect(self) -> None:
        """Read until cancelled; fetch only what is there, since the embedded broker answers an empty fetch at once."""
        places = self.reader.assignment()
        while True:
            self.reader.pause(*places)
            ends = await self.reader.end_offsets(places)
            self.reader.resume(*(place for place, end in ends.items() if self._read.get(place, 0) < end))
            while any(self._read.get(place, 0) < end for place, end in ends.items()):
                for place, fetched in (await self.reader.getmany(timeout_ms=_POLL_MS)).items():
                    for one in fetched:
                        await self._keep(kafka_clients.record_of(one))
                        self._read[place] = one.offset + 1
                self._news.set()
            await asyncio.sleep(_LOOK_S)

    async def _keep(self, record: Record) -> None:
        kind = record.topic.rpartition(".")[2]
        if kind in {"dead-letters", "parked"}:
            self.strays.append(record)
            return
        event = await self.codec.decode(record, tenant=TENANT)
        if kind == "outcomes":
            self.outcomes.append((record, outcome_of(event)))
        elif kind == "steps":
            self.steps.append((record, step_of(event)))
        elif event.type == REQUESTED_TYPE:
            self.requests.append((record, approval_request_of(event)))


@asynccontextmanager
async def open_traffic(kafka: KafkaConnection, ground: Ground, signer: Signer) -> AsyncGenerator[Traffic]:
    """Connect a publisher, who signs answers, and a subscriber to a ground while the block runs."""
    codec = RecordCodec(FolderRegistry())
    await codec.ready()
    sender = KafkaSender(lambda: kafka_clients.producer(kafka))
    reader, admin = kafka_clients.reader(kafka), kafka_clients.admin(kafka)
    names = ("outcomes", "steps", "approvals", "dead-letters", "parked")
    reader.assign([TopicPartition(ground.topic(name), 0) for name in names])
    traffic = Traffic(ground, sender, reader, admin, codec, signer)
    try:
        await sender.start()
        await reader.start()
        await admin.start()
        traffic.collecting = asyncio.create_task(traffic.collect(), name=f"collect {ground.name}")
        traffic.collecting.add_done_callback(lambda _: traffic.wake())
        yield traffic
    finally:
        if traffic.collecting is not None:
            traffic.collecting.cancel()
            await asyncio.wait([traffic.collecting])
        for client in (reader, admin):
            await kafka_clients.stop(client)
        await sender.stop()
