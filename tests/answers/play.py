"""Runs of the real engine, the real adapters and the real catalog against the stub, and what is to be true of each."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import SecretStr, ValidationError

from connectors.breaker import BreakerLimits
from consumers.adapters.memory_deadlines import MemoryDeadlines
from consumers.adapters.memory_sessions import MemorySessions
from consumers.adapters.openai_model import OpenAIModel
from consumers.adapters.openai_settings import ModelSettings, Price
from consumers.adapters.preferred_models import PreferredModels
from consumers.errors import PointsmanError, UnavailableError
from consumers.ports.clock import SystemClock
from consumers.ports.model import Model
from consumers.router.exchange import Prompt, Reply
from consumers.run.engine import Engine
from consumers.run.journal import RunJournal
from consumers.session.key import SessionKey
from consumers.telemetry.metrics import MODEL_ERRORS, Metrics
from schemas.chain import linked
from schemas.envelope import Envelope
from schemas.outcome import Outcome, Status
from schemas.step import Step
from tests.answers.faults import SILENT
from tests.answers.kinds import Treatment
from tests.answers.shop import ALLOWED, BUDGET, CATALOG, Executed, Shop, route
from tests.answers.strictness import misfits
from tests.answers.stub import TREATMENTS, Stub, listening

_AT_ONCE: Final = 24
_MOST_TRIES: Final = 400
"""Of a run that waits again and again."""
_TIMEOUT_S: Final = 4.0


@dataclass
class Figures:
    """What came out.

    Attributes:
        runs: how many ended.
        statuses: how they ended.
        treated: for each kind, what became of it, how often.
        executed: calls that reached the shop.
        waits: how often a run had to wait.
        late: answers that were not waited for any more: the machine was busy.
        timeouts: questions that got no answer in time.
        violations: what must not be, in words.
    """

    runs: int = 0
    statuses: Counter[str] = field(default_factory=Counter[str])
    treated: dict[str, Counter[Treatment]] = field(default_factory=lambda: defaultdict(Counter[Treatment]))
    executed: int = 0
    waits: int = 0
    late: int = 0
    timeouts: int = 0
    violations: list[str] = field(default_factory=list[str])

    @property
    def silences(self) -> int:
        """Timeouts that the stub made."""
        return sum(sum(self.treated[kind].values()) for kind in SILENT if kind in self.treated)

    @property
    def answers(self) -> int:
        """Responses and refusals that the stub gave."""
        return sum(sum(each.values()) for each in self.treated.values())


class Unclaimed:
    """A claim that nobody takes away."""

    def enter(self, step: str) -> None:
        """Go on."""

    def hold(self, step: str) -> None:
        """Go on."""


class Unread:
    """An outbox whose steps nobody reads."""

    async def steps(self, steps: Sequence[Step], after: str | None = None) -> str:
        """Link them all the same."""
        return list(linked(steps, after or ""))[-1].link or ""


class Watched:
    """A model whose answers are told apart from its faults, by what the stub gave meanwhile."""

    def __init__(self, model: Model, served: list[str]) -> None:
        self.model = model
        self.served = served
        self.answered: list[str] = []
        self.faults: list[str] = []

    async def reply(self, prompt: Prompt) -> Reply:
        """As the port says."""
        before = len(self.served)
        try:
            reply = await self.model.reply(prompt)
        except UnavailableError:
            self.faults += self.served[before:]
            raise
        self.faults += self.served[before:-1]
        self.answered.append(self.served[-1])
        return reply


async def play(runs: int, seed: int, bad: float = 0.5) -> Figures:
    """Play so many runs; a third by each API, and a third by both in order of preference."""
    figures, shop = Figures(), Shop()
    async with AsyncExitStack() as exits:
        stub = await exits.enter_async_context(listening(seed, bad))
        models = [
            await _models(stub, exits, *apis) for apis in (("chat",), ("responses",), ("chat", "responses"))
        ]
        numbers = iter(range(runs))

        async def work() -> None:
            for number in numbers:
                await _run(number, models[number % 3], stub, shop, figures)

        async with asyncio.TaskGroup() as group:
            for worker in range(min(_AT_ONCE, runs)):
                group.create_task(work(), name=f"worker-{worker}")
    figures.violations += [f"a prompt was refused: {why}" for why in stub.refused]
    figures.violations += list(not_allowed(shop.executed))
    figures.executed = len(shop.executed)
    figures.timeouts = sum(time.timeouts for _, time in models)
    if figures.late > figures.timeouts - figures.silences:
        figures.violations.append(f"{figures.late} answers were dropped, and no timeout explains that")
    return figures


@dataclass
class Time:
    """The time of breakers: it passes when somebody waits."""

    metrics: Metrics
    now: float = 0.0

    @property
    def timeouts(self) -> int:
        """Questions of these models that got no answer in time."""
        return int(sum(self.metrics.value(MODEL_ERRORS, api, "timeout") for api in ("chat", "responses")))


async def _models(stub: Stub, exits: AsyncExitStack, *apis: str) -> tuple[PreferredModels, Time]:
    metrics = Metrics()
    time = Time(metrics)

    async def pause(_: float) -> None:
        await asyncio.sleep(0)

    def made(api: Any) -> OpenAIModel:
        settings = ModelSettings(
            base_url=stub.base_url,
            name="stub",
            label=api,
            api=api,
            api_key=SecretStr("sk-stub"),
            timeout_s=_TIMEOUT_S,
            tool_choice="required",
            price=Price(input_per_m=1.0, output_per_m=4.0),
        )
        return OpenAIModel(settings, metrics, pause=pause)

    models = PreferredModels(
        [(api, made(api)) for api in apis], metrics, limits=BreakerLimits(), clock=lambda: time.now
    )
    exits.push_async_callback(models.aclose)
    return models, time


async def _run(
    number: int, asked: tuple[PreferredModels, Time], stub: Stub, shop: Shop, figures: Figures
) -> None:
    models, time = asked
    event = _event(number)
    sessions, model = MemorySessions(), Watched(models, stub.served[event.id])
    engine = Engine(
        routes={"answers": route()},
        catalog=CATALOG,
        sessions=sessions,
        model=model,
        actions=shop,
        outbox=Unread(),
        deadlines=MemoryDeadlines(),
        clock=SystemClock(),
        metrics=Metrics(),
    )
    said = None
    for _ in range(_MOST_TRIES):
        try:
            said = await engine.work(event, route(), Unclaimed())
            break
        except UnavailableError as error:
            figures.waits += 1
            time.now += error.after_s or 1.0
            await asyncio.sleep(0)
        except PointsmanError as error:
            figures.violations.append(f"{event.id} ended without an outcome: {error!r}")
            return
    if not isinstance(said, Outcome):
        figures.violations.append(f"{event.id} did not end: {said!r}")
        return
    entries = await sessions.read(SessionKey(event.tenant, event.session_id), event.run_id)
    figures.runs += 1
    figures.statuses[str(said.status)] += 1
    figures.violations += [f"{event.id}: {why}" for why in _faults_of(said, RunJournal(entries), model)]
    for kind, treatment in _treated(RunJournal(entries), model):
        if treatment is Treatment.RETRY is not TREATMENTS[kind]:
            figures.late += 1
            continue
        figures.treated[kind][treatment] += 1
        if TREATMENTS[kind] is not treatment:
            figures.violations.append(f"{event.id}: {kind} was {treatment}, not {TREATMENTS[kind]}")


def _event(number: int) -> Envelope:
    return Envelope(
        id=f"e-{number}",
        type="order.requested",
        source="/shop",
        time=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
        tenant="acme",
        session_id=f"s-{number}",
        payload={"customer_id": "C-100", "quantity": 2},
    )


def _treated(journal: RunJournal, model: Watched) -> Iterator[tuple[str, Treatment]]:
    yield from ((kind, Treatment.RETRY) for kind in model.faults)
    # Whether there are as many of one as of the other is looked at elsewhere.
    for kind, decision in zip(model.answered, journal.decisions, strict=False):
        yield kind, Treatment.REPAIR if decision.needs_repair else Treatment.USED


def _faults_of(outcome: Outcome, journal: RunJournal, model: Watched) -> Iterator[str]:
    """Yield what is wrong with how a run ended."""
    spent = journal.spent()
    if not outcome.status.terminal or outcome.status is Status.IN_DOUBT:
        yield f"it ended as {outcome.status}"
    for name, used, most in (
        ("turns", spent.turns, BUDGET.turns),
        ("calls", spent.calls, BUDGET.calls),
        ("repairs", spent.repairs, BUDGET.repairs),
    ):
        if used > most:
            yield f"{used} {name} of {most}"
    # Tokens and money are known after an answer: nothing may be asked once they are spent.
    bodies = [journal.entries[f"t{turn}/decision"] for turn in range(1, journal.turns)]
    if sum(body["input_tokens"] + body["output_tokens"] for body in bodies) >= BUDGET.tokens:
        yield "it went on without tokens"
    if sum(body["cost_usd"] for body in bodies) >= BUDGET.usd:
        yield "it went on without money"
    for turn in range(1, journal.turns + 1):
        body: Mapping[str, Any] = journal.entries[f"t{turn}/decision"]
        if body["deployment"] not in {"chat", "responses"} or body["cost_usd"] <= 0:
            yield f"turn {turn} says {body['deployment']!r} and ${body['cost_usd']}"
    if len(model.answered) != journal.turns:
        yield f"{len(model.answered)} answers became {journal.turns} decisions"


def not_allowed(executed: Sequence[Executed]) -> Iterator[str]:
    """Yield each executed call that is outside of the route, or does not fit its action; undoing is ours, not the model's."""
    undoing = {"erp.cancel_order", "erp.cancel_shipment"}
    for call in executed:
        if call.action.name not in ALLOWED and call.action.name not in undoing:
            yield f"{call.run_id}: {call.action.name} is outside of the route"
        try:
            call.action.arguments.model_validate(call.arguments)
        except ValidationError as error:
            yield f"{call.run_id}: {call.action.name}({call.arguments}): {error}"
        # By the schema that the endpoint was shown as well, read by other code than ours that checks.
        for misfit in misfits(call.arguments, call.action.tool["function"]["parameters"]):
            yield f"{call.run_id}: {call.action.name}: {misfit}"
