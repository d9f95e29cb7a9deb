"""What the workers work with: broker, Redis, model and sandbox, each a process of its own, and their configuration."""

import json
import secrets
import shutil
import sqlite3
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from plan import SESSION_TIMEOUT_S
from processes import ChaosError, Server, server

from consumers.demo.settled import Addresses, settled, template, write_secrets
from consumers.local.redis_server import local_redis
from schemas.topics import OUTCOMES, TOPICS

QUIET = {"log_level": 0, "reconnect.backoff.max.ms": 500}
"""Brokers that go away are no news here."""
CLI = Path(sys.executable).with_name("pointsman")  # installed beside the interpreter
BROKER = Path(__file__).with_name("broker.py")
ORDERS = "erp.orders"
CASES = "crm.cases"
PARTITIONS = 12
SHUTDOWN_S = 20.0
LEASE_S = 8.0
"""Of a session: that of a worker that died or is frozen runs out before the run does."""
MODEL_S = 0.1
WRITE_S = 0.15
"""Before it acts, the sandbox waits, so that whoever is killed mostly leaves writes behind that happen without him."""


@dataclass(frozen=True, slots=True)
class Servers:
    """What runs, and where.

    Attributes:
        folder: of everything.
        bootstrap: of the broker.
        broker: to be ended and started.
        config: what workers read.
        group: of the workers.
        database: the sandbox's.
        bystanders: servers that nobody strikes.
    """

    folder: Path
    bootstrap: str
    broker: Server
    config: Path
    group: str
    database: Path
    bystanders: tuple[Server, ...]

    def check(self) -> None:
        """Raise ChaosError where a server that nobody strikes has ended."""
        for one in self.bystanders:
            one.check()


def why_no_kafka() -> str | None:
    """Return why there is no real Kafka on this machine, or None where there is one."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    return f"no {' and no '.join(missing)} here" if missing else None


@asynccontextmanager
async def running_servers(folder: Path, keys: int) -> AsyncGenerator[Servers]:
    """Run everything while the block runs; topics are there, and a customer for each key."""
    token, database = secrets.token_urlsafe(24), folder / "sandbox.db"
    sandbox_command = (sys.executable, "-m", "connectors.sandbox", "--database", database)
    async with AsyncExitStack() as exits:
        broker = await exits.enter_async_context(server((sys.executable, BROKER), log=folder / "broker.log"))
        redis = await exits.enter_async_context(local_redis(folder / "redis"))
        thinking = ("--latency", str(MODEL_S))
        model = await exits.enter_async_context(server((CLI, "model", *thinking), log=folder / "model.log"))
        sandbox = await exits.enter_async_context(
            server(sandbox_command, log=folder / "sandbox.log", environment={"SANDBOX_TOKEN": token})
        )
        bootstrap = json.loads(await broker.answer())["bootstrap"]
        sandbox_url = json.loads(await sandbox.answer())["address"]
        addresses = Addresses(bootstrap, redis, sandbox_url, await model.answer())
        _add_customers(database, keys)
        await _slow_down(sandbox_url, token)
        _create_topics(bootstrap)
        config = _configuration(folder, addresses, token)
        group = config["kafka"]["group"]
        file = folder / "pointsman.yaml"
        file.write_text(yaml.safe_dump(config, sort_keys=False))
        yield Servers(folder, bootstrap, broker, file, group, database, (model, sandbox))


def customer(key: int) -> str:
    return f"C-CHAOS-{key}"


def _add_customers(database: Path, count: int) -> None:
    rows = [
        (customer(n), f"Customer {n}", "standard", "approved", 10**9, f"{n} Mill Lane", 1)
        for n in range(count)
    ]
    with closing(sqlite3.connect(database, timeout=10)) as connection, connection:
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


async def _slow_down(sandbox_url: str, token: str) -> None:
    slow = {"path": "/*", "method": "POST", "kind": "delay", "count": 1_000_000, "delay_s": WRITE_S}
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.post(f"{sandbox_url}/faults", json=slow, raise_for_status=True),
    ):
        pass


def _create_topics(bootstrap: str) -> None:
    # The broker's clock on outcomes: it can then be said whether a commit came before one.
    stamped = {OUTCOMES.name: {"message.timestamp.type": "LogAppendTime"}}
    topics = [
        *(NewTopic(t.name, t.partitions, 1, config=t.settings | stamped.get(t.name, {})) for t in TOPICS),
        *(NewTopic(name, PARTITIONS, 1) for name in (ORDERS, CASES)),
    ]
    admin = AdminClient({**QUIET, "bootstrap.servers": bootstrap})
    for name, future in admin.create_topics(topics).items():
        if future.exception(60) is not None:
            raise ChaosError(f"no topic {name}: {future.exception()}")


def _configuration(folder: Path, addresses: Addresses, token: str) -> dict[str, Any]:
    """Return the demo's configuration for several workers that come and go."""
    text = settled(template(), addresses, write_secrets(folder, token), None)
    config: dict[str, Any] = yaml.safe_load(text)
    del config["kafka"]["instance_id"]
    config["kafka"] |= {"group": "pointsman-chaos", "session_timeout_s": SESSION_TIMEOUT_S}
    config["redis"]["lease_s"] = LEASE_S
    config["limits"] = {"shutdown_s": SHUTDOWN_S}
    return config
