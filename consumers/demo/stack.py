"""Everything the demo runs on: Kafka, Redis, the sandbox, the model and the worker, all of this process."""

import asyncio
import contextlib
import secrets
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka.admin import NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from connectors.sandbox.service.server import serve as serve_sandbox
from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.app.config_file import ConfigFile, read_config
from consumers.app.worker import WorkerInfo, run_worker
from consumers.demo.options import DemoOptions, HostedModel
from consumers.demo.settled import Addresses, settled, template, write_secrets
from consumers.demo.story import CASES, ORDERS
from consumers.demo.worker_log import logs_to
from consumers.errors import HaltError
from consumers.local.broker import local_broker
from consumers.local.redis_server import local_redis
from consumers.offline.faults import Behaviour
from consumers.offline.script_file import DEMO, load
from consumers.offline.server import serve as serve_model
from schemas.topics import TOPICS

_START_S: Final = 30.0
"""How long the worker may take until it has its partitions."""
_STOP_S: Final = 15.0
"""How long it may take to end."""
_THINKING_S: Final = 0.2
"""How long the offline model takes for an answer when people watch."""
_PARTITIONS: Final = 3


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs, and where.

    Attributes:
        file: the configuration that the worker runs with.
        addresses: of the servers.
        health: of the worker, for /metrics, /healthz and /readyz.
        database: the sandbox's SQLite file.
        data_dir: where everything is kept.
        connection: to Kafka.
        worker: ends early only if something is broken.
    """

    file: ConfigFile
    addresses: Addresses
    health: str
    database: Path
    data_dir: Path
    connection: KafkaConnection
    worker: asyncio.Task[None]


@asynccontextmanager
async def running_stack(
    options: DemoOptions, hosted: HostedModel | None, *, watched: bool
) -> AsyncGenerator[Stack]:
    """Run everything while the block runs; when it begins, the worker takes events.

    Args:
        options: of the demo.
        hosted: a real model, or None for the offline one.
        watched: whether people look on; the offline model then takes its time.

    Raises:
        HaltError: a server did not come up, or the embedded ones are not installed.
    """
    async with AsyncExitStack() as exits:
        data_dir = _data_dir(options, exits)
        exits.enter_context(logs_to(data_dir / "worker.log"))
        database = data_dir / "sandbox.db"
        token = secrets.token_urlsafe(24)
        thinking_s = _THINKING_S if watched else 0.0
        addresses = await _servers(data_dir, database, token, thinking_s, hosted, exits)
        file = await asyncio.to_thread(_configuration, data_dir, token, addresses, hosted)
        connection = KafkaConnection(addresses.kafka, {})
        await create_topics(connection)
        worker, info = await _started(file, exits)
        yield Stack(file, addresses, info.health_address, database, data_dir, connection, worker)


async def create_topics(connection: KafkaConnection) -> None:
    """Create the demo's topics and Pointsman's own; those that are there stay as they are."""
    client = kafka_clients.admin(connection)
    await client.start()
    try:
        own = [NewTopic(t.name, t.partitions, 1, topic_configs=t.settings) for t in TOPICS]
        wanted = [*own, *(NewTopic(name, _PARTITIONS, 1) for name in (ORDERS, CASES))]
        there = set(await client.list_topics())
        with contextlib.suppress(TopicAlreadyExistsError):
            await client.create_topics([topic for topic in wanted if topic.name not in there])
    finally:
        await client.close()


def _data_dir(options: DemoOptions, exits: AsyncExitStack) -> Path:
    if options.data_dir is not None:
        options.data_dir.mkdir(parents=True, exist_ok=True)
        return options.data_dir.resolve()
    if options.keep:
        return Path(tempfile.mkdtemp(prefix="pointsman-demo-"))
    # The servers' last log lines may land while the folder goes; nothing of it is needed any more.
    temporary = tempfile.TemporaryDirectory(prefix="pointsman-demo-", ignore_cleanup_errors=True)
    return Path(exits.enter_context(temporary))


async def _servers(
    data_dir: Path,
    database: Path,
    token: str,
    thinking_s: float,
    hosted: HostedModel | None,
    exits: AsyncExitStack,
) -> Addresses:
    """Start all servers side by side."""
    async with asyncio.TaskGroup() as group:
        broker = group.create_task(exits.enter_async_context(local_broker(data_dir / "kafka")))
        redis = group.create_task(exits.enter_async_context(local_redis(data_dir / "redis")))
        sandbox = await serve_sandbox(database, token=token)
        exits.push_async_callback(sandbox.close)
        model_url = hosted.base_url if hosted else ""
        if hosted is None:
            behaviour = Behaviour(latency_s=thinking_s)
            model = await exits.enter_async_context(await serve_model(load(DEMO), behaviour=behaviour))
            model_url = model.base_url
    return Addresses(broker.result(), redis.result(), sandbox.address, model_url)


def _configuration(
    data_dir: Path, token: str, addresses: Addresses, hosted: HostedModel | None
) -> ConfigFile:
    written = write_secrets(data_dir, token)
    path = data_dir / "pointsman.yaml"
    path.write_text(settled(template(), addresses, written, hosted), encoding="utf-8")
    return read_config(path)


async def _started(file: ConfigFile, exits: AsyncExitStack) -> tuple[asyncio.Task[None], WorkerInfo]:
    stop = asyncio.Event()
    ready: asyncio.Future[WorkerInfo] = asyncio.get_running_loop().create_future()
    worker = asyncio.create_task(run_worker(file, stop=stop, started=ready.set_result), name="worker")
    exits.push_async_callback(_stop, worker, stop)
    await asyncio.wait({worker, ready}, timeout=_START_S, return_when=asyncio.FIRST_COMPLETED)
    if worker.done():
        worker.result()
        raise HaltError("the worker ended before it took events")
    if not ready.done():
        raise HaltError(f"the worker took no events within {_START_S:g} s")
    return worker, ready.result()


async def _stop(worker: asyncio.Task[None], stop: asyncio.Event) -> None:
    """End the worker in order, or at once where it does not end in time; its error was reported before."""
    stop.set()
    _done, late = await asyncio.wait({worker}, timeout=_STOP_S)
    for task in late:
        task.cancel()
        await asyncio.wait({task}, timeout=_STOP_S)
    if worker.done() and not worker.cancelled():
        worker.exception()
