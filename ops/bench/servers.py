"""The servers of one run, each a process of its own, in a fresh folder."""

import json
import secrets
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger import add_customers
from processes import Running, children, started

from consumers.adapters.kafka_clients import KafkaConnection
from consumers.demo.settled import Addresses
from consumers.demo.stack import create_topics
from consumers.local.broker import local_broker
from consumers.local.redis_server import local_redis

KAFKA = Path(__file__).parents[1] / "kafka" / "start.py"
CLI = (Path(sys.executable).with_name("pointsman"),)  # installed beside the interpreter


@dataclass(frozen=True, slots=True)
class Servers:
    """What runs, and where.

    Attributes:
        folder: of everything.
        addresses: of the servers.
        pids: of the processes, by what they are.
        database: the sandbox's.
        token: the sandbox's.
        children: those that print what they are doing; the first that ends is an error.
    """

    folder: Path
    addresses: Addresses
    pids: dict[str, int]
    database: Path
    token: str
    children: tuple[Running, ...]

    @property
    def connection(self) -> KafkaConnection:
        return KafkaConnection(self.addresses.kafka, {})

    def check(self) -> None:
        """Raise ProcessError where a server has ended."""
        for child in self.children:
            child.check()


def why_no_kafka() -> str | None:
    """Return why there is no real Kafka on this machine, or None where there is one."""
    missing = [program for program in ("java", "mvn") if shutil.which(program) is None]
    return f"no {' and no '.join(missing)} here" if missing else None


@asynccontextmanager
async def running_servers(folder: Path, broker: str, customers: int) -> AsyncGenerator[Servers]:
    """Run broker, Redis, model and sandbox while the block runs; topics and customers are there.

    Args:
        folder: an empty one.
        broker: `embedded` or `kafka`.
        customers: how many the sandbox shall know.
    """
    async with AsyncExitStack() as exits:
        pids: dict[str, int] = {}
        started_here: list[Running] = []
        if broker == "kafka":
            command = (sys.executable, KAFKA, "--with-parent")
            kafka = await exits.enter_async_context(started(command, log=folder / "kafka.log"))
            described = json.loads(await kafka.first_line())
            bootstrap, pids["broker"] = described["bootstrap"], described["nodes"][0]["pid"]
            started_here.append(kafka)
        else:
            before = children()
            bootstrap = await exits.enter_async_context(local_broker(folder / "broker"))
            (pids["broker"],) = children() - before
        before = children()
        redis = await exits.enter_async_context(local_redis(folder / "redis"))
        (pids["redis"],) = children() - before

        command = (*CLI, "model")
        model = await exits.enter_async_context(started(command, log=folder / "model.log"))
        token, database = secrets.token_urlsafe(24), folder / "sandbox.db"
        sandbox = await exits.enter_async_context(
            started(
                (sys.executable, "-m", "connectors.sandbox", "--database", database),
                log=folder / "sandbox.log",
                environment={"SANDBOX_TOKEN": token},
            )
        )
        model_url = await model.first_line()
        sandbox_url = json.loads(await sandbox.first_line())["address"]
        pids |= {"model": model.pid, "sandbox": sandbox.pid}
        add_customers(database, customers)

        servers = Servers(
            folder=folder,
            addresses=Addresses(bootstrap, redis, sandbox_url, model_url),
            pids=pids,
            database=database,
            token=token,
            children=(*started_here, model, sandbox),
        )
        await create_topics(servers.connection)
        yield servers
