"""The servers of a lane, what stands between them and its worker, and the worker's configuration."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from aiokafka.admin import NewTopic
from books import Sandbox
from calls import Server
from gate import Gate, open_gate
from line import Line, open_line
from model import ChangingModel, open_model
from redis_server import RedisServer, open_redis
from scenarios import TOPICS
from worker import Orders

from connectors.sandbox.service.server import serve as serve_sandbox
from consumers.adapters import kafka_clients
from consumers.adapters.kafka_clients import KafkaConnection
from consumers.policy.approvers import Signer
from schemas.jws import new_pair, private_key

_CONFIG = Path(__file__).with_name("pointsman.yaml")
_OWN_TOPICS = ("steps", "approvals", "dead-letters", "parked", "redrive")


@dataclass(frozen=True, slots=True)
class Servers:
    """What runs for one lane, and where.

    Attributes:
        folder: of the lane.
        kafka: the broker, which all lanes share; here without a line before it.
        redis, model, sandbox: the lane's own.
        lines: between them and the worker.
        gate: told of the worker's calls.
        token: the sandbox's.
        signer: of who approves.
    """

    folder: Path
    kafka: KafkaConnection
    redis: RedisServer
    model: ChangingModel
    sandbox: Sandbox
    lines: dict[Server, Line]
    gate: Gate
    token: str
    signer: Signer

    def orders(self, ground: "Ground", mutant: str) -> Orders:
        """Return how a worker is to live on these servers."""
        broker = self.kafka.bootstrap.rpartition(":")[2]
        return Orders(
            config=str(ground.config),
            log=str(self.folder / "worker.log"),
            gate=self.gate.port,
            detours={broker: self.lines["kafka"].port},
            mutant=mutant,
        )


@dataclass(frozen=True, slots=True)
class Ground:
    """Topics and a group that nobody has used yet, and the configuration that names them.

    Attributes:
        name: in front of its topics, and its group.
    """

    name: str
    config: Path

    def topic(self, name: str) -> str:
        return f"{self.name}.{name}"

    @property
    def inputs(self) -> tuple[str, ...]:
        """All topics that a worker's group commits."""
        return tuple(map(self.topic, (*TOPICS, "approvals", "redrive")))


async def new_ground(servers: Servers, name: str) -> Ground:
    """Make topics, and write a configuration."""
    ground = Ground(name, servers.folder / f"{name}.yaml")
    client = kafka_clients.admin(servers.kafka)
    await client.start()
    try:
        names = map(ground.topic, (*TOPICS, *_OWN_TOPICS, "outcomes"))
        await client.create_topics([NewTopic(topic, 1, 1) for topic in names])
    finally:
        await client.close()
    ground.config.write_text(yaml.safe_dump(_configuration(servers, ground), sort_keys=False))
    return ground


def _configuration(servers: Servers, ground: Ground) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(_CONFIG.read_text())
    kafka, lines = config["kafka"], servers.lines
    kafka |= {"bootstrap": servers.kafka.bootstrap, "group": ground.name}
    keys = ("steps", "approvals", "dead_letters", "parked", "redrive")
    kafka |= {f"{key}_topic": ground.topic(kafka[f"{key}_topic"]) for key in keys}
    config["redis"]["url"] = f"redis://127.0.0.1:{lines['redis'].port}/0"
    config["model"]["base_url"] = f"http://127.0.0.1:{lines['model'].port}/v1"
    for connector in config["connectors"].values():
        connector["base_url"] = f"http://127.0.0.1:{lines['sandbox'].port}"
        connector["token"] = {"file": str(servers.folder / "sandbox-token")}
    for key in config["approvals"]["keys"]:
        key["public_key"] = {"file": str(servers.folder / "approver.pub")}
    for route in config["routes"]:
        route |= {"topic": ground.topic(route["topic"]), "output": ground.topic(route["output"])}
    return config


@asynccontextmanager
async def open_servers(folder: Path, kafka: KafkaConnection) -> AsyncGenerator[Servers]:
    """Run a lane's servers in an empty folder while the block runs."""
    token = secrets.token_urlsafe(24)
    token_file = folder / "sandbox-token"
    token_file.touch(mode=0o600)
    token_file.write_text(token)
    database = folder / "sandbox.db"
    async with AsyncExitStack() as exits:
        redis = await exits.enter_async_context(open_redis(folder / "redis"))
        model = await exits.enter_async_context(open_model())
        sandbox = await serve_sandbox(database, token=token)
        exits.push_async_callback(sandbox.close)
        ports: dict[Server, int] = {
            "redis": redis.port,
            "model": model.port,
            "sandbox": int(sandbox.address.rpartition(":")[2]),
            "kafka": int(kafka.bootstrap.rpartition(":")[2]),
        }
        lines: dict[Server, Line] = {
            server: await exits.enter_async_context(open_line("127.0.0.1", port, kafka=server == "kafka"))
            for server, port in ports.items()
        }
        gate = await exits.enter_async_context(open_gate(lines))
        private, public = new_pair()
        (folder / "approver.pub").write_text(public)
        signer = Signer("harness-1", private_key(private))
        yield Servers(folder, kafka, redis, model, Sandbox(database), lines, gate, token, signer)
