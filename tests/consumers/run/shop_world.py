"""A small world for runs: a shop connector with a ledger, a scripted model, memory sessions, a noting outbox."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from connectors.action import Call, UndoByState
from connectors.catalog import Catalog
from connectors.connector import Connector, NoSettings
from connectors.errors import BusyError, FailedError, InDoubtError
from connectors.perform import perform
from consumers.adapters.memory_deadlines import MemoryDeadlines
from consumers.adapters.memory_sessions import MemorySessions
from consumers.policy.approvers import Approver
from consumers.policy.provenance import Trust
from consumers.policy.rules import Effect, Rule, compile_rule
from consumers.ports.actions import ActionRequest
from consumers.ports.allowance import Allowance
from consumers.ports.claim import ClaimLostError, HandedOverError
from consumers.router.exchange import Prompt, Reply, ToolCall
from consumers.router.route import Budget, Route
from consumers.run.engine import Engine
from consumers.telemetry.metrics import Metrics
from schemas.approval import ApprovalDecision, ApprovalRequest
from schemas.cancellation import Cancellation
from schemas.canonical import canonical_json
from schemas.chain import linked
from schemas.envelope import Envelope
from schemas.outcome import Outcome
from schemas.step import Step

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Order(BaseModel):
    order_id: str
    quantity: int


class Crash(BaseException):
    """The process dies here. Not an Exception: nothing may catch it."""


@dataclass
class Fuse:
    """Counts port calls and crashes before or after the n-th."""

    crash_at: int | None = None
    after: bool = False
    calls: int = 0

    async def around(self, work: Callable[[], Any]) -> Any:
        if self.crash_at is not None and self.calls >= self.crash_at:
            raise Crash  # the dead do nothing more
        self.calls += 1
        mine = self.calls
        if mine == self.crash_at and not self.after:
            raise Crash
        result = await work()
        if mine == self.crash_at and self.after:
            raise Crash
        return result


@dataclass
class Ledger:
    """What took effect in the shop, by idempotency key."""

    effects: dict[str, str] = field(default_factory=dict)
    refuse: frozenset[str] = frozenset()
    """Actions that the shop refuses."""
    trouble: list[Exception | None] = field(default_factory=list)
    """Raised by the next writes, after they took effect unless the shop is busy; None lets one pass."""
    lost: frozenset[str] = frozenset()
    """Actions whose reply is lost each time."""
    archive_closed: bool = False
    """Nobody can find out whether a letter was sent."""
    booking: str = "draft"
    """What has become of every booking."""
    sent: list[tuple[str, str]] = field(default_factory=list)
    """Every attempt that reached the shop, by what and key."""
    looks: int = 0
    """How often its stock was looked up."""

    def write(self, key: str, what: str) -> None:
        self.sent.append((what, key))
        if what in self.refuse:
            raise FailedError(f"no {what} today", code="refused")
        error = self.trouble.pop(0) if self.trouble else None
        if isinstance(error, BusyError):
            raise error  # it says that nothing was executed, and so it is
        self.effects.setdefault(key, what)
        if what in self.lost:
            raise InDoubtError("connection lost")
        if error:
            raise error


def shop_connector() -> Connector[Ledger]:
    shop = Connector[Ledger]("shop", "A shop.", settings=NoSettings, open=lambda _: nullcontext(Ledger()))

    @shop.action(effect="read")
    async def stock(call: Call[Ledger], product: str) -> dict[str, Any]:
        """Look the stock up.

        Args:
            product: what.
        """
        call.client.looks += 1
        return {"product": product, "available": 5}

    @shop.action(effect="write", idempotency="provider-key", window="24h", compensate="shop.cancel")
    async def order(call: Call[Ledger], quantity: int) -> Order:
        """Place an order.

        Args:
            quantity: how many.
        """
        call.client.write(call.key, "order")
        return Order(order_id="O-1", quantity=quantity)

    @shop.action(effect="write", idempotency="provider-key", window="24h")
    async def cancel(call: Call[Ledger], order_id: str) -> dict[str, Any]:
        """Cancel an order.

        Args:
            order_id: which.
        """
        call.client.write(call.key, "cancel")
        return {"order_id": order_id}

    @shop.action(effect="write", idempotency="provider-key", window="24h", compensate="shop.recall")
    async def ship(call: Call[Ledger], order_id: str) -> dict[str, Any]:
        """Ship an order.

        Args:
            order_id: which.
        """
        call.client.write(call.key, "ship")
        return {"shipment_id": "S-1", "order_id": order_id}

    @shop.action(effect="write", idempotency="provider-key", window="24h")
    async def recall(call: Call[Ledger], shipment_id: str) -> dict[str, Any]:
        """Recall a shipment.

        Args:
            shipment_id: which.
        """
        call.client.write(call.key, "recall")
        return {}

    @shop.action(effect="write", idempotency="none", reconcile="shop.find_letter")
    async def letter(call: Call[Ledger], to: str) -> dict[str, Any]:
        """Send a letter.

        Args:
            to: whom.
        """
        call.client.write(call.key, "letter")
        return {"to": to}

    @shop.action(effect="read")
    async def find_letter(call: Call[Ledger], to: str) -> dict[str, Any] | None:
        """Find out whether a letter was sent.

        Args:
            to: whom.
        """
        if call.client.archive_closed:
            raise FailedError("the archive is closed")
        return {"to": to} if call.key in call.client.effects else None

    _seats(shop)
    return shop


@cache
def shop_catalog() -> Catalog:
    """Return the one catalog of all worlds: making it takes longer than most runs."""
    return Catalog([shop_connector()])


def _seats(shop: Connector[Ledger]) -> None:
    """Declare what has a compensation that depends on a state."""
    by_state = UndoByState(
        "shop.booking", "status", {"draft": "shop.drop", "sold": "shop.refund", "used": None}
    )

    @shop.action(effect="write", idempotency="natural", compensate=by_state)
    async def book(call: Call[Ledger], seat: str) -> dict[str, Any]:
        """Book a seat.

        Args:
            seat: which.
        """
        call.client.write(call.key, "book")
        return {"seat": seat}

    @shop.action(effect="read")
    async def booking(call: Call[Ledger], seat: str) -> dict[str, Any]:
        """Look a booking up.

        Args:
            seat: which.
        """
        if call.client.booking == "busy":
            raise BusyError("503")
        return {"seat": seat, "status": call.client.booking}

    @shop.action(effect="write", idempotency="natural")
    async def drop(call: Call[Ledger], seat: str) -> dict[str, Any]:
        """Drop a booking.

        Args:
            seat: which.
        """
        call.client.write(call.key, "drop")
        return {}

    @shop.action(effect="write", idempotency="natural")
    async def refund(call: Call[Ledger], seat: str) -> dict[str, Any]:
        """Give the money back.

        Args:
            seat: which.
        """
        call.client.write(call.key, "refund")
        return {}


class ShopActions:
    def __init__(self, ledger: Ledger, fuse: Fuse) -> None:
        self.ledger = ledger
        self.fuse = fuse

    async def perform(self, request: ActionRequest) -> Any:
        call = Call(self.ledger, request.key, 10.0, request.tenant, request.run_id)
        try:
            arguments = request.action.arguments.model_validate(dict(request.arguments))
        except ValidationError as error:
            raise FailedError(str(error), code="invalid_arguments") from error
        return await self.fuse.around(lambda: perform(request.action, call, arguments))


Plan = Callable[[Sequence[Mapping[str, Any]]], Reply]


class PlannedModel:
    """Answers from a plan over the messages; counts how often it was asked, and notes which tools it was offered."""

    def __init__(self, plan: Plan, fuse: Fuse) -> None:
        self.plan = plan
        self.fuse = fuse
        self.asked = 0
        self.offered: list[list[str]] = []

    async def reply(self, prompt: Prompt) -> Reply:
        async def answer() -> Reply:
            self.asked += 1
            self.offered.append([tool["function"]["name"] for tool in prompt.tools])
            return self.plan(prompt.messages)

        return await self.fuse.around(answer)


def reply(
    *calls: tuple[str, dict[str, Any] | str], text: str = "", finish_reason: str = "tool_calls"
) -> Reply:
    made = tuple(
        ToolCall(f"call-{name}-{i}", name, a if isinstance(a, str) else canonical_json(a).decode())
        for i, (name, a) in enumerate(calls)
    )
    return Reply("planned", text, made, finish_reason, 100, 10, 0.001)


def finish(status: str = "completed", summary: str = "Done.") -> tuple[str, dict[str, Any]]:
    return ("finish", {"status": status, "summary": summary})


def turns(*answers: Reply) -> Plan:
    """Return a plan that answers by the number of turns already in the conversation."""

    def plan(messages: Sequence[Mapping[str, Any]]) -> Reply:
        taken = sum(1 for m in messages if m["role"] == "assistant")
        return answers[min(taken, len(answers) - 1)]

    return plan


class NotingOutbox:
    def __init__(self, fuse: Fuse) -> None:
        self.fuse = fuse
        self.step_log: list[Step] = []
        self.outcomes: list[Outcome] = []
        self.requests: list[ApprovalRequest] = []

    async def steps(self, steps: Sequence[Step], after: str | None = None) -> str:
        published = list(steps if after is None else linked(steps, after))

        async def publish() -> None:
            self.step_log.extend(published)

        await self.fuse.around(publish)
        return published[-1].link or ""

    async def publish(self, end: Outcome | ApprovalRequest) -> None:
        """What the runtime does with what a run returned."""

        async def publish() -> None:
            if isinstance(end, Outcome):
                self.outcomes.append(end)
            else:
                self.requests.append(end)

        await self.fuse.around(publish)


class CountingClaim:
    """A claim that ends at a chosen step: handed over, or lost."""

    def __init__(self) -> None:
        self.entered: list[str] = []
        self.held: list[str] = []
        self.hand_over_at: int | None = None
        self.lose_at: int | None = None
        self.lost: Callable[[], object] = lambda: None

    def enter(self, step: str) -> None:
        self.entered.append(step)
        if len(self.entered) == self.hand_over_at:
            raise HandedOverError(step)

    def hold(self, step: str) -> None:
        self.held.append(step)
        if len(self.held) == self.lose_at:
            self.lost()
            raise ClaimLostError(step)


class FusedSessions(MemorySessions):
    """Memory sessions whose every call may be the last thing the process does."""

    def __init__(self, clock: Any, fuse: Fuse) -> None:
        super().__init__(clock)
        self.fuse = fuse

    async def open(self, key: Any, run_id: str, *, take_over: bool = True) -> Any:
        return await self.fuse.around(
            lambda: super(FusedSessions, self).open(key, run_id, take_over=take_over)
        )

    async def park(self, lease: Any, entries: Any, context: Any) -> Any:
        return await self.fuse.around(lambda: super(FusedSessions, self).park(lease, entries, context))

    async def cancel(self, key: Any, run_id: str, body: Any) -> Any:
        return await self.fuse.around(lambda: super(FusedSessions, self).cancel(key, run_id, body))

    async def append(self, lease: Any, entries: Any) -> Any:
        return await self.fuse.around(lambda: super(FusedSessions, self).append(lease, entries))

    async def close(self, lease: Any, entries: Any, context: Any) -> Any:
        return await self.fuse.around(lambda: super(FusedSessions, self).close(lease, entries, context))

    async def release(self, lease: Any) -> None:
        if self.fuse.crash_at is None:
            await super().release(lease)


class StillClock:
    def __init__(self) -> None:
        self.time = NOW
        self.passed_s = 1000.0

    def now(self) -> datetime:
        return self.time

    def seconds(self) -> float:
        return self.passed_s

    def pass_by(self, delta: timedelta) -> None:
        self.time += delta
        self.passed_s += delta.total_seconds()

    def jump(self, delta: timedelta) -> None:
        """Set the time of day, as an operator or NTP does; no time passes."""
        self.time += delta


class World:
    """One broker, one Redis, one shop; workers come and go."""

    def __init__(
        self,
        plan: Plan,
        *,
        atomic: bool = True,
        rules: Iterable[Rule] = (),
        budget: Budget | None = None,
        trust: Trust | None = None,
    ) -> None:
        self.clock = StillClock()
        self.fuse = Fuse()
        self.ledger = Ledger()
        self.sessions = FusedSessions(self.clock, self.fuse)
        self.outbox = NotingOutbox(self.fuse)
        self.deadlines = MemoryDeadlines()
        self.claim = CountingClaim()
        self.allowance: Allowance | None = None
        self.model = PlannedModel(plan, self.fuse)
        self.catalog = shop_catalog()
        actions = self.catalog.actions
        self.route = Route(
            name="orders",
            topic="orders",
            event="order.requested",
            tenant="acme",
            goal="Fulfil the order.",
            actions=actions,
            rules=tuple(rules),
            budget=budget or Budget(),
            atomic=atomic,
            output="outcomes",
            approval_window=timedelta(hours=1),
            # The shop's results are free text, and half of what it does cannot be undone.
            trust=trust or Trust(despite_text=frozenset(actions)),
            tools=tuple(a.tool for a in actions.values()),
        )
        self.event = Envelope(
            id="e-1",
            type="order.requested",
            source="/shop",
            time=NOW,
            tenant="acme",
            session_id="s-1",
            payload={"quantity": 2},
        )

    def engine(self) -> Engine:
        """Return the engine of a fresh worker."""
        return Engine(
            routes={self.route.name: self.route},
            catalog=self.catalog,
            sessions=self.sessions,
            model=self.model,
            actions=ShopActions(self.ledger, self.fuse),
            outbox=self.outbox,
            deadlines=self.deadlines,
            clock=self.clock,
            metrics=Metrics(),
            allowance=self.allowance,
        )

    async def work(self) -> Outcome | ApprovalRequest:
        end = await self.engine().work(self.event, self.route, self.claim)
        assert end is not None
        await self.outbox.publish(end)
        return end

    async def cancel(self, reason: str = "changed his mind") -> Outcome | ApprovalRequest | None:
        """An operator cancels the run."""
        event = self.event
        word = Cancellation(event.run_id, event.tenant, event.session_id, "ann", reason, self.clock.now())
        end = await self.engine().cancel(word, self.claim)
        if end:
            await self.outbox.publish(end)
        return end

    async def expire(self) -> list[Outcome | ApprovalRequest | None]:
        """A worker looks at the deadlines and wakes whoever waited too long."""
        said: list[Outcome | ApprovalRequest | None] = []
        for expiry in await self.deadlines.due(self.clock.now(), 10):
            end = await self.engine().expire(expiry, self.claim)
            if end:
                await self.outbox.publish(end)
            said.append(end)
        return said

    async def answer(
        self, decision: ApprovalDecision, *roles: str, by: str | None = None
    ) -> Outcome | ApprovalRequest:
        """Somebody answers whose signature was verified."""
        who = Approver(by or decision.approver, frozenset(roles))
        end = await self.engine().answer(decision, who, self.claim)
        assert end is not None
        await self.outbox.publish(end)
        return end

    @property
    def effects(self) -> list[str]:
        return list(self.ledger.effects.values())


def hold(when: str = "true", *actions: str) -> Rule:
    return compile_rule(
        name="hold", when=when, then=Effect.HOLD, message="ask first", actions=frozenset(actions)
    )


def deny(when: str, *actions: str) -> Rule:
    return compile_rule(
        name="deny", when=when, then=Effect.DENY, message="not allowed", actions=frozenset(actions)
    )
