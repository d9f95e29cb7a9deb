"""What the handler of records does about personal data, from bytes to bytes: with a key, and without."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from consumers.adapters.memory_glances import MemoryGlances
from consumers.adapters.own_messages import OwnMessages, OwnTopics
from consumers.adapters.private_actions import PrivateActions
from consumers.adapters.private_model import PrivateModel
from consumers.adapters.private_outbox import PrivateOutbox
from consumers.adapters.private_sessions import PrivateSessions
from consumers.app.handler import RecordHandler
from consumers.app.personal_data import PersonalData
from consumers.errors import DeadLetterError
from consumers.policy.approvers import Approvers
from consumers.privacy.register import Register
from consumers.privacy.token import TOKEN, Keys
from consumers.replay.chosen import Chosen
from consumers.replay.looking import Looking
from consumers.router.exchange import Reply
from consumers.router.route import RouteTable
from consumers.run.engine import Engine
from consumers.session.key import SessionKey
from consumers.telemetry.metrics import Metrics
from schemas.approval import Answer, ApprovalDecision, ApprovalRequest
from schemas.cancellation import Cancellation
from schemas.codec.outgoing import own_message_of
from schemas.codec.records import RecordCodec
from schemas.outcome import Outcome, Status
from schemas.record import Outgoing, Record
from schemas.registry.folder import FolderRegistry
from tests.consumers.run.shop_world import NOW, ShopActions, World, finish, hold, reply

EMAIL = "ann@example.org"
EVENT = {"quantity": 2, "note": EMAIL}
"""JSON, so it is our own schema of that type that says what is personal: the note."""


def letter_to_the_first_token(messages: Sequence[Mapping[str, Any]]) -> Reply:
    """Write to whatever stands for the note, then end; after a no, end as well."""
    assert EMAIL not in str(messages)
    (*_, told) = messages
    if told["role"] == "tool":
        return reply(finish(summary=f"Wrote to {TOKEN.findall(str(messages))[0]}."))
    return reply(("shop__letter", {"to": TOKEN.findall(str(messages))[0]}))


class Workers:
    """Workers that come and go before one world; each `handler` is a new process."""

    def __init__(self, world: World, keys: Keys | None) -> None:
        self.world = world
        self.keys = keys
        self.codec = RecordCodec(FolderRegistry())

    def handler(self) -> RecordHandler:
        world, known = self.world, self.keys and Register(self.keys)
        shop = ShopActions(world.ledger, world.fuse)
        engine = Engine(
            routes={world.route.name: world.route},
            catalog=world.catalog,
            sessions=PrivateSessions(world.sessions, known) if known else world.sessions,
            model=PrivateModel(world.model, known) if known else world.model,
            actions=PrivateActions(shop, known) if known else shop,
            deadlines=world.deadlines,
            outbox=PrivateOutbox(world.outbox, known) if known else world.outbox,
            clock=world.clock,
            metrics=Metrics(),
        )
        return RecordHandler(
            codec=self.codec,
            routes=RouteTable([world.route]),
            engine=engine,
            messages=self._messages,
            approvers=Approvers(unsigned=True),
            metrics=Metrics(),
            personal=PersonalData(known),
        )

    async def takes(self, event: Mapping[str, Any] | ApprovalDecision | Cancellation) -> Any:
        """Have a new worker take a record, and return what it publishes, decoded."""
        await self.codec.ready()
        if isinstance(event, Mapping):
            record = self.record(event)
        else:
            encoded = self.codec.encode(event)
            record = Record("approvals", 0, 0, 0, encoded.key, encoded.value, encoded.headers)
        self.published = await self.handler()(record, self.world.claim)
        return [await self._said(each) for each in self.published]

    def record(self, event: Mapping[str, Any]) -> Record:
        headers = (("ce_specversion", b"1.0"), ("ce_id", b"e-1"), ("ce_source", b"/shop"))
        return Record(
            "orders", 0, 0, 0, b"s-1", orjson.dumps(event), (*headers, ("ce_type", b"order.requested"))
        )

    async def replayed(self, event: Mapping[str, Any]) -> Sequence[Outgoing]:
        """Return what a replay publishes of a record; it has no key."""
        looking = Looking(self.codec, RouteTable([self.world.route]), MemoryGlances(self.world.sessions))
        ends = await looking.ends([self.record(event)], Chosen())
        found = [end for end in ends if not isinstance(end, str)]
        return [self._messages.stored_outcome(each, topic) for outcomes, topic in found for each in outcomes]

    @property
    def _messages(self) -> OwnMessages:
        return OwnMessages(self.codec, OwnTopics("steps", "approvals", "dead-letters", "parked", "redrive"))

    async def _said(self, out: Outgoing) -> Any:
        record = Record(out.topic, 0, 0, 0, out.key, out.value, out.headers)
        return own_message_of(await self.codec.decode(record, tenant="test"))

    def written(self) -> str:
        """Return all that the world has been given to keep."""
        return f"{vars(self.world.sessions)} {self.world.outbox.step_log} {self.published}"


@pytest.fixture
def workers() -> Workers:
    return Workers(World(letter_to_the_first_token, rules=[hold("true", "shop.letter")]), KEYS)


KEYS = Keys(["a key of at least 32 characters, 1"])


async def asked(workers: Workers) -> ApprovalRequest:
    (request,) = await workers.takes(EVENT)
    assert isinstance(request, ApprovalRequest)
    assert TOKEN.fullmatch(request.arguments["to"])
    assert EMAIL not in workers.written()
    # In the decision, the question and the event, each in the store and on the topic.
    assert workers.written().count(request.arguments["to"]) > 5
    return request


def opened(value: Any) -> Any:
    return Register(KEYS).apart(SessionKey("acme", "s-1")).open(value)


def answered(request: ApprovalRequest, answer: Answer, **more: Any) -> ApprovalDecision:
    return request.answered(answer, approver="Bob Canary", comment="for Ann Canary", at=NOW, **more)


async def test_a_person_approves_tokens_and_another_worker_performs_values(workers: Workers) -> None:
    request = await asked(workers)
    (end,) = await workers.takes(answered(request, "approve"))
    assert isinstance(end, Outcome)
    assert end.status is Status.SUCCESS
    assert workers.world.effects == ["letter"]
    assert opened(end.actions[0].result) == {"to": EMAIL}  # the shop says whom it wrote to
    assert end.actions[0].result == request.arguments
    assert EMAIL not in workers.written()
    assert "Canary" not in workers.written()


async def test_an_outcome_that_is_published_again_has_the_same_bytes(workers: Workers) -> None:
    request = await asked(workers)
    await workers.takes(answered(request, "approve"))
    first = workers.published
    await workers.takes(EVENT)
    assert workers.published == first


async def test_a_replay_without_a_key_publishes_an_outcome_with_tokens_byte_for_byte(
    workers: Workers,
) -> None:
    request = await asked(workers)
    assert await workers.replayed(EVENT) == [], "it waits for a person"
    await workers.takes(answered(request, "approve"))
    assert len(workers.published) == 1
    assert TOKEN.search(str(workers.published[0].value))
    assert await workers.replayed(EVENT) == workers.published


@pytest.mark.parametrize("to", ["{token}", "Mr. Jones, formerly {token}"])
async def test_an_edit_may_send_tokens_back(workers: Workers, to: str) -> None:
    request = await asked(workers)
    new = {"to": to.format(token=request.arguments["to"])}
    if new == request.arguments:
        new["to"] = f"c/o {new['to']}"
    (end,) = await workers.takes(answered(request, "edit", arguments=new))
    assert end.status is Status.SUCCESS
    assert opened(end.actions[0].result)["to"].endswith(EMAIL)
    assert EMAIL not in workers.written()


async def test_an_edit_with_an_invented_token_is_refused(workers: Workers) -> None:
    request = await asked(workers)
    wrong = answered(request, "edit", arguments={"to": f"pii_text_{'A' * 40}"})
    with pytest.raises(DeadLetterError, match="is none of this session") as caught:
        await workers.takes(wrong)
    assert caught.value.reason == "approval_arguments"
    assert workers.world.effects == []


async def test_whoever_cancels_and_why_is_sealed_as_well(workers: Workers) -> None:
    await asked(workers)
    run_id = replace(workers.world.event, id="e-1").run_id
    (end,) = await workers.takes(Cancellation(run_id, "acme", "s-1", "Bob Canary", f"{EMAIL} asked", NOW))
    assert end.status is Status.CANCELLED
    assert "Canary" not in workers.written()
    assert EMAIL not in workers.written()


async def test_an_error_that_leaves_the_handler_says_no_value(workers: Workers) -> None:
    request = await asked(workers)
    workers.world.clock.pass_by(timedelta(minutes=1))
    with pytest.raises(DeadLetterError) as caught:
        await workers.takes(replace(answered(request, "approve"), place=f"t1/c0/{EMAIL}", comment=EMAIL))
    assert EMAIL not in str(caught.value)


async def test_without_a_key_what_is_tagged_and_not_shown_is_a_dead_letter() -> None:
    world = World(lambda _: reply(finish()))
    with pytest.raises(DeadLetterError, match=r"tags note as personal.*show_personal") as caught:
        await Workers(world, None).takes(EVENT)
    assert caught.value.reason == "personal_unkeyed"
    world.route = replace(world.route, show_personal=frozenset({"note"}))
    (end,) = await Workers(world, None).takes(EVENT)
    assert end.status is Status.SUCCESS


async def test_what_a_route_shows_is_shown_but_for_its_account_numbers() -> None:
    seen: list[str] = []

    def plan(messages: Sequence[Mapping[str, Any]]) -> Reply:
        seen.append(str(messages))
        return reply(finish())

    world = World(plan)
    world.route = replace(world.route, show_personal=frozenset({"note"}))
    await Workers(world, KEYS).takes(EVENT | {"note": f"{EMAIL}, DE89 3704 0044 0532 0130 00"})
    assert EMAIL in seen[0]
    assert "pii_iban_" in seen[0]
    assert "DE89" not in seen[0]
