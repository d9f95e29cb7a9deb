"""The servers of `bench-replay`, and finished events in them.

A worker works some events for real. Of each of those, many more are made: their journals are the same but for who they
are of, written by the store's own `open` and `close`; their outcomes are published by what a worker publishes with.
"""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ledger import add_customers
from load import ORDERS, OUTCOMES, orders
from processes import started
from servers import CLI, KAFKA

from connectors.sandbox.service.server import serve as serve_sandbox
from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_reader import topic_reader
from consumers.adapters.own_messages import OwnMessages
from consumers.adapters.redis_connection import connect
from consumers.adapters.redis_sessions import RedisSessions
from consumers.app.config_file import ConfigFile, read_config
from consumers.app.connections import own_messages
from consumers.demo.settled import Addresses, settled, template, write_secrets
from consumers.demo.stack import create_topics
from consumers.local.redis_server import local_redis
from consumers.offline.script_file import DEMO, load
from consumers.offline.server import OfflineModel
from consumers.offline.server import serve as serve_model
from consumers.ports.sessions import Body, Entry
from consumers.run import ending
from consumers.session import place
from consumers.session.context import Context
from consumers.session.key import SessionKey
from schemas.canonical import digest
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.record import Encoded, Outgoing, Record
from schemas.registry.folder import FolderRegistry

CUSTOMERS: Final = 1_000
_AT_ONCE: Final = 32
_WORK_S: Final = 300.0

Advance = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and how much there is."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs, and what was published on it.

    Attributes:
        folder: of everything.
        file: the configuration of worker and replays.
        connection: to the broker.
        described: the broker, as its start command says.
        model: counts what it was asked.
        database: the sandbox's.
        codec: reads and writes records.
    """

    folder: Path
    file: ConfigFile
    connection: KafkaConnection
    described: Mapping[str, Any]
    model: OfflineModel
    database: Path
    codec: RecordCodec

    @property
    def messages(self) -> OwnMessages:
        return own_messages(self.file.config.kafka, self.codec)

    async def everything_in(self, topic: str) -> list[Record]:
        """Return all records of a topic that are committed."""
        async with topic_reader(self.connection) as reader:
            return [record async for record in reader.to_end([topic])]


@asynccontextmanager
async def stage(folder: Path) -> AsyncGenerator[Stage]:
    """Run real Kafka, Redis, the offline model and the sandbox while the block runs."""
    async with AsyncExitStack() as exits:
        command = (sys.executable, KAFKA, "--with-parent")
        kafka = await exits.enter_async_context(started(command, log=folder / "kafka.log"))
        redis = await exits.enter_async_context(local_redis(folder / "redis"))
        model = await exits.enter_async_context(await serve_model(load(DEMO)))
        token, database = secrets.token_urlsafe(24), folder / "sandbox.db"
        sandbox = await serve_sandbox(database, token=token)
        exits.push_async_callback(sandbox.close)
        add_customers(database, CUSTOMERS)
        described = json.loads(await kafka.first_line())
        connection = KafkaConnection(described["bootstrap"], {})
        await create_topics(connection)
        addresses = Addresses(connection.bootstrap, redis, sandbox.address, model.base_url)
        config = folder / "pointsman.yaml"
        config.write_text(settled(template(), addresses, write_secrets(folder, token), None))
        codec = RecordCodec(FolderRegistry())
        await codec.ready()
        yield Stage(folder, read_config(config), connection, described, model, database, codec)


async def finished_events(stage: Stage, count: int, worked: int, advance: Advance) -> None:
    """Have so many finished events in the stage, the first of them really worked.

    Raises:
        ProcessError: the worker ended.
        TimeoutError: it did not finish.
    """
    events = orders(count, CUSTOMERS)
    producer = kafka_clients.producer(stage.connection)
    await producer.start()
    try:
        await _publish(producer, [_to(ORDERS, stage.codec.encode(event)) for event in events[:worked]])
        await _work(stage, worked, advance)
        redis = connect(stage.file.config.redis.url)
        try:
            sessions = RedisSessions(redis)
            models = [await sessions.read(_key(event), event.run_id) for event in events[:worked]]
            # All of a session in one lane, one after the other: their order is that of the records.
            lanes: list[list[Envelope]] = [[] for _ in range(_AT_ONCE)]
            for number, event in enumerate(events[worked:], start=worked):
                lanes[number % CUSTOMERS % _AT_ONCE].append(event)
            done = 0

            async def copied(lane: Sequence[Envelope]) -> None:
                nonlocal done
                for event in lane:
                    entries = _entries_of(event, models[done % worked])
                    lease = (await sessions.open(_key(event), event.run_id)).lease
                    await sessions.close(lease, entries, Context())
                    (body,) = (entry.body for entry in entries if entry.place == place.OUTCOME)
                    outcome = stage.messages.outcome(ending.of_body(body), OUTCOMES)
                    for message in (_to(ORDERS, stage.codec.encode(event)), outcome):
                        await producer.send(
                            message.topic, key=message.key, value=message.value, headers=list(message.headers)
                        )
                    done += 1
                    if done % 100 == 0:
                        advance("writing finished events", worked + done, count)

            async with asyncio.TaskGroup() as group:
                for number, lane in enumerate(lanes):
                    group.create_task(copied(lane), name=f"copies {number}")
        finally:
            await redis.aclose()
        await producer.flush()
    finally:
        await kafka_clients.stop(producer)


async def _work(stage: Stage, count: int, advance: Advance) -> None:
    command = (*CLI, "run", "-c", stage.file.path)
    async with started(command, log=stage.folder / "worker.log") as worker:
        outcomes = kafka_clients.reader(stage.connection)
        outcomes.subscribe([OUTCOMES])
        await outcomes.start()
        try:
            found = 0
            async with asyncio.timeout(_WORK_S):
                while found < count:
                    worker.check()
                    found += sum(map(len, (await outcomes.getmany(timeout_ms=200)).values()))
                    advance("working events", found, count)
        finally:
            await kafka_clients.stop(outcomes)


async def _publish(producer: Any, messages: Sequence[Outgoing]) -> None:
    for message in messages:
        await producer.send(
            message.topic, key=message.key, value=message.value, headers=list(message.headers)
        )
    await producer.flush()


def _entries_of(event: Envelope, model: Mapping[str, Body]) -> list[Entry]:
    """Return the journal of a run that went as another one did."""
    outcome = replace(
        ending.of_body(model[place.OUTCOME]),
        id=digest(["outcome", event.run_id])[:32],
        run_id=event.run_id,
        event_id=event.id,
        session_id=event.session_id,
    )
    return [Entry(at, ending.body_of(outcome) if at == place.OUTCOME else body) for at, body in model.items()]


def _key(event: Envelope) -> SessionKey:
    return SessionKey(event.tenant, event.session_id)


def _to(topic: str, message: Encoded) -> Outgoing:
    return Outgoing(topic, message.key, message.value, message.headers)
