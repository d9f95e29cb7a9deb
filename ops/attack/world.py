"""What is attacked: the engine with its real rules, adapters and a sandbox over HTTP; only Kafka and Redis are in memory."""

import asyncio
import contextlib
import secrets
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import yaml
from aiohttp import web
from policy import Subject

from connectors.sandbox.service.server import serve as serve_sandbox
from consumers.adapters.memory_deadlines import MemoryDeadlines
from consumers.adapters.memory_sessions import MemorySessions
from consumers.app import compose
from consumers.app.config_file import read_config
from consumers.app.models import preferred_models
from consumers.app.resolve import Resolved, resolve
from consumers.demo.settled import template
from consumers.errors import RetryError
from consumers.offline.conversation import Conversation, read
from consumers.offline.reply import Reply, completion
from consumers.policy.approvers import Approver
from consumers.policy.provenance import Trust
from consumers.ports.clock import SystemClock
from consumers.router.route import Route
from consumers.run.engine import Engine
from consumers.telemetry.metrics import Metrics
from schemas.approval import ApprovalRequest
from schemas.chain import linked
from schemas.envelope import Envelope
from schemas.outcome import Outcome
from schemas.step import Step, StepKind

TENANTS: Final = ("north", "south")
MUTANTS: Final = ("sound", "no-rules", "no-provenance")
"""What may be wrong with the policy, so that it is known that the check would find it."""
_CONFIG: Final = Path(__file__).with_name("pointsman.yaml")
_LONGEST_S: Final = 60.0
_WARDEN: Final = Approver("warden")
_MOST_ANSWERS: Final = 20
_MOST_TRIES: Final = 500

Answering = Callable[[Conversation], Reply]


@dataclass
class Trail:
    """Notes the audit trail."""

    log: list[Step] = field(default_factory=list[Step])

    async def steps(self, steps: Sequence[Step], after: str | None = None) -> str:
        chained = list(steps if after is None else linked(steps, after))
        self.log.extend(chained)
        return chained[-1].link or ""


class Unclaimed:
    """No partition is ever lost here."""

    def enter(self, step: str) -> None:
        """Go on."""

    def hold(self, step: str) -> None:
        """Go on."""


@dataclass
class World:
    """A worker's engine, and what it acts on.

    Attributes:
        resolved: routes and connectors.
        engine: works events.
        trail: what it announced.
        database: the sandbox's books.
        asked: how many questions the model got.
    """

    resolved: Resolved
    engine: Engine
    trail: Trail
    database: Path
    asked: int = 0
    subjects: dict[str, Subject] = field(default_factory=dict[str, Subject])
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    requests: list[ApprovalRequest] = field(default_factory=list[ApprovalRequest])

    async def work(self, event: Envelope, subject: Subject) -> Outcome:
        """Work one event to its end; a person who is asked says no."""
        self.subjects[event.run_id] = subject
        route = next(
            r for r in self.resolved.routes.values() if (r.event, r.tenant) == (event.type, event.tenant)
        )
        async with asyncio.timeout(_LONGEST_S):
            said = await _again(lambda: self.engine.work(event, route, Unclaimed()))
            for _ in range(_MOST_ANSWERS):
                if isinstance(said, Outcome):
                    break
                assert said is not None
                self.requests.append(said)
                no = said.answered("reject", approver=_WARDEN.name, comment="", at=datetime.now(UTC))
                said = await _again(lambda no=no: self.engine.answer(no, _WARDEN, Unclaimed()))
        assert isinstance(said, Outcome), f"{event.id} does not end"
        self.outcomes.append(said)
        return said

    def keys(self) -> dict[str, Subject]:
        """Return, for each key under which something was announced, what its event was about."""
        return {
            step.body["key"]: self.subjects[step.run_id]
            for step in self.trail.log
            if step.kind in {StepKind.INTENT, StepKind.UNDO_INTENT}
        }


async def _again(work: Callable[[], Any]) -> Any:
    """Work until nothing outside is busy: a session of which another event is being worked."""
    last: RetryError | None = None
    for _ in range(_MOST_TRIES):
        try:
            return await work()
        except RetryError as error:
            last = error
            await asyncio.sleep(min(error.after_s or 0.01, 0.05))
    raise AssertionError(f"it is busy for ever: {last}")


@asynccontextmanager
async def open_world(folder: Path, answering: Answering, mutant: str) -> AsyncGenerator[World]:
    """Open a world whose model answers as the caller likes."""
    async with AsyncExitStack() as exits:
        token = secrets.token_urlsafe(24)
        (folder / "token").write_text(token)
        database = folder / "sandbox.db"
        sandbox = await serve_sandbox(database, token=token)
        exits.push_async_callback(sandbox.close)
        made: list[World] = []
        port = await exits.enter_async_context(_model(lambda asked: _answered(made[0], answering, asked)))
        file = read_config(_configuration(folder, sandbox.address, port))
        resolved = _weakened(resolve(file), mutant)
        metrics, trail = Metrics(), Trail()
        llm = preferred_models(file.config.model, metrics)
        exits.push_async_callback(llm.aclose)
        clock = SystemClock()
        engine = Engine(
            routes=resolved.routes,
            catalog=resolved.catalog,
            sessions=MemorySessions(),
            model=llm,
            actions=await compose.actions(resolved.connectors, file.config.limits, metrics, exits),
            outbox=trail,
            deadlines=MemoryDeadlines(),
            clock=clock,
            metrics=metrics,
        )
        made.append(World(resolved, engine, trail, database))
        yield made[0]


def _answered(world: World, answering: Answering, asked: Conversation) -> Reply:
    world.asked += 1
    return answering(asked)


def _configuration(folder: Path, sandbox: str, model: int) -> Path:
    config: dict[str, Any] = yaml.safe_load(_CONFIG.read_text())
    config["model"]["base_url"] = f"http://127.0.0.1:{model}/v1"
    for connector in config["connectors"].values():
        connector |= {"base_url": sandbox, "token": {"file": str(folder / "token")}}
    for tenant in TENANTS:
        for route in yaml.safe_load(template())["routes"]:
            own = {
                "tenant": tenant,
                "topic": f"{tenant}.{route['topic']}",
                "name": f"{tenant}.{route['event']}",
            }
            config["routes"].append(route | own)
    path = folder / "pointsman.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def _weakened(resolved: Resolved, mutant: str) -> Resolved:
    def weak(route: Route) -> Route:
        if mutant == "no-rules":
            return replace(route, rules=())
        everything = {name: replace(action, protected=frozenset()) for name, action in route.actions.items()}
        return replace(route, actions=everything, trust=Trust(despite_text=frozenset(everything)))

    if mutant == "sound":
        return resolved
    return replace(resolved, routes={name: weak(route) for name, route in resolved.routes.items()})


@asynccontextmanager
async def _model(answering: Answering) -> AsyncGenerator[int]:
    """Serve chat completions that say whatever the caller chooses; yields the port."""

    async def complete(request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        said = answering(read(body["messages"], body.get("tools")))
        whole = completion(said, fingerprint="attack", prompt_chars=100, created=0)
        return web.Response(body=orjson.dumps(whole), content_type="application/json")

    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", complete)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def plant(
    database: Path, customers: Sequence[tuple[str, str, str, str]], cases: Sequence[tuple[str, str, str]]
) -> None:
    """Put customers (id, name, tier, credit) and their cases (ref, customer, order) into the sandbox."""
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(closing(sqlite3.connect(database, timeout=10)))
        with connection:
            connection.executemany(
                "INSERT INTO customers VALUES (?, ?, ?, ?, 100000000, '1 Mill Lane', 1)", customers
            )
            connection.executemany(
                "INSERT INTO orders (order_id, customer_id, product_id, quantity, priority, unit_cents)"
                " VALUES (?, ?, 'P-100', 1, 'standard', 4000)",
                [(order, customer) for _, customer, order in cases],
            )
            connection.executemany(
                "INSERT INTO cases (case_ref, customer_id, order_id, subject) VALUES (?, ?, ?, 'A lamp')",
                cases,
            )
