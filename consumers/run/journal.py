"""The journal of one run, read: which calls were chosen, what became of each, what it cost.

The entries are the only state. Everything here is derived from them, so a worker that takes a run over knows
exactly what its predecessor knew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from consumers.router.decision import Chosen, Decision
from consumers.router.finder import FIND
from consumers.router.plan import Taken
from consumers.router.prompt import Turn
from consumers.session import place
from consumers.session.place import CallPlace, turn_of

Body = Mapping[str, Any]


class CallStatus(StrEnum):
    """What is known of a call."""

    CHOSEN = "chosen"
    """Nothing happened yet."""
    HELD = "held"
    """A person was asked and has not answered."""
    ANSWERED = "answered"
    """A person has answered; the call goes on."""
    INTENDED = "intended"
    """A write was about to be performed: in doubt until its result is known."""
    IN_DOUBT = "in_doubt"
    """The ladder ended without an answer; a person was asked and has not answered."""
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
    SKIPPED = "skipped"
    COMPENSATED = "compensated"
    COMPENSATION_FAILED = "compensation_failed"


OPEN = frozenset(
    {CallStatus.CHOSEN, CallStatus.HELD, CallStatus.ANSWERED, CallStatus.INTENDED, CallStatus.IN_DOUBT}
)
"""Statuses in which a call still has something before it."""


REFUSED_VALUES: Final = "unproven"
"""Code of a write that nobody agreed to because its values came from nowhere."""


@dataclass(frozen=True, slots=True)
class CallState:
    """One chosen call with what the journal says of it.

    Attributes:
        place: where it stands.
        chosen: what the model chose.
        status: what is known of it.
        intent: the first intent: what was to be done, and what undoes it.
        sent: the intent of the latest attempt, which may have been performed; None where the next one is not
            announced yet.
        result: what became of it.
        doubts: how often a person was asked what became of it.
        holds: how often a person was asked whether it may be done.
        edited: the arguments that a person put in place of the model's, or None.
    """

    place: CallPlace
    chosen: Chosen
    status: CallStatus
    intent: Body | None
    sent: Body | None
    result: Body | None
    doubts: int
    holds: int = 0
    edited: dict[str, Any] | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """What it is judged and performed with."""
        return self.chosen.arguments if self.edited is None else self.edited

    @property
    def answer(self) -> dict[str, Any]:
        """What the model is told."""
        if self.chosen.problem:
            return {"ok": False, "code": "invalid_arguments", "error": self.chosen.problem}
        if self.result is None:
            return {
                "ok": False,
                "code": "not_done",
                "error": "another call of this answer must be mended first",
            }
        if self.result["status"] == CallStatus.DONE:
            return {"ok": True, "result": self.result["result"]}
        return {"ok": False, "code": self.result["code"], "error": self.result["error"]}


class RunJournal:
    """The entries of one run. Owned by one task; `record` is the only way in."""

    def __init__(self, entries: Mapping[str, Body]) -> None:
        self.entries: dict[str, Body] = dict(entries)
        self.decisions: list[Decision] = []
        self._calls: dict[int, list[CallState]] = {}
        self._read_decisions()

    def record(self, at: str, body: Body) -> None:
        """Add an entry that the store has accepted."""
        self.entries[at] = body
        self._calls.pop(turn_of(at), None)
        self._read_decisions()

    def _read_decisions(self) -> None:
        while body := self.entries.get(place.decision(len(self.decisions) + 1)):
            self.decisions.append(Decision.of_body(body))

    @property
    def turns(self) -> int:
        """How many turns were decided."""
        return len(self.decisions)

    @property
    def last_decision(self) -> Body:
        """The entry of the last turn; empty before the first one."""
        return self.entries.get(place.decision(self.turns), {})

    def planned(self, turn: int) -> int | None:
        """Return the number of the plan's step that a turn took, or None where the model decided."""
        return self.entries.get(place.decision(turn), {}).get("step")

    @property
    def taken(self) -> Taken | None:
        """Where the route's plan stands, or None once the model has decided."""
        if self.turns == 0:
            return Taken()
        step = self.planned(self.turns)
        return None if step is None else Taken(step, self.last_decision["model"])

    def failures(self) -> dict[str, str]:
        """Return a code for each action of the last turn that was not done, by its name."""
        found: dict[str, str] = {}
        for call in self.calls_of(self.turns) if self.turns else ():
            if call.status is not CallStatus.DONE:
                found[call.chosen.action] = str(call.answer.get("code", call.status))
        return found

    @property
    def outcome(self) -> Body | None:
        """The terminal entry, once there is one."""
        return self.entries.get(place.OUTCOME)

    @property
    def started_at(self) -> str | None:
        """When the first turn began, as recorded with its decision."""
        first = self.entries.get(place.decision(1))
        return first["started_at"] if first else None

    def calls_of(self, turn: int) -> list[CallState]:
        """Return the calls of a turn, in the model's order."""
        known = self._calls.get(turn)
        if known is None:
            chosen = self.decisions[turn - 1].calls
            known = [self._call(CallPlace(turn, index), call) for index, call in enumerate(chosen)]
            self._calls[turn] = known
        return known

    def calls(self) -> Iterator[CallState]:
        """Yield every call of the run, in the model's order."""
        for turn in range(1, self.turns + 1):
            yield from self.calls_of(turn)

    def actions(self) -> Iterator[CallState]:
        """Yield every call of an action: not the searches for one, which nobody outside is told of."""
        return (call for call in self.calls() if call.chosen.action != FIND)

    def _call(self, at: CallPlace, chosen: Chosen) -> CallState:
        get = self.entries.get
        intent, result = get(at.intent), get(at.result)
        doubts = 0
        while at.doubt(doubts + 1) in self.entries:
            doubts += 1
        # Sent again is announced again: on a person's word, but a crash then makes a new doubt.
        sent = get(at.retry(doubts)) if doubts else intent
        holds, edited = 0, None
        while at.hold(holds + 1) in self.entries:
            holds += 1
            put_in_place = get(at.approval(holds), {}).get("arguments")
            edited = edited if put_in_place is None else dict(put_in_place)
        status = _status(at, self.entries, result, doubts, holds)
        return CallState(at, chosen, status, intent, sent, result, doubts, holds, edited)

    def finished_turns(self) -> list[Turn]:
        """Return the turns as the prompt shows them."""
        return [
            Turn(decision, tuple(call.answer for call in self.calls_of(number)))
            for number, decision in enumerate(self.decisions, start=1)
        ]

    def results(self) -> dict[str, Any]:
        """Return the last result of each action that was done, by action name: what rules see."""
        return {
            call.chosen.action: call.result["result"]
            for call in self.actions()
            if call.result and call.result["status"] == CallStatus.DONE
        }

    def spent(self) -> "Spent":
        """Add up what the run has used."""
        bodies = [self.entries[place.decision(turn)] for turn in range(1, self.turns + 1)]
        return Spent(
            turns=self.turns,
            calls=sum(len(decision.calls) for decision in self.decisions),
            repairs=sum(decision.needs_repair for decision in self.decisions),
            input_tokens=sum(body["input_tokens"] for body in bodies),
            output_tokens=sum(body["output_tokens"] for body in bodies),
            usd=sum(body["cost_usd"] for body in bodies),
        )


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has used so far."""

    turns: int
    calls: int
    repairs: int
    input_tokens: int
    output_tokens: int
    usd: float


def _status(
    at: CallPlace, entries: Mapping[str, Body], result: Body | None, doubts: int, holds: int
) -> CallStatus:
    if undone := entries.get(at.undo_result):
        return CallStatus.COMPENSATED if undone["status"] == "done" else CallStatus.COMPENSATION_FAILED
    if result is not None:
        return CallStatus(result["status"])
    if doubts and at.doubt_answer(doubts) not in entries:
        return CallStatus.IN_DOUBT
    if at.intent in entries:
        return CallStatus.INTENDED
    if not holds:
        return CallStatus.CHOSEN
    return CallStatus.ANSWERED if at.approval(holds) in entries else CallStatus.HELD
