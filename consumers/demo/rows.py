"""A run as rows: event, decisions, actions with their results, compensations, outcome. Pure functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from consumers.demo import telling
from consumers.demo.board import RunView
from consumers.demo.story import Scene
from schemas.dead_letter import DeadLetter
from schemas.envelope import Envelope
from schemas.outcome import Outcome, Status
from schemas.step import Step, StepKind

Tone = Literal["plain", "good", "warn", "bad", "quiet", "ask", "undo"]
"""What a row feels like; the display has a colour for each."""

STATUS_TONES: Mapping[Status, Tone] = {
    Status.SUCCESS: "good",
    Status.REFUSED: "warn",
    Status.COMPENSATED: "undo",
}
"""Anything else that ends a run is bad."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a scene.

    Attributes:
        kind: event, decision, action, approval, undo, outcome or dead letter.
        text: what it says.
        tone: how it feels.
        after: what came of it, or empty.
        at_s: seconds since the event was published, or None.
        tokens: what the model read and wrote for it.
        cost_usd: what that cost.
    """

    kind: str
    text: str
    tone: Tone = "plain"
    after: str = ""
    at_s: float | None = None
    tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class SceneView:
    """A scene at one moment.

    Attributes:
        number: from 1.
        scene: from the story.
        rows: what has happened.
        outcome: once there is one.
        over: whether nothing more is to come.
    """

    number: int
    scene: Scene
    rows: tuple[Row, ...]
    outcome: Outcome | None = None
    over: bool = False


def run_rows(event: Envelope, run: RunView) -> tuple[Row, ...]:
    """Return the rows of a run, as far as it has come."""
    opening = Row("event", f"{event.type}: {telling.event(event)}", at_s=0.0)
    by_place = {step.place: step for step in run.steps}
    body = [row for step in run.steps for row in _rows_of(step, by_place, event.time)]
    closing = [_outcome(run.outcome, event.time)] if run.outcome else []
    return (opening, *body, *closing)


def repeat_rows(event: Envelope, run: RunView) -> tuple[Row, ...]:
    """Return the rows of an event that was published again, after its run had ended."""
    opening = Row("event", f"{event.type}: {telling.event(event)} (id {event.id}, seen before)")
    again = run.outcomes[1:]
    if not again:
        return (opening,)
    same = all(published.value == run.outcomes[0].value for published in again)
    text = "the same outcome again, byte for byte; nothing done" if same else "another outcome than before"
    return (opening, Row("outcome", again[0].outcome.status.value, "good" if same else "bad", text))


def poison_rows(value: bytes, letters: tuple[DeadLetter, ...]) -> tuple[Row, ...]:
    """Return the rows of a record that is no event."""
    opening = Row("record", value.decode(errors="replace"))
    found = [Row("dead letter", letter.reason, "warn", letter.error) for letter in letters]
    return (opening, *found)


def _rows_of(step: Step, by_place: Mapping[str, Step], began: datetime) -> Iterator[Row]:
    at_s = _seconds(step.at, began)
    body = step.body
    match step.kind:
        case StepKind.DECISION:
            yield _decision(body, at_s)
            turn = step.place.partition("/")[0]
            for number, call in enumerate(body["calls"]):
                yield from _call(call, by_place, f"{turn}/c{number}", began)
        case StepKind.UNDO_INTENT:
            done = by_place.get(step.place.replace("undo.intent", "undo.result"))
            after, tone = _ending(body["action"], done)
            yield Row(
                "undo",
                telling.call(body["action"], body["arguments"]),
                tone or "undo",
                after,
                _at(done, began),
            )
        case _:
            return  # told by the rows of their calls, or by the outcome


def _decision(body: Mapping[str, Any], at_s: float) -> Row:
    tokens = body["input_tokens"] + body["output_tokens"]
    finish = body["finish"]
    if body["problem"]:
        text = f"unusable answer: {body['problem']}"
    elif body["calls"]:
        text = body["text"] or "next: " + ", ".join(call["action"] for call in body["calls"])
    else:
        text = f"nothing more to do: {finish['status']}" if finish else body["text"]
    return Row("decision", text, "bad" if body["problem"] else "plain", "", at_s, tokens, body["cost_usd"])


def _call(call: Mapping[str, Any], by_place: Mapping[str, Step], at: str, began: datetime) -> Iterator[Row]:
    """Yield a chosen call: held and answered first where a rule asked for a person, then what came of it."""
    said = telling.call(call["action"], call["arguments"])
    if call["problem"]:
        yield Row("action", said, "bad", call["problem"])
        return
    if hold := by_place.get(f"{at}/hold"):
        yield Row("hold", f"{hold.body['rule']}: {hold.body['reason']}", "ask", at_s=_seconds(hold.at, began))
        answer = by_place.get(f"{at}/approval")
        if answer is None:
            yield Row("action", said, "ask", "waits for a person")
            return
        yield _approval(answer, began)
    done = by_place.get(f"{at}/result")
    after, tone = _ending(call["action"], done)
    yield Row("action", said, tone or "plain", after, _at(done, began))


def _approval(step: Step, began: datetime) -> Row:
    answer = step.body["answer"]
    said = {"approve": "approved", "reject": "rejected"}.get(answer, answer)
    text = f"{said} by {step.body['approver']}: {step.body['comment']}".removesuffix(": ")
    return Row("approval", text, "good" if answer == "approve" else "bad", at_s=_seconds(step.at, began))


def _ending(action: str, done: Step | None) -> tuple[str, Tone | None]:
    if done is None:
        return "", None
    if done.body["status"] == "done":
        return telling.result(action, done.body["result"]), None
    return f"{done.body['code']}: {done.body['error']}", "warn"


def _outcome(outcome: Outcome, began: datetime) -> Row:
    return Row(
        "outcome",
        outcome.status.value,
        STATUS_TONES.get(outcome.status, "bad"),
        outcome.summary,
        _seconds(outcome.finished_at, began),
        outcome.input_tokens + outcome.output_tokens,
        outcome.cost_usd,
    )


def _at(step: Step | None, began: datetime) -> float | None:
    return _seconds(step.at, began) if step else None


def _seconds(at: datetime, began: datetime) -> float:
    return max(0.0, (at - began).total_seconds())
