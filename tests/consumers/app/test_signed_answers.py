"""An answer as it arrives: bytes on the approvals topic, verified before anything of a run is touched."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.errors import InDoubtError
from consumers.adapters.own_messages import OwnMessages, OwnTopics
from consumers.app.handler import RecordHandler
from consumers.app.personal_data import PersonalData
from consumers.errors import DeadLetterError
from consumers.policy.approvers import ApproverKey, Approvers, Signer
from consumers.router.route import RouteTable
from consumers.session.key import SessionKey
from consumers.session.refold import refold
from consumers.telemetry.metrics import Metrics
from schemas.approval import Answer, ApprovalDecision, ApprovalRequest
from schemas.codec.outgoing import outcome_of
from schemas.codec.records import RecordCodec
from schemas.jws import new_pair, private_key
from schemas.outcome import Outcome, Status
from schemas.record import Record
from schemas.redriven import Redriven, message_of
from schemas.registry.folder import FolderRegistry
from tests.consumers.run.shop_world import NOW, World, finish, hold, reply, turns
from tests.consumers.run.test_engine import LETTER, ordering
from tests.consumers.run.test_records import entries_of

ANN, BOB, EVE = (private_key(new_pair()[0]) for _ in range(3))
APPROVERS = Approvers(
    [
        ApproverKey("ann-1", "ann", frozenset({"sales"}), ANN.public_key()),
        ApproverKey("bob-1", "bob", frozenset(), BOB.public_key()),
    ]
)
AS_ANN, AS_BOB = Signer("ann-1", ANN), Signer("bob-1", BOB)


class Worker:
    """A worker's handler on a world, and the records that a broker would give it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.codec = RecordCodec(FolderRegistry())

    async def takes(self, decision: ApprovalDecision, *, redriven: bool = False) -> ApprovalRequest | Outcome:
        """Have an answer go through bytes and return what the run says then."""
        await self.codec.ready()
        handler = RecordHandler(
            codec=self.codec,
            routes=RouteTable([self.world.route]),
            engine=self.world.engine(),
            messages=OwnMessages(
                self.codec, OwnTopics("steps", "approvals", "dead-letters", "parked", "redrive")
            ),
            approvers=APPROVERS,
            metrics=Metrics(),
            personal=PersonalData(None),
        )
        encoded = self.codec.encode(decision)
        record = Record("approvals", 0, 0, 0, encoded.key, encoded.value, encoded.headers)
        if redriven:
            back = message_of("redrive", Redriven(record, (0, 1), 1, "ann"))
            record = Record("redrive", 2, 5, 9, back.key, back.value, back.headers)
        (said,) = await handler(record, self.world.claim)
        event = await self.codec.decode(
            Record("t", 0, 0, 0, said.key, said.value, said.headers), tenant="acme"
        )
        return outcome_of(event)

    async def refuses(self, decision: ApprovalDecision) -> str:
        """Return why an answer becomes a dead letter; the run goes on waiting."""
        there = self.world.sessions._journals  # pyright: ignore[reportPrivateUsage] - what the store holds
        before = dict(entries_of(self.world)) if there else {}
        with pytest.raises(DeadLetterError) as caught:
            await self.takes(decision)
        if before:
            assert entries_of(self.world) == before
        return caught.value.reason


async def held(world: World | None = None) -> tuple[Worker, ApprovalRequest]:
    world = world or World(
        ordering(), rules=[replace(hold("true", "shop.order"), approvers=frozenset({"sales"}))]
    )
    request = await world.work()
    assert isinstance(request, ApprovalRequest)
    return Worker(world), request


def yes(
    request: ApprovalRequest, answer: Answer = "approve", approver: str = "ann", **more: Any
) -> ApprovalDecision:
    return request.answered(answer, approver=approver, comment="Fine.", at=request.requested_at, **more)


async def test_a_signed_answer_wakes_the_run() -> None:
    worker, request = await held()
    end = await worker.takes(AS_ANN.signed(yes(request)))
    assert isinstance(end, Outcome)
    assert end.status is Status.SUCCESS
    assert entries_of(worker.world)["t2/c0/approval"]["key"] == "ann-1"


async def test_an_answer_that_is_redriven_is_an_answer_and_verified_like_any_other() -> None:
    worker, request = await held()
    with pytest.raises(DeadLetterError) as caught:
        await worker.takes(yes(request), redriven=True)
    assert caught.value.reason == "approval_unsigned"
    end = await worker.takes(AS_ANN.signed(yes(request)), redriven=True)
    assert isinstance(end, Outcome)
    assert end.status is Status.SUCCESS


OTHERWISE: dict[str, Any] = {
    "request_id": "other/t1/c0",
    "run_id": "f" * 32,
    "tenant": "other",
    "session_id": "s-2",
    "event_source": "/other",
    "event_id": "e-2",
    "place": "t1/c0",
    "digest": "0" * 64,
    "answer": "reject",
    "approver": "bob",
    "comment": "Not fine.",
    "decided_at": NOW + timedelta(seconds=1),
    "result": 1,
    "arguments": {"quantity": 500},
    "signature": None,
}


@pytest.mark.parametrize("name", [each.name for each in fields(ApprovalDecision)])
async def test_an_answer_of_which_any_field_was_changed_is_refused_and_the_run_goes_on_waiting(
    name: str,
) -> None:
    worker, request = await held()
    forged = replace(AS_ANN.signed(yes(request)), **{name: OTHERWISE[name]})
    assert await worker.refuses(forged) == (
        "approval_unsigned" if name == "signature" else "approval_signature"
    )
    assert worker.world.effects == []
    assert isinstance(await worker.takes(AS_ANN.signed(yes(request))), Outcome), "the true one still counts"


FORGED: dict[str, tuple[Callable[[ApprovalRequest], ApprovalDecision], str]] = {
    "not signed": (yes, "approval_unsigned"),
    "alg none": (
        lambda asked: replace(yes(asked), signature="eyJhbGciOiJub25lIiwia2lkIjoiYW5uLTEifQ.."),
        "approval_signature",
    ),
    "key that nobody knows": (
        lambda asked: Signer("eve-1", EVE).signed(yes(asked, approver="eve")),
        "approval_signature",
    ),
    "wrong key": (lambda asked: Signer("ann-1", EVE).signed(yes(asked)), "approval_signature"),
    "key of another person": (lambda asked: AS_BOB.signed(yes(asked)), "approval_approver"),
    "person without the role": (lambda asked: AS_BOB.signed(yes(asked, approver="bob")), "approval_role"),
    "signature of another answer": (
        lambda asked: replace(yes(asked), signature=AS_ANN.signed(yes(asked, "reject")).signature),
        "approval_signature",
    ),
    "another digest, signed": (
        lambda asked: AS_ANN.signed(replace(yes(asked), digest="0" * 64)),
        "approval_mismatch",
    ),
    "another question, signed": (
        lambda asked: AS_ANN.signed(replace(yes(asked), place="t1/c0")),
        "approval_unknown",
    ),
    "answer to a doubt, signed": (lambda asked: AS_ANN.signed(yes(asked, "done")), "approval_unknown"),
    "arguments that do not fit, signed": (
        lambda asked: AS_ANN.signed(yes(asked, "edit", arguments={"quantity": "many"})),
        "approval_arguments",
    ),
}


@pytest.mark.parametrize("kind", FORGED)
async def test_a_forged_answer_is_refused_by_its_name(kind: str) -> None:
    worker, request = await held()
    forge, reason = FORGED[kind]
    assert await worker.refuses(forge(request)) == reason
    assert worker.world.effects == []


async def test_an_answer_in_the_name_of_who_asked_is_refused_although_it_is_signed() -> None:
    world = World(ordering(), rules=[hold("true", "shop.order")])
    world.route = replace(world.route, requester_field="asked_by")
    world.event = replace(world.event, payload={**world.event.payload, "asked_by": "ann"})
    worker, request = await held(world)
    assert await worker.refuses(AS_ANN.signed(yes(request))) == "approval_own"
    assert isinstance(await worker.takes(AS_BOB.signed(yes(request, approver="bob"))), Outcome)


async def test_a_signed_answer_counts_once_and_for_one_run_only() -> None:
    worker, request = await held()
    signed = AS_ANN.signed(yes(request))
    first = await worker.takes(signed)
    assert await worker.takes(signed) == first, "delivered twice"
    assert len(worker.world.ledger.sent) == 1
    assert await worker.refuses(AS_ANN.signed(yes(request, "reject"))) == "approval_used"
    other = World(ordering(), rules=[hold("true", "shop.order")])
    other.event = replace(other.event, id="e-2")
    waiting, question = await held(other)
    assert await waiting.refuses(signed) == "approval_unknown", "no run of that id is there"
    moved = replace(signed, run_id=question.run_id, request_id=question.id)
    assert await waiting.refuses(moved) == "approval_signature"
    again = AS_ANN.signed(replace(moved, signature=None))
    assert await waiting.refuses(again) == "approval_mismatch", "signed anew, it still is about the other run"


async def test_an_answer_after_the_expiry_does_nothing_although_it_says_that_it_was_in_time() -> None:
    world = World(turns(reply(("shop__order", {"quantity": 2})), reply(finish("refused"))), rules=[hold()])
    worker, request = await held(world)
    world.clock.pass_by(timedelta(hours=1))
    end = await worker.takes(AS_ANN.signed(yes(request)))
    assert isinstance(end, Outcome)
    assert (end.status, world.effects) == (Status.REFUSED, [])


@pytest.mark.parametrize("answer", ["done", "retry", "compensate"])
async def test_a_doubt_takes_signed_answers_only(answer: Answer) -> None:
    world = World(turns(reply(LETTER), reply(finish())))
    world.ledger.trouble = [InDoubtError("connection lost")]
    world.ledger.archive_closed = True
    with pytest.raises(Exception, match="still be under way"):
        await world.work()
    world.clock.pass_by(timedelta(seconds=60))
    worker, question = await held(world)
    result = {"to": "Ann"} if answer == "done" else None
    decision = yes(question, answer, approver="bob", result=result)
    assert await worker.refuses(decision) == "approval_unsigned"
    assert await worker.refuses(replace(AS_BOB.signed(decision), comment="changed")) == "approval_signature"
    assert isinstance(await worker.takes(AS_BOB.signed(decision)), Outcome)


async def test_an_answer_is_of_no_use_after_redis_was_wiped_and_rebuilt() -> None:
    worker, request = await held()
    signed = AS_ANN.signed(yes(request))
    first = await worker.takes(signed)
    world = worker.world
    world.sessions.wipe()
    session = refold(world.outbox.step_log)
    await world.sessions.restore(SessionKey("acme", "s-1"), session)
    assert await worker.takes(signed) == first
    assert await worker.refuses(AS_ANN.signed(replace(yes(request), comment="again"))) == "approval_used"
    assert len(world.ledger.sent) == 1


async def test_an_answer_is_of_no_use_after_redis_was_wiped_for_good() -> None:
    worker, request = await held()
    signed = AS_ANN.signed(yes(request))
    await worker.takes(signed)
    world = worker.world
    world.sessions.wipe()
    assert await worker.refuses(signed) == "approval_unknown"
    world.clock.pass_by(timedelta(seconds=1))
    again = await world.work()
    assert isinstance(again, ApprovalRequest), "the event came again, and a person is asked again"
    assert again.id == request.id
    assert await worker.refuses(signed) == "approval_mismatch", "the old yes was to another question"
    assert len(world.ledger.sent) == 1
