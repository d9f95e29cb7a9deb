"""What stands between the engine and the world: the model sees tokens, the connector values, and stores neither more."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Any

import orjson
import pytest
from pydantic import BaseModel, Field

from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import FailedError
from consumers.adapters.memory_sessions import MemorySessions
from consumers.adapters.private_actions import PrivateActions
from consumers.adapters.private_model import PrivateModel
from consumers.adapters.private_sessions import LockedError, PrivateSessions
from consumers.ports.actions import ActionRequest
from consumers.ports.sessions import Entry
from consumers.privacy.register import Register
from consumers.privacy.run import PersonalRun
from consumers.privacy.token import TOKEN, Keys
from consumers.router.decision import decide
from consumers.router.exchange import Prompt, Reply, ToolCall
from consumers.session.context import Context
from consumers.session.key import SessionKey
from tests.consumers.run.shop_world import StillClock, finish, reply, shop_catalog

KEYS = Keys(["a key of at least 32 characters, 1"])
KEY, RUN = SessionKey("acme", "s-1"), "run-1"
EMAIL = "ann@example.org"


class Person(BaseModel):
    email: Annotated[str, Field(json_schema_extra={"pii": True})]
    tier: str


class Scripted:
    """A model that says what it is told to, and remembers what it was asked."""

    def __init__(self, *calls: tuple[str, dict[str, Any] | str], text: str = "") -> None:
        self.answer = reply(*calls, text=text)
        self.asked: Sequence[Mapping[str, Any]] = ()

    async def reply(self, prompt: Prompt) -> Reply:
        self.asked = prompt.messages
        return self.answer


@pytest.fixture
def register() -> Register:
    return Register(KEYS)


def in_hand(register: Register) -> AbstractContextManager[PersonalRun]:
    return register.working(KEY, RUN)


def token_of(text: str) -> str:
    run = Register(KEYS).apart(KEY)
    run.learn([text])
    return run.seal_text(text)


async def test_the_model_sees_tokens_and_what_it_does_with_them_arrives_as_values(register: Register) -> None:
    model = Scripted(("shop__letter", {"to": token_of(EMAIL)}), text=f"I write to {token_of(EMAIL)}.")
    said = orjson.dumps({"email": EMAIL}).decode()
    arguments = {"function": {"name": "shop__letter", "arguments": said}, "id": "1", "type": "function"}
    messages = [
        {"role": "system", "content": "Goal: write."},
        {"role": "user", "content": f"<event>{said}</event>"},
        {"role": "assistant", "content": f"To {EMAIL}.", "tool_calls": [arguments]},
        {"role": "tool", "tool_call_id": "1", "content": said},
    ]
    with in_hand(register) as run:
        run.learn([EMAIL])
        answer = await PrivateModel(model, register).reply(Prompt(messages, [], 100, RUN))
    assert EMAIL not in str(model.asked)
    assert str(model.asked).count(token_of(EMAIL)) == 4
    assert answer.text == f"I write to {EMAIL}."
    assert orjson.loads(answer.calls[0].arguments) == {"to": EMAIL}


@pytest.mark.parametrize("name", ["shop__letter", "finish"])
async def test_a_token_that_does_not_open_is_a_mistake_that_the_model_is_told_about(
    register: Register, name: str
) -> None:
    invented = f"pii_text_{'A' * 40}"
    model = Scripted((name, {"to": invented} if name != "finish" else finish(summary=invented)[1]))
    with in_hand(register):
        answer = await PrivateModel(model, register).reply(Prompt([], [], 100, RUN))
    actions = {action.tool_name: action for action in shop_catalog().actions.values()}
    decision = decide(answer, actions)
    assert decision.needs_repair
    assert decision.finish is None
    assert "is none of this session; copy tokens" in str(decision.calls[0].problem)
    assert decision.calls[0].arguments == {}


async def test_arguments_that_are_no_json_or_name_a_field_twice_pass_to_whoever_refuses_them(
    register: Register,
) -> None:
    twice = f'{{"to": "x", "to": "{token_of(EMAIL)}"}}'
    with in_hand(register):
        answer = await PrivateModel(Scripted(("shop__letter", twice)), register).reply(Prompt([], [], 9, RUN))
    assert answer.calls == (ToolCall("call-shop__letter-0", "shop__letter", twice),)


async def test_what_a_result_is_tagged_with_is_known_before_it_is_written(register: Register) -> None:
    with in_hand(register) as run:
        result = await PrivateActions(
            _Answers(_person_of({"email": EMAIL, "tier": "vip"})), register
        ).perform(_request())
        assert result == {"email": EMAIL, "tier": "vip"}
        assert TOKEN.sub("*", str(run.seal(f"{EMAIL} vip"))) == "* vip"


async def test_a_result_with_more_personal_values_than_fit_is_a_failure_of_the_read() -> None:
    register = Register(KEYS, most=1)
    with in_hand(register) as run:
        run.learn(["somebody else"])
        with pytest.raises(FailedError, match="more than 1 personal values"):
            await PrivateActions(_Answers({"email": EMAIL, "tier": "vip"}), register).perform(_request())


async def test_a_store_holds_tokens_and_whoever_opens_it_later_knows_their_values() -> None:
    store = MemorySessions(StillClock())
    first, second = Register(KEYS), Register(KEYS)
    entry = Entry("t1/c0/result", {"status": "done", "result": {"to": EMAIL}, "at": "now"})
    with in_hand(first) as run:
        run.learn([EMAIL])
        sessions = PrivateSessions(store, first)
        opened = await sessions.open(KEY, RUN)
        assert await sessions.append(opened.lease, [entry]) == [entry]
    assert (await store.read(KEY, RUN))[entry.place]["result"] == {"to": token_of(EMAIL)}
    with in_hand(second) as run:
        found = await PrivateSessions(store, second).open(KEY, RUN)
        assert found.entries == {entry.place: entry.body}
        assert EMAIL not in run.seal(f"mail {EMAIL}")


async def test_a_store_that_was_sealed_with_another_key_is_left_alone_until_the_key_is_back() -> None:
    store = MemorySessions(StillClock())
    register, other = Register(KEYS), Register(Keys(["another key of 32 characters ...."]))
    with in_hand(register):
        sessions = PrivateSessions(store, register)
        lease = (await sessions.open(KEY, RUN)).lease
        await sessions.append(lease, [Entry("t1/c0/result", {"result": "4111 1111 1111 1111"})])
    with in_hand(other), pytest.raises(LockedError, match=r"privacy\.previous"):
        await PrivateSessions(store, other).open(KEY, RUN)
    with in_hand(register):  # the lease was given back
        assert (await PrivateSessions(store, register).open(KEY, RUN, take_over=False)).context == Context()


class _Answers:
    def __init__(self, result: Any) -> None:
        self.result = result

    async def perform(self, request: ActionRequest) -> Any:
        return self.result


def _person_of(value: dict[str, str]) -> dict[str, str]:
    return Person.model_validate(value).model_dump()


def _request() -> ActionRequest:
    people = Connector[None]("people", "People.")

    @people.action(effect="read")
    async def get(call: Call[None]) -> Person:
        """Look one up."""
        raise AssertionError("a stand-in answers: only the type of its result is looked at")

    return ActionRequest(people.actions["people.get"], {}, "key", "acme", RUN)
