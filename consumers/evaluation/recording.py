"""From the journal of a run to what it did, what it used, and a case that asks others to do the same. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from consumers.evaluation.case import (
    Case,
    CaseEvent,
    Effect,
    Expected,
    Figures,
    RecordedAnswer,
    RecordedResult,
    State,
)
from consumers.run.journal import CallState, CallStatus, RunJournal
from consumers.session import place

Body = Mapping[str, Any]

_STATES: Final[Mapping[CallStatus, State]] = {
    CallStatus.DONE: "done",
    CallStatus.COMPENSATED: "undone",
    CallStatus.COMPENSATION_FAILED: "done",
    CallStatus.HELD: "held",
    CallStatus.INTENDED: "in_doubt",
    CallStatus.IN_DOUBT: "in_doubt",
}
_ANSWERED: Final = frozenset({"approve", "reject", "edit", "expired", "escalated"})


def effects_of(journal: RunJournal) -> tuple[Effect, ...]:
    """Return what a run did or is about to do, in the model's order: writes that were announced or wait for a person."""
    return tuple(
        Effect(call.chosen.action, call.arguments, _STATES[call.status])
        for call in _sound(journal)
        if (call.intent or call.holds) and call.status in _STATES
    )


def figures_of(journal: RunJournal, model_s: tuple[float, ...] | None = None) -> Figures:
    """Return what a run used; the seconds of the model are those of the journal, unless they are known better."""
    spent = journal.spent()
    asked = list(_asked_turns(journal))
    first = journal.entries[place.decision(asked[0])] if asked else {}
    return Figures(
        model=first.get("model", ""),
        prompt=first.get("prompt", ""),
        turns=len(asked),
        reads=sum(1 for call in _sound(journal) if _is_read(call)),
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        cost_usd=spent.usd,
        model_s=tuple(_model_seconds(journal)) if model_s is None else model_s,
    )


def case_of(topic: str, event: Body, entries: Mapping[str, Body], context: Body | None) -> Case:
    """Return the case of a finished run.

    Args:
        topic: where its event came from.
        event: as `consumers.run.record.envelope_body` writes it, with tokens for what is personal.
        entries: its journal, as it is stored.
        context: what its session remembered before, as it is stored; None for nothing.
    """
    journal = RunJournal(entries)
    assert journal.outcome is not None
    started = journal.started_at
    shown = {name: value for name, value in event.items() if name not in {"tenant", "time"}}
    return Case(
        id=f"{event['source']}#{event['id']}",
        topic=topic,
        event=CaseEvent(time=datetime.fromisoformat(event["time"]), **shown),
        expected=Expected(effects_of(journal), journal.outcome["status"]),
        results=tuple(_results(journal)),
        answers=tuple(_answers(journal)),
        context=None if context is None else dict(context),
        at=None if started is None else datetime.fromisoformat(started),
        recorded=figures_of(journal),
    )


def _sound(journal: RunJournal) -> Iterator[CallState]:
    """Yield the calls of all answers but those that were sent back for repair."""
    for turn, decision in enumerate(journal.decisions, start=1):
        if not decision.needs_repair:
            yield from journal.calls_of(turn)


def _is_read(call: CallState) -> bool:
    performed = call.status in {CallStatus.DONE, CallStatus.FAILED}
    return performed and call.intent is None and not call.holds and not _is_repeated(call)


def _is_repeated(call: CallState) -> bool:
    """Whether the journal answered: the system was not asked again."""
    return call.result is not None and "same_as" in call.result


def _asked_turns(journal: RunJournal) -> Iterator[int]:
    """Yield the turns that the model decided, and no plan of the route."""
    return (turn for turn in range(1, journal.turns + 1) if journal.planned(turn) is None)


def _results(journal: RunJournal) -> Iterator[RecordedResult]:
    for call in _sound(journal):
        done = call.result and call.result["status"] in {CallStatus.DONE, CallStatus.FAILED}
        if call.result and done and not _is_repeated(call):
            yield _result(call.chosen.action, call.arguments, call.result)
        undo, undone = (journal.entries.get(at) for at in (call.place.undo_intent, call.place.undo_result))
        if undo and undone and undone["status"] in {CallStatus.DONE, CallStatus.FAILED}:
            yield _result(undo["action"], undo["arguments"], undone)
            yield from _state_that_led_to(undo["action"], call.intent)


def _result(action: str, arguments: dict[str, Any], body: Body) -> RecordedResult:
    if body["status"] == CallStatus.DONE:
        return RecordedResult(action, arguments, "done", body["result"])
    return RecordedResult(action, arguments, "failed", code=body["code"], error=body["error"])


def _state_that_led_to(action: str, intent: Body | None) -> Iterator[RecordedResult]:
    """Yield what the read must have said that chose a compensation: the journal only has which one it chose."""
    by_state = intent["compensate"] if intent else None
    if isinstance(by_state, Mapping):
        state = next((state for state, name in by_state["actions"].items() if name == action), None)
        if state is not None:
            yield RecordedResult(by_state["read"], None, "done", {by_state["field"]: state})


def _answers(journal: RunJournal) -> Iterator[RecordedAnswer]:
    for call in _sound(journal):
        for number in range(1, call.holds + 1):
            question = call.place.question(number)
            asked = journal.entries[place.hold(question)]
            prefix, decided = f"{question}/by-", place.approval(question)
            said = [
                body
                for at, body in journal.entries.items()
                if at == decided or (at.startswith(prefix) and at.endswith("/approval"))
            ]
            for body in _each_once(said):
                if body["answer"] in _ANSWERED:
                    yield RecordedAnswer(
                        asked["action"],
                        asked["arguments"],
                        body["answer"],
                        body["approver"],
                        tuple(body.get("roles", ())),
                        body["comment"],
                        body.get("arguments"),
                    )


def _each_once(said: list[Body]) -> list[Body]:
    """Return what people said in order of time; the last yes of several is the decision as well, and counts once."""
    found: list[Body] = []
    for body in sorted(said, key=lambda each: datetime.fromisoformat(each["at"])):
        if body not in found:
            found.append(body)
    return found


def _model_seconds(journal: RunJournal) -> Iterator[float]:
    """Yield how long each answer took: from the last thing before it that the journal has the time of."""
    for turn in _asked_turns(journal):
        body = journal.entries[place.decision(turn)]
        before = [body["started_at"]] if turn == 1 else [journal.entries[place.decision(turn - 1)]["at"]]
        before += (
            [call.result["at"] for call in journal.calls_of(turn - 1) if call.result] if turn > 1 else []
        )
        asked = max(map(datetime.fromisoformat, before))
        yield max(0.0, (datetime.fromisoformat(body["at"]) - asked).total_seconds())
