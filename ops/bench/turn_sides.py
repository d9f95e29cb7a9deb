"""The two sides of the benchmark: a run of the engine, and the same questions asked by the SDK as its manual says."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Literal

from openai import AsyncOpenAI, DefaultAioHttpClient
from pydantic import BaseModel

from connectors.action import Call
from connectors.catalog import Catalog
from connectors.connector import Connector, NoSettings
from connectors.perform import perform
from consumers.adapters.memory_deadlines import MemoryDeadlines
from consumers.adapters.memory_sessions import MemorySessions
from consumers.adapters.openai_model import OpenAIModel
from consumers.adapters.openai_settings import ModelSettings
from consumers.policy.provenance import Trust
from consumers.ports.actions import ActionRequest
from consumers.ports.clock import SystemClock
from consumers.router import prompt
from consumers.router.decision import FINISH_TOOL
from consumers.router.route import Budget, Route
from consumers.run.engine import Engine
from consumers.session.context import Context
from consumers.telemetry.metrics import Metrics
from schemas.chain import linked
from schemas.envelope import Envelope
from schemas.outcome import Status
from schemas.step import Step

TURNS = 3
NAME = "stub"


class Order(BaseModel):
    """What an order returns."""

    order_id: str
    quantity: int


def shop(actions: int) -> Catalog:
    """Return a catalog of so many actions, of which three are used."""
    made = Connector[None]("shop", "A shop.", settings=NoSettings, open=lambda _: nullcontext())

    @made.action(effect="read")
    async def customer(call: Call[None], customer_id: str) -> dict[str, Any]:
        """Look a customer up.

        Args:
            customer_id: who.
        """
        return {"customer_id": customer_id, "tier": "vip", "credit_status": "approved"}

    @made.action(effect="read")
    async def stock(call: Call[None], product_id: str) -> dict[str, Any]:
        """Look the stock of a product up.

        Args:
            product_id: which.
        """
        return {"product_id": product_id, "available": 7, "unit_price": 40.0}

    @made.action(effect="write", idempotency="natural")
    async def order(
        call: Call[None],
        customer_id: str,
        product_id: str,
        quantity: int,
        priority: Literal["standard", "expedited"] = "standard",
    ) -> Order:
        """Place an order.

        Args:
            customer_id: who pays.
            product_id: what.
            quantity: how many.
            priority: how soon.
        """
        return Order(order_id="O-1", quantity=quantity)

    for number in range(actions - 3):

        async def other(call: Call[None], thing_id: str, reason: str | None = None) -> dict[str, Any]:
            """Do something else that an event could need, and say what came of it.

            Args:
                thing_id: about what.
                reason: why, for whoever reads it later.
            """
            return {}

        other.__name__ = f"other_{number}"
        made.action(effect="read")(other)
    return Catalog([made])


class _Actions:
    async def perform(self, request: ActionRequest) -> Any:
        call = Call(None, request.key, 10.0, request.tenant, request.run_id)
        return await perform(
            request.action, call, request.action.arguments.model_validate(dict(request.arguments))
        )


class _Outbox:
    async def steps(self, steps: Sequence[Step], after: str | None = None) -> str:
        return list(linked(steps, after or ""))[-1].link or ""


class _Claim:
    def enter(self, step: str) -> None:
        """Go on."""

    def hold(self, step: str) -> None:
        """Go on."""


class Ours:
    """Whole runs of the engine: prompt, request, validation, rules, journal and steps, all but their transport."""

    def __init__(self, url: str, actions: int, concurrency: int) -> None:
        clock, metrics = SystemClock(), Metrics()
        catalog = shop(actions)
        self.route = route(catalog)
        settings = ModelSettings(base_url=url, name=NAME, max_concurrency=concurrency, tool_choice="auto")
        self._model = OpenAIModel(settings, metrics)
        self._engine = Engine(
            routes={self.route.name: self.route},
            catalog=catalog,
            sessions=MemorySessions(clock),
            model=self._model,
            actions=_Actions(),
            outbox=_Outbox(),
            deadlines=MemoryDeadlines(),
            clock=clock,
            metrics=metrics,
        )
        self._numbers = count()

    async def run(self) -> None:
        end = await self._engine.work(event(next(self._numbers)), self.route, _Claim())
        assert end is not None
        assert getattr(end, "status", None) is Status.SUCCESS, end

    async def aclose(self) -> None:
        await self._model.aclose()


class Plain:
    """The same questions, asked by the SDK: answers are read as JSON and not validated, nothing is kept.

    `fast` sends messages and tools around the SDK's transformation of parameters.
    """

    def __init__(self, url: str, actions: int, *, fast: bool) -> None:
        catalog = shop(actions)
        self._client = AsyncOpenAI(base_url=url, api_key="none", http_client=DefaultAioHttpClient())
        self._route = route(catalog)
        self._tools: list[Any] = [*self._route.tools, FINISH_TOOL]
        self._fast = fast
        self._numbers = count()

    async def run(self) -> None:
        begin = prompt.opening(self._route, event(next(self._numbers)), Context())
        messages: list[Any] = [*begin.messages]
        for _ in range(TURNS):
            message = (await self._ask(messages)).choices[0].message
            assert message.tool_calls
            messages.append(message.model_dump(exclude_none=True))
            for call in message.tool_calls:
                assert call.type == "function"
                arguments = json.loads(call.function.arguments)
                said = json.dumps({"ok": True, "result": {"asked": arguments, "available": 7}})
                messages.append({"role": "tool", "tool_call_id": call.id, "content": said})

    async def _ask(self, messages: list[Any]) -> Any:
        create = self._client.chat.completions.create
        if self._fast:
            body = {"messages": messages, "tools": self._tools, "parallel_tool_calls": True}
            return await create(model=NAME, messages=[], max_completion_tokens=2048, extra_body=body)
        return await create(
            model=NAME,
            messages=messages,
            tools=self._tools,
            parallel_tool_calls=True,
            max_completion_tokens=2048,
        )

    async def aclose(self) -> None:
        await self._client.close()


def route(catalog: Catalog) -> Route:
    return Route(
        name="orders",
        topic="orders",
        event="order.requested",
        tenant="default",
        goal="Fulfil the customer's order. Look up the customer and the stock first.",
        actions=catalog.actions,
        rules=(),
        budget=Budget(),
        atomic=False,
        output="outcomes",
        approval_window=timedelta(hours=1),
        trust=Trust(despite_text=frozenset(catalog.actions)),
        tools=tuple(action.tool for action in catalog.actions.values()),
    )


def event(number: int) -> Envelope:
    return Envelope(
        id=f"e-{number}",
        type="order.requested",
        source="/bench",
        time=datetime.now(UTC),
        tenant="default",
        session_id=f"s-{number}",
        payload={"order_ref": f"R-{number}", "customer_id": "C-1", "product_id": "P-1", "quantity": 2},
    )
