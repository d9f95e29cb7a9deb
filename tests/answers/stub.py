"""A model's endpoint on loopback that knows what a sound answer is, and gives a bad one every other time.

It is as strict about what it is asked as OpenAI's: a prompt that tells back an impossible name or id is refused.
"""

import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import orjson
from aiohttp import web

from consumers.offline.conversation import Conversation, read
from consumers.offline.responses import messages_of, tools_of
from tests.answers.bodies import BODIES, LEGACY, UNKNOWN_FIELDS, dumped, legacy, unknown_fields
from tests.answers.drafts import Api, Draft, written
from tests.answers.faults import FAULTS, SLOW, Fault
from tests.answers.kinds import KINDS, Treatment

SOUND: Final = "a sound answer"
TREATMENTS: Final[Mapping[str, Treatment]] = {
    SOUND: Treatment.USED,
    **{kind.name: kind.treatment for kind in KINDS},
    LEGACY: Treatment.REPAIR,
    UNKNOWN_FIELDS: Treatment.USED,
    **dict.fromkeys((*BODIES, *FAULTS, *SLOW), Treatment.RETRY),
}
"""The catalogue: what has to become of each kind."""

_ANY_FAULT: Final[Mapping[str, Fault]] = FAULTS | SLOW
_CHANGES: Final = {kind.name: kind.change for kind in KINDS}
_TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ID: Final = re.compile(r"[!-~]{1,64}")
_SLOWNESS: Final = 8
"""Slow faults are drawn so many times less often than others."""
_DRAWN: Final = tuple(
    name for name in TREATMENTS if name != SOUND for _ in range(1 if name in SLOW else _SLOWNESS)
)


@dataclass
class Stub:
    """What was asked and given.

    Attributes:
        seed: of all draws; each run has its own.
        bad: share of answers that are bad.
        served: for each event, the kinds in the order in which they were given.
        refused: what was wrong with a prompt that we should never have sent.
    """

    seed: int
    bad: float
    served: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: list[str] = field(default_factory=list[str])
    base_url: str = ""

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer a chat completion request."""
        asked = orjson.loads(await request.read())
        return await self._answer(request, "chat", asked["messages"], asked["tools"])

    async def responses(self, request: web.Request) -> web.StreamResponse:
        """Answer a request of the Responses API."""
        asked = orjson.loads(await request.read())
        assert asked["store"] is False
        return await self._answer(request, "responses", messages_of(asked), tools_of(asked))

    async def _answer(
        self, request: web.Request, api: Api, messages: list[dict[str, Any]], tools: Any
    ) -> web.StreamResponse:
        if wrong := impossible(messages):
            self.refused.append(wrong)
            return web.json_response({"error": {"message": wrong, "param": "messages"}}, status=400)
        conversation = read(messages, tools)
        event_id = str(conversation.event["id"])
        served = self.served[event_id]
        random = Random(f"{self.seed}/{event_id}/{len(served)}")
        kind = random.choice(_DRAWN) if random.random() < self.bad else SOUND
        good = dumped(written(sound(conversation, api)))
        if fault := _ANY_FAULT.get(kind):
            served.append(kind)
            return await fault(request, good)
        body = _written(kind, sound(conversation, api))
        served.append(SOUND if body is None else kind)
        body = good if body is None else body
        return web.Response(body=body, content_type="text/html" if kind == "a page" else "application/json")


def impossible(messages: list[dict[str, Any]]) -> str | None:
    """Return what an endpoint would refuse in the calls that a prompt tells back."""
    told: set[str] = set()
    for message in messages:
        for call in message.get("tool_calls") or ():
            if not _TOOL_NAME.fullmatch(call["function"]["name"]) or not _ID.fullmatch(call["id"]):
                return f"an impossible call: {call['function']['name'][:80]!r}, {call['id'][:80]!r}"
            told.add(call["id"])
        if message["role"] == "tool" and message["tool_call_id"] not in told:
            return f"an answer to no call: {message['tool_call_id'][:80]!r}"
    return None


def sound(conversation: Conversation, api: Api) -> Draft:
    """Return what an honest model answers: look up, order, then ship and note, then finish."""
    results = conversation.facts(frozenset({"results"}))["results"]
    quantity = conversation.event["payload"]["quantity"]
    if "crm.get_customer" not in results or "erp.check_stock" not in results:
        calls = [
            ("crm__get_customer", {"customer_id": "C-100"}),
            ("erp__check_stock", {"product_id": "P-100"}),
        ]
    elif "erp.create_order" not in results:
        order = {"customer_id": "C-100", "product_id": "P-100", "quantity": quantity, "priority": "standard"}
        calls = [("erp__create_order", order)]
    elif "erp.schedule_shipment" not in results:
        calls = [
            ("crm__add_case_note", {"text": "It is on its way.", "case_ref": "K-1"}),
            ("erp__schedule_shipment", {"order_id": "O-1"}),
        ]
    else:
        calls = [("finish", {"status": "completed", "summary": "It is shipped."})]
    made = [
        {
            "id": f"call_{conversation.turn}_{number}",
            "name": name,
            "arguments": orjson.dumps(arguments).decode(),
        }
        for number, (name, arguments) in enumerate(calls)
    ]
    return Draft(api, made)


def _written(kind: str, draft: Draft) -> bytes | None:
    """Return the body of that kind; None where the draft cannot be bad in this way."""
    if kind in BODIES:
        return BODIES[kind](draft)
    if kind == LEGACY:
        return legacy(draft)
    if kind == UNKNOWN_FIELDS:
        return unknown_fields(draft)
    changed = kind in _CHANGES and _CHANGES[kind](draft)
    return dumped(written(draft)) if changed else None


@asynccontextmanager
async def listening(seed: int, bad: float) -> AsyncGenerator[Stub]:
    """Serve a stub on a free port of loopback."""
    stub = Stub(seed, bad)
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.add_routes([web.post("/v1/chat/completions", stub.chat), web.post("/v1/responses", stub.responses)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stub.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield stub
    finally:
        await runner.cleanup()
