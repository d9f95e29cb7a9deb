"""Whole runs on one store and one shop, by workers whose every call waits for its turn: in any order, all holds.

Workers work the same event at once and two events of a session beside each other, crash, lose answers, lose their claim,
meet busy and refusing systems; persons answer late, twice and differently; operators cancel; the store is emptied or set
back, and rebuilt from the steps. Each call is one step.

A failure prints the steps, and the line that plays exactly them again (`@reproduce_failure`). For a long run:

    POINTSMAN_EXAMPLES=20000 pytest --timeout 0 tests/consumers/run/test_interleavings.py

What it takes for granted of a system with idempotency keys: it gives one key one answer, a refusal as well; and a call that
is not answered within its deadline is not executed later.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consumers.adapters.memory_deadlines import MemoryDeadlines
from consumers.adapters.memory_sessions import MemorySessions
from consumers.errors import DeadLetterError, RetryError
from consumers.policy.approvers import Approver
from consumers.router.exchange import Reply
from consumers.router.route import Budget, Route
from consumers.run.engine import Engine
from consumers.run.journal import CallState, CallStatus, RunJournal
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.proof import Told, verify
from consumers.session.refold import refold
from consumers.telemetry.metrics import Metrics
from schemas.approval import ANSWERS, Answer, ApprovalDecision, ApprovalRequest
from schemas.cancellation import Cancellation
from schemas.canonical import canonical_json
from schemas.envelope import Envelope
from schemas.expiry import Expiry
from schemas.outcome import Outcome, Status
from tests.consumers.run.books import WINDOW, Books
from tests.consumers.run.gates import (
    Fate,
    Gate,
    GatedActions,
    GatedDeadlines,
    GatedModel,
    GatedOutbox,
    GatedSessions,
    Topics,
    Waiting,
    Worker,
)
from tests.consumers.run.shop_world import StillClock, World, deny, finish, hold, reply, turns

EXAMPLES = int(os.environ.get("POINTSMAN_EXAMPLES", "0"))
MOST_WORKERS = 3
MOST_ROUNDS = 60

CALLS: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.sampled_from(
    [
        ("shop__order", {"quantity": 1}),
        ("shop__order", {"quantity": 2}),
        ("shop__stock", {"product": "P"}),
        ("shop__order", {"quantity": 7}),  # held
        ("shop__order", {"quantity": 13}),  # denied
        ("shop__order", {"quantity": "many"}),
        ("shop__ship", {"order_id": "O-1"}),
        ("shop__letter", {"to": "Ann"}),
        ("shop__book", {"seat": "7"}),
    ]
)
FINISHES = st.sampled_from(["completed", "refused", "failed"]).map(finish)
REPLIES = st.lists(CALLS, min_size=1, max_size=3).map(lambda calls: reply(*calls))
PLANS = st.tuples(st.lists(REPLIES, min_size=1, max_size=4), FINISHES.map(reply))
"""What the model says about an event, one after the other whoever asks, and what it says from then on."""
RESULTS: Mapping[str, Any] = {
    "shop.order": {"order_id": "O-1", "quantity": 1},
    "shop.ship": {"shipment_id": "S-1", "order_id": "O-1"},
}
"""What a person finds who looks for an action in doubt."""

RULES = [hold("arguments.quantity == 7", "shop.order"), deny("arguments.quantity == 13", "shop.order")]
WORLD = World(turns(reply(finish())), rules=RULES, budget=Budget(turns=6, repairs=3))
METRICS = Metrics()

TIMES = {"a minute": timedelta(seconds=61), "two hours": timedelta(hours=2), "a day": WINDOW}
ARCHIVE = ("the archive closes", "the archive opens")
BOOKINGS = ("draft", "sold", "used", "busy")
LOSSES = ("the store is emptied", "the store goes back")
HAPPENS = (
    *LOSSES,
    "a backup is made",
    "a partition is handed over",
    "a partition is lost",
    "an operator cancels",
    *TIMES,
    *ARCHIVE,
    *BOOKINGS,
)

Message = Envelope | ApprovalDecision | Cancellation | Expiry


@dataclass(eq=False)
class Delivery:
    """A message as a worker has it; committed once there is nothing left to do for it."""

    message: Message
    worker: Worker
    task: "asyncio.Task[None]"


class Runs(RuleBasedStateMachine):
    """The rules are what may happen; the invariants hold after each of them, and `teardown` brings all to an end."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.gate = Gate()
        self.topics = Topics()
        self.deadlines = MemoryDeadlines()
        self.deliveries: list[Delivery] = []
        self.uncommitted: list[Message] = []
        self.delivered: dict[str, Envelope] = {}
        self.written: dict[tuple[str, str], bytes] = {}
        self.backup: Any = ({}, {})
        self.started = 0

    @initialize(
        plans=st.lists(PLANS, min_size=3, max_size=3),
        atomic=st.booleans(),
        booking=st.sampled_from(["draft", "sold", "used"]),
    )
    def begin(self, plans: list[tuple[list[Reply], Reply]], atomic: bool, booking: str) -> None:
        self.route = replace(WORLD.route, atomic=atomic)
        self.clock = StillClock()
        self.store = MemorySessions(self.clock, ttl_s=timedelta(days=365).total_seconds())
        self.books = Books(
            now=self.clock.now,
            refusing=lambda: self.gate.refusing,
            announced=self._announced,
            booking=booking,
        )
        first = WORLD.event
        self.events = [
            first,
            replace(first, id="e-2"),
            replace(first, id="e-3", session_id="s-2"),
        ]
        self.plans = {event.run_id: plan for event, plan in zip(self.events, plans, strict=True)}

    # What may happen.

    @precondition(lambda self: len(self.deliveries) < MOST_WORKERS)
    @rule(number=st.integers(0, 2))
    def deliver(self, number: int) -> None:
        """Kafka gives a record to a worker, for the first time or again."""
        event = self.events[number]
        self.delivered[event.run_id] = event
        self._start(event)

    @precondition(lambda self: self.topics.requests and len(self.deliveries) < MOST_WORKERS)
    @rule(number=st.integers(0, 9), choice=st.integers(0, 1), approver=st.sampled_from(["ann", "bob"]))
    def answer(self, number: int, choice: int, approver: str) -> None:
        """A person answers what was asked, whether or not somebody did before; about a doubt, the truth."""
        asked = self.topics.requests[number % len(self.topics.requests)]
        self._start(self._decision(asked, choice, approver))

    @precondition(lambda self: self.topics.requests and len(self.deliveries) < MOST_WORKERS)
    @rule()
    def look_at_deadlines(self) -> None:
        """A worker looks which questions nobody answered in time, and says so."""
        for expiry in self.loop.run_until_complete(self.deadlines.due(self.clock.now(), 1)):
            self._start(expiry)

    @precondition(lambda self: self.gate.waiting)
    @rule(number=st.integers(0, 5))
    def let_through(self, number: int) -> None:
        self._let(self.gate.waiting[number % len(self.gate.waiting)], Fate.PASS)

    @precondition(lambda self: self.deliveries)
    @rule(number=st.integers(0, MOST_WORKERS - 1), calls=st.integers(2, 30))
    def let_go_on(self, number: int, calls: int) -> None:
        """One worker is quick."""
        delivery = self.deliveries[number % len(self.deliveries)]
        for _ in range(calls):
            for waiting in [one for one in self.gate.waiting if one.worker is delivery.worker][:1]:
                self._let(waiting, Fate.PASS)

    @precondition(lambda self: self.gate.waiting)
    @rule(number=st.integers(0, 5), fate=st.sampled_from([one for one in Fate if one is not Fate.PASS]))
    def strike(self, number: int, fate: Fate) -> None:
        self._let(self.gate.waiting[number % len(self.gate.waiting)], fate)

    @rule(what=st.sampled_from([*HAPPENS]), number=st.integers(0, 2))
    def happen(self, what: str, number: int) -> None:
        """Something else in the world."""
        match what:
            case "an operator cancels":
                event = self.events[number]
                if event.run_id in self.delivered and len(self.deliveries) < MOST_WORKERS:
                    self._start(_cancellation(event, self.clock.now()))
            case "a partition is handed over" | "a partition is lost":
                for delivery in self.deliveries[number : number + 1]:
                    delivery.worker.claim.handing_over = True
                    delivery.worker.claim.lost = what == "a partition is lost"
            case "a backup is made":
                self.backup = deepcopy((self.store._sessions, self.store._journals))  # pyright: ignore[reportPrivateUsage] - as the server has it
            case "the store is emptied" | "the store goes back":
                self._lose(({}, {}) if what == "the store is emptied" else self.backup)
            case "a minute" | "two hours" | "a day":
                self._let_pass(TIMES[what])
            case "the archive closes" | "the archive opens":
                self.books.archive_closed = what == "the archive closes"
            case _:
                self.books.booking = what

    def _lose(self, left: Any) -> None:
        """The store has only that left, and is given back what was published: then it has all of that."""
        before = dict(self._entries())
        self.deadlines = MemoryDeadlines()
        self.store._sessions, self.store._journals = deepcopy(left)  # pyright: ignore[reportPrivateUsage] - as the server has it
        published: set[tuple[str, str, bytes]] = set()
        latest: Counter[str] = Counter()
        for step in self.topics.steps:
            latest[step.run_id] = max(latest[step.run_id], step.epoch)
        for session_id in {step.session_id for step in self.topics.steps}:
            steps = [step for step in self.topics.steps if step.session_id == session_id]
            key = SessionKey(steps[0].tenant, session_id)
            published |= {
                (key.journal(step.run_id), step.place, canonical_json(step.body))
                for step in steps
                if step.epoch == latest[step.run_id]  # what a fenced worker says may be true by chance
            }
            session = refold(steps)
            for expiry in session.waiting():
                self.loop.run_until_complete(self.deadlines.keep(expiry))
            epoch = self.loop.run_until_complete(self.store.restore(key, session))
            self.topics.steps.extend(session.taken_over(epoch, WORLD.event.time))
        self.written = dict(self._entries())
        for (name, at), body in before.items():
            if (name, at, body) in published:
                assert self.written.get((name, at)) == body, f"{at} was published, and is not given back"

    def _let_pass(self, time: timedelta) -> None:
        """Whatever an action was waiting for, its deadline is over before a minute is."""
        while waiting := next((one for one in self.gate.waiting if one.is_action), None):
            self._let(waiting, Fate.LOSE_ANSWER)
        self.clock.pass_by(time)

    # What must hold.

    @invariant()
    def no_effect_twice_or_unannounced(self) -> None:
        assert not self.books.faults if self.started else True

    @invariant()
    def what_is_written_stays_as_it_is(self) -> None:
        now = dict(self._entries()) if self.started else {}
        for at, body in self.written.items():
            assert now.get(at) == body, f"{at} was changed"
        self.written = now

    @invariant()
    def a_run_has_one_outcome(self) -> None:
        first: dict[str, Outcome] = {}
        for outcome in self.topics.outcomes:
            assert first.setdefault(outcome.run_id, outcome) == outcome

    def teardown(self) -> None:
        try:
            if self.started and sys.exc_info()[0] is None:
                self._bring_to_an_end()
                for event in self.delivered.values():
                    self._check(event)
                self._check_chains()
        finally:
            for delivery in self.deliveries:
                self.gate.bury(delivery.worker)
            self._settle()
            self.loop.close()

    def _bring_to_an_end(self) -> None:
        """Nothing goes wrong any more: messages come again until they are committed, questions are answered."""
        self.books.booking = "draft" if self.books.booking == "busy" else self.books.booking
        for _ in range(MOST_ROUNDS):
            while self.gate.waiting:
                self._let(self.gate.waiting[0], Fate.PASS)
            ended = {outcome.run_id for outcome in self.topics.outcomes}
            open_questions = [one for one in self.topics.requests if one.run_id not in ended]
            if not self.uncommitted and self.delivered.keys() <= ended:
                return
            again, self.uncommitted = self.uncommitted, []
            for message in again or [self._decision(one, 0, "ann") for one in open_questions[-2:]]:
                self.clock.pass_by(timedelta(seconds=61))
                self._start(message)
                while self.gate.waiting:
                    self._let(self.gate.waiting[0], Fate.PASS)
        raise AssertionError(f"no end after {MOST_ROUNDS} rounds: {self.uncommitted}")

    def _check(self, event: Envelope) -> None:
        """Compare what a run says at its end with what the shop has in its books."""
        (outcome, *_) = [one for one in self.topics.outcomes if one.run_id == event.run_id]
        key = SessionKey(event.tenant, event.session_id)
        entries = self.loop.run_until_complete(self.store.read(key, event.run_id))
        journal = RunJournal(entries)
        calls = [call for call in journal.calls() if call.result or call.intent]
        assert [(a.action, a.status) for a in outcome.actions] == [
            (call.chosen.action, str(call.status)) for call in calls
        ]
        for call in calls:
            self._check_call(call, entries)
        writes = [a for a in outcome.actions if a.effect == "write"]
        standing = [a.action for a in writes if a.status in {"done", "compensation_failed"}]
        if outcome.status is Status.SUCCESS:
            assert not [a for a in writes if a.status in {"compensated", "compensation_failed", "in_doubt"}]
        if outcome.status in {Status.COMPENSATED, Status.CANCELLED}:
            assert not standing
        if outcome.status is Status.COMPENSATION_FAILED:
            assert standing
            assert all(name in outcome.summary for name in standing), "a person is told"
        if self.route.atomic and outcome.status is not Status.SUCCESS:
            assert not standing or outcome.status is Status.COMPENSATION_FAILED
        told = Counter(run["event_id"] for run in self._context(key))
        assert told[event.id] <= 1, "the session remembers a run once"

    def _check_chains(self) -> None:
        told = [Told(str(number), step) for number, step in enumerate(self.topics.steps)]
        for key in {SessionKey(each.step.tenant, each.step.session_id) for each in told}:
            head = Context.load(self.store._sessions[key.meta].context).link  # pyright: ignore[reportPrivateUsage] - as the server has it
            found = verify([each for each in told if each.step.session_id == key.session_id], head, cut=False)
            assert found.broken is None
            assert found.anchored

    def _check_call(self, call: CallState, entries: Mapping[str, Mapping[str, Any]]) -> None:
        if call.intent is None:
            assert call.status not in {CallStatus.COMPENSATED, CallStatus.COMPENSATION_FAILED}
            return
        assert call.intent["arguments"] == call.chosen.arguments, "what was decided was done"
        happened = call.intent["key"] in self.books.effects
        undo = entries.get(call.place.undo_intent)
        undone = undo is not None and undo["key"] in self.books.effects
        match call.status:
            case CallStatus.DONE:
                assert happened
                assert undo is None
            case CallStatus.FAILED | CallStatus.DENIED:
                assert not happened
            case CallStatus.COMPENSATED:
                assert happened
                assert undone
            case CallStatus.COMPENSATION_FAILED:
                assert happened
                found = entries[call.place.undo_result]
                unknown = found["status"] == CallStatus.IN_DOUBT or found["code"] == "undo_deadline"
                assert unknown or not undone, "it is reported as standing"
            case _:
                raise AssertionError(f"a run ended with {call}")

    # How it is done.

    def _start(self, message: Message) -> None:
        self.started += 1
        worker = Worker(f"worker {self.started}", self.gate)
        task = self.loop.create_task(self._work(message, worker), name=worker.name)
        self.deliveries.append(Delivery(message, worker, task))
        self._settle()

    async def _work(self, message: Message, worker: Worker) -> None:
        outbox = GatedOutbox(self.topics, worker)
        engine = Engine(
            routes={self.route.name: self.route},
            catalog=WORLD.catalog,
            sessions=GatedSessions(self.store, worker),
            model=GatedModel(*self.plans[message.run_id], worker),
            actions=GatedActions(self.books, worker),
            outbox=outbox,
            deadlines=GatedDeadlines(self.deadlines, worker),
            clock=self.clock,
            metrics=METRICS,
        )
        said = await _worked(engine, message, self.route, worker)
        if said is not None:
            await outbox.publish(said)

    def _let(self, waiting: Waiting, fate: Fate) -> None:
        self.gate.let(waiting, fate)
        self._settle()

    def _settle(self) -> None:
        """Go on until every worker waits at the gate or is done, and see what became of the latter."""
        self.loop.run_until_complete(_quiet(self.gate, [one.task for one in self.deliveries]))
        for delivery in [one for one in self.deliveries if one.task.done()]:
            self.deliveries.remove(delivery)
            error = delivery.task.exception()
            if delivery.worker.dead or isinstance(error, RetryError):
                if delivery.message not in self.uncommitted:
                    self.uncommitted.append(delivery.message)
            elif error is not None and not (
                isinstance(error, DeadLetterError) and not isinstance(delivery.message, Envelope)
            ):
                raise error

    def _decision(self, asked: ApprovalRequest, choice: int, approver: str) -> ApprovalDecision:
        answer: Answer = ANSWERS["approval"][choice]
        if asked.kind == "doubt":
            happened = asked.key in self.books.effects
            answer = ("done", "compensate")[choice] if happened else "retry"
        return asked.answered(
            answer, approver=approver, comment="", at=self.clock.now(), result=RESULTS.get(asked.action, {})
        )

    def _entries(self) -> Iterator[tuple[tuple[str, str], bytes]]:
        for name, journal in self.store._journals.items():  # pyright: ignore[reportPrivateUsage] - as the server has it
            yield from (((name, at), body) for at, body in journal.entries.items())

    def _announced(self, key: str) -> bool:
        return any(
            at.endswith("intent") and orjson.loads(body)["key"] == key for (_, at), body in self._entries()
        )

    def _context(self, key: SessionKey) -> list[Mapping[str, Any]]:
        stored = self.store._sessions[key.meta].context  # pyright: ignore[reportPrivateUsage] - as the server has it
        return orjson.loads(stored)["runs"] if stored else []


async def _worked(engine: Engine, message: Message, route: Route, worker: Worker) -> Any:
    match message:
        case Envelope():
            return await engine.work(message, route, worker.claim)
        case ApprovalDecision():
            return await engine.answer(message, Approver(message.approver), worker.claim)
        case Cancellation():
            return await engine.cancel(message, worker.claim)
        case Expiry():
            return await engine.expire(message, worker.claim)


def _cancellation(event: Envelope, at: datetime) -> Cancellation:
    return Cancellation(event.run_id, event.tenant, event.session_id, "ann", "stop", at)


async def _quiet(gate: Gate, tasks: list["asyncio.Task[None]"]) -> None:
    """Return once nothing has moved for some rounds of the loop."""
    still, before = 0, None
    while still < 8:
        await asyncio.sleep(0)
        now = (list(gate.waiting), [task.done() for task in tasks])
        still, before = (still + 1 if now == before else 0), now


TestRuns = Runs.TestCase
TestRuns.settings = settings(
    max_examples=EXAMPLES or 200,
    stateful_step_count=60,
    deadline=None,
    phases=[phase for phase in settings().phases if phase is not Phase.explain],  # it traces every line
)
