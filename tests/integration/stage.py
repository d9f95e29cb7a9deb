"""A stack for tests: real servers, the worker as a process of its own that may be killed and started again."""

import asyncio
import contextlib
import os
import re
import sqlite3
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer

from connectors.sandbox.service.server import serve as serve_sandbox
from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.adapters.kafka_sender import KafkaSender
from consumers.demo.settled import Addresses, settled, template, write_secrets
from consumers.demo.stack import create_topics
from consumers.errors import UnavailableError
from consumers.local.redis_server import local_redis
from consumers.offline.script_file import DEMO, load
from consumers.offline.server import OfflineModel
from consumers.offline.server import serve as serve_model
from schemas.codec.outgoing import outcome_of
from schemas.codec.records import RecordCodec
from schemas.envelope import Envelope
from schemas.outcome import Outcome
from schemas.record import Outgoing, Record
from schemas.registry.folder import FolderRegistry
from tests.integration.deadly_proxy import DeadlyProxy, Moments

START = "from consumers.cli.main import main; main()"
ROOT = Path(__file__).parents[2]
TOKEN = "test-token"
OUTCOMES = "pointsman.outcomes"
_NAME = re.compile(r"^ +instance_id:.*\n", re.MULTILINE)


@dataclass
class Stage:
    """Everything that runs, with hands on it."""

    folder: Path
    config: Path
    connection: KafkaConnection
    database: Path
    codec: RecordCodec
    sender: KafkaSender
    outcomes: AIOKafkaConsumer
    model: OfflineModel
    moments: Moments
    to_model: DeadlyProxy
    records: list[Record] = field(default_factory=list[Record])
    """Outcome records seen so far."""
    worker: asyncio.subprocess.Process | None = None

    workers: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])
    """All that were ever started; those still alive are killed at the end."""

    async def start_worker(
        self, program: Sequence[str] = ("-c", START, "run", "-c"), **settings: str
    ) -> asyncio.subprocess.Process:
        """Start a worker, with settings beside the file's, such as `kafka__group="other"`."""
        named = {f"POINTSMAN_{name.upper()}": value for name, value in settings.items()}
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = await asyncio.create_subprocess_exec(
                *(sys.executable, *program, str(self.config)),
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env=os.environ | named,
            )
        self.workers.append(self.worker)
        return self.worker

    async def stop_worker(self, worker: asyncio.subprocess.Process | None = None) -> int:
        worker = worker or self.worker
        assert worker is not None
        worker.terminate()
        async with asyncio.timeout(40):
            return await worker.wait()

    async def publish(self, event: Envelope, topic: str = "erp.orders", key: bytes | None = None) -> None:
        message = self.codec.encode(event)
        record = Outgoing(topic, key or message.key, message.value, message.headers)
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(UnavailableError):  # a broker that was away may need a new producer
                    await self.sender.send([record])
                    return

    async def outcome_records(
        self, event_id: str, *, at_least: int = 1, within_s: float = 45.0
    ) -> list[Record]:
        """Wait until an event has so many outcome records."""

        async def found() -> list[Record]:
            return [r for r in self.records if (await self.outcome_in(r)).event_id == event_id]

        async with asyncio.timeout(within_s):
            while len(have := await found()) < at_least:
                if self.worker and self.worker.returncode not in {None, 0, -9}:
                    raise AssertionError(f"the worker ended: {self.log()}")
                batch = await self.outcomes.getmany(timeout_ms=200)
                for fetched in batch.values():
                    self.records += map(kafka_clients.record_of, fetched)
                await asyncio.sleep(0.01)  # the embedded broker answers an empty fetch at once
            return have

    async def outcome_in(self, record: Record) -> Outcome:
        return outcome_of(await self.codec.decode(record, tenant="test"))

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(sql, values).fetchall()

    def log(self) -> str:
        return (self.folder / "worker.log").read_text(encoding="utf-8")[-4000:]


def order(event_id: str, *, customer: str = "C-100", product: str = "P-100", quantity: int = 1) -> Envelope:
    return Envelope(
        id=event_id,
        type="order.requested",
        source="/test/shop",
        time=datetime.now(UTC),
        tenant="default",
        session_id=f"session-{event_id}",
        payload={
            "order_ref": f"R-{event_id}",
            "customer_id": customer,
            "product_id": product,
            "quantity": quantity,
            "priority": "standard",
            "note": None,
        },
    )


@asynccontextmanager
async def stage(
    folder: Path, bootstrap: str, *, dynamic: bool = False, script: Path = DEMO
) -> AsyncGenerator[Stage]:
    """Set everything up but the worker.

    Dynamic members have no name: one that leaves is replaced at once, and several can run. The embedded broker
    cannot do without names.
    """
    async with AsyncExitStack() as exits:
        redis = await exits.enter_async_context(local_redis(folder / "redis"))
        database = folder / "sandbox.db"
        sandbox = await serve_sandbox(database, token=TOKEN)
        exits.push_async_callback(sandbox.close)
        model = await exits.enter_async_context(await serve_model(load(script)))
        moments = Moments()
        to_sandbox = await exits.enter_async_context(DeadlyProxy(sandbox.address, moments))
        to_model = await exits.enter_async_context(DeadlyProxy(model.base_url.removesuffix("/v1"), moments))
        addresses = Addresses(bootstrap, redis, to_sandbox.address, f"{to_model.address}/v1")
        config = folder / "pointsman.yaml"
        text = settled(template(), addresses, write_secrets(folder, TOKEN), None)
        config.write_text(_NAME.sub("", text) if dynamic else text, encoding="utf-8")
        connection = KafkaConnection(bootstrap, {})
        await create_topics(connection)
        codec = RecordCodec(FolderRegistry())
        await codec.ready()
        sender = KafkaSender(lambda: kafka_clients.producer(connection))
        exits.push_async_callback(sender.stop)
        await sender.start()
        outcomes = kafka_clients.reader(connection)
        outcomes.subscribe([OUTCOMES])
        await outcomes.start()
        exits.push_async_callback(kafka_clients.stop, outcomes)
        made = Stage(folder, config, connection, database, codec, sender, outcomes, model, moments, to_model)
        try:
            yield made
        finally:
            for worker in made.workers:
                if worker.returncode is None:
                    worker.kill()
                    await worker.wait()
