"""Conversations as our prompts spell them, and a loop that plays one to its end."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from openai import AsyncOpenAI

from consumers.offline import conversation, reply
from consumers.offline.script import Script, answer
from consumers.offline.script_file import DEMO, load, parse
from consumers.offline.server import OfflineModel, serve

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "erp.check_stock": ("product_id",),
    "erp.create_order": ("customer_id", "product_id", "quantity", "priority"),
    "erp.create_backorder": ("customer_id", "product_id", "quantity", "priority"),
    "erp.schedule_shipment": ("order_id",),
    "erp.get_order": ("order_id",),
    "erp.refund_order": ("order_id", "amount"),
    "crm.get_customer": ("customer_id",),
    "crm.add_case_note": ("case_ref", "text"),
    "crm.resolve_case": ("case_ref", "resolution"),
    "finish": ("status", "summary"),
}
MAX_TURNS = 12

Made = Mapping[str, Any]
"""One assistant message of the API, with `finish_reason` beside it."""
World = Callable[[str, dict[str, Any]], Any]
"""Performs an action: returns a result, or an answer that has `ok: false`."""


def tools(*names: str) -> list[dict[str, Any]]:
    """Return tools as a request has them."""
    return [
        {"type": "function", "function": {"name": n.replace(".", "__"), "parameters": {"type": "object"}}}
        for n in names
    ]


@dataclass
class Dialogue:
    """A conversation that grows."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    offered: Sequence[str] = tuple(ACTIONS)

    def event(
        self, kind: str, payload: Mapping[str, Any], *, event_id: str = "e-1", session: str = ""
    ) -> "Dialogue":
        """Add the user message that shows an event."""
        shown = {
            "id": event_id,
            "type": kind,
            "source": "shop",
            "subject": None,
            "time": "2026-01-01T00:00:00+00:00",
        }
        text = f"<event>{orjson.dumps({**shown, 'payload': payload}).decode()}</event>"
        if session:
            text = f"<session>\n{session}\n</session>\n{text}"
        if not self.messages:
            self.messages.append({"role": "system", "content": "You choose actions. Goal: do well."})
        self.messages.append({"role": "user", "content": text})
        return self

    def called(self, action: str, answer: Any, **arguments: Any) -> "Dialogue":
        """Add a turn with one call and its answer."""
        id_ = f"c{len(self.messages)}"
        function = {"name": action.replace(".", "__"), "arguments": orjson.dumps(arguments).decode()}
        call = {"id": id_, "type": "function", "function": function}
        self.messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        self.messages.append({"role": "tool", "tool_call_id": id_, "content": orjson.dumps(answer).decode()})
        return self

    def read(self) -> conversation.Conversation:
        """Return what the offline model makes of it."""
        return conversation.read(self.messages, tools(*self.offered))

    def ask(self, script: Script) -> reply.Reply:
        """Return what a script answers."""
        return answer(script, self.read())


@dataclass
class Played:
    """How a conversation went."""

    calls: list[tuple[str, dict[str, Any]]]
    status: str
    summary: str
    mistakes: int


async def play(dialogue: Dialogue, ask: Callable[[Dialogue], Awaitable[Made]], world: World) -> Played:
    """Play until the model finishes, mending nothing: what it gets wrong it is told, as an engine does."""
    done: list[tuple[str, dict[str, Any]]] = []
    mistakes = 0
    for _ in range(MAX_TURNS):
        made = await ask(dialogue)
        calls = made["tool_calls"] or []
        if made["finish_reason"] == "length" or not calls:
            mistakes += 1
            dialogue.messages.append({"role": "assistant", "content": made["content"]})
            dialogue.messages.append(
                {"role": "user", "content": "Your answer could not be used: empty or cut."}
            )
            continue
        dialogue.messages.append({"role": "assistant", "content": made["content"], "tool_calls": calls})
        problems = [problem_of(call) for call in calls]
        mistakes += any(problems)
        for call, problem in zip(calls, problems, strict=True):
            action, text = call["function"]["name"].replace("__", "."), call["function"]["arguments"]
            if any(problems):
                said: Any = {
                    "ok": False,
                    "code": "invalid_arguments" if problem else "not_done",
                    "error": problem,
                }
            elif action == "finish":
                return Played(done, **orjson.loads(text), mistakes=mistakes)
            else:
                arguments = orjson.loads(text)
                done.append((action, arguments))
                result = world(action, arguments)
                said = result if "ok" in result else {"ok": True, "result": result}
            content = orjson.dumps(said).decode()
            dialogue.messages.append({"role": "tool", "tool_call_id": call["id"], "content": content})
    raise AssertionError(f"not finished after {MAX_TURNS} turns: {done}")


def problem_of(call: Mapping[str, Any]) -> str | None:
    """Judge a call as a schema would."""
    wanted = ACTIONS.get(call["function"]["name"].replace("__", "."))
    if wanted is None:
        return "unknown tool"
    try:
        arguments = orjson.loads(call["function"]["arguments"])
    except ValueError:
        return "not JSON"
    return None if set(arguments) == set(wanted) else "wrong arguments"


@pytest.fixture
def dialogue() -> Dialogue:
    return Dialogue()


@pytest.fixture(scope="session")
def demo() -> Script:
    return load(DEMO)


@pytest.fixture
def script() -> Callable[[str], Script]:
    """Return a script whose rules are given as YAML."""

    def make(rules: str) -> Script:
        return parse(f"name: test\nrules:\n{rules}", where="test.yaml")

    return make


@pytest.fixture
def playing() -> Callable[..., Awaitable[Played]]:
    return play


@pytest.fixture
async def serving() -> AsyncIterator[Callable[..., Awaitable[OfflineModel]]]:
    """Start servers that are closed when the test ends."""
    running: list[OfflineModel] = []

    async def start(script: Script, **options: Any) -> OfflineModel:
        running.append(await serve(script, **options))
        return running[-1]

    yield start
    for server in running:
        await server.close()


@pytest.fixture
async def client() -> AsyncIterator[Callable[..., AsyncOpenAI]]:
    """Make SDK clients that are closed when the test ends; they retry only if told to."""
    made: list[AsyncOpenAI] = []

    def make(server: OfflineModel, **options: Any) -> AsyncOpenAI:
        given: dict[str, Any] = {"api_key": "none", "max_retries": 0, "timeout": 10.0, **options}
        made.append(AsyncOpenAI(base_url=server.base_url, **given))
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture
def asking() -> Callable[[AsyncOpenAI], Callable[[Dialogue], Awaitable[Made]]]:
    """Ask a server through the SDK, for `playing`."""

    def of(client: AsyncOpenAI) -> Callable[[Dialogue], Awaitable[Made]]:
        async def ask(dialogue: Dialogue) -> Made:
            completion: Any = await client.chat.completions.create(
                model=reply.MODEL,
                messages=dialogue.messages,  # pyright: ignore[reportArgumentType] - plain dicts, as on the wire
                tools=tools(*dialogue.offered),  # pyright: ignore[reportArgumentType] - the same
            )
            choice = completion.choices[0]
            calls = [call.model_dump() for call in choice.message.tool_calls or ()]
            return {
                "content": choice.message.content,
                "tool_calls": calls,
                "finish_reason": choice.finish_reason,
            }

        return ask

    return of
