"""A run's journal as a timeline: what happened when, and what it cost. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from consumers.router.decision import Decision
from consumers.session import place

Body = Mapping[str, Any]

_ORDER: Final = (
    *(place.EVENT, "decision", "hold", "approval", "intent", "doubt", "doubt.answer", "result"),
    *(place.CANCEL, place.ENDING, "undo.intent", "undo.result", place.OUTCOME, place.ERASED),
)
"""Which entry comes first where two have the same time."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of a journal.

    Attributes:
        at: when it was written.
        place: where it stands in the run.
        kind: `decision`, `intent`, `result`, …
        action: the action it is about, or empty.
        says: what it says, in one line.
        failed: whether it is bad news.
        cost_usd: what it cost, or None where it costs nothing.
        ms: how long it took, or None where that is not known.
    """

    at: datetime
    place: str
    kind: str
    action: str
    says: str
    failed: bool = False
    cost_usd: float | None = None
    ms: int | None = None


def timeline(entries: Mapping[str, Body]) -> list[Moment]:
    """Return the entries of one run in the order in which they happened."""
    decisions = {at: Decision.of_body(body) for at, body in entries.items() if at.endswith("/decision")}
    actions = {at: _action(at, body, entries, decisions) for at, body in entries.items()}
    moments = [_moment(at, body, actions[at]) for at, body in entries.items()]
    return sorted(moments, key=lambda moment: (moment.at, _ORDER.index(moment.kind), moment.place))


def says(at: str, body: Body) -> str:
    """Return in one line what the entry at a place of a journal says."""
    return _SAYS.get(at.rpartition("/")[2], _json)(body)


def _moment(at: str, body: Body, action: str) -> Moment:
    kind = at.rpartition("/")[2]
    return Moment(
        at=datetime.fromisoformat(_time(body)),
        place=at,
        kind=kind,
        action=action,
        says=says(at, body),
        failed=kind.endswith("result") and body["status"] != "done",
        cost_usd=body.get("cost_usd") if kind == "decision" else None,
        ms=body.get("ms"),
    )


def _time(body: Body) -> str:
    return next(body[name] for name in ("at", "requested_at", "finished_at", "time") if name in body)


def _action(at: str, body: Body, entries: Mapping[str, Body], decisions: Mapping[str, Decision]) -> str:
    """Return the action an entry is about: said there, by its intent, or by the decision that chose the call."""
    if "action" in body:
        return str(body["action"])
    match at.split("/"):
        case [turn, call, "undo.result"] if undo := entries.get(f"{turn}/{call}/undo.intent"):
            return str(undo["action"])
        case [turn, call, _, *_] if decision := decisions.get(f"{turn}/decision"):
            return decision.calls[int(call[1:])].action
        case _:
            return ""


def _event(body: Body) -> str:
    return f"{body['type']} {body['id']} {_json(body['payload'])}"


def _decision(body: Body) -> str:
    decision = Decision.of_body(body)
    if decision.problem:
        return f"unusable answer: {decision.problem}"
    calls = [f"{call.action} {call.problem or _json(call.arguments)}" for call in decision.calls]
    if decision.finish:
        calls.append(f"finish {decision.finish.status}: {decision.finish.summary}")
    return "; ".join(calls)


def _intent(body: Body) -> str:
    return _json(body["arguments"])


def _result(body: Body) -> str:
    return _json(body["result"]) if body["status"] == "done" else f"{body['status']}: {body['error']}"


def _hold(body: Body) -> str:
    said = f"{_json(body['arguments'])} held by {body['rule']}: {body['reason']}, until {body['expires_at']}"
    people = f"{body.get('quorum', 1)} of " if body.get("quorum", 1) > 1 else ""
    roles = " or ".join(body.get("approvers", ()))
    who = f", for {people}{roles or 'all'}" if people or roles else ""
    return f"{said}{who}, asked for by {body['requester']}" if body.get("requester") else f"{said}{who}"


def _approval(body: Body) -> str:
    said = f"{body['answer']} by {body['approver']} {body['comment']}".rstrip()
    return said if body.get("arguments") is None else f"{said}: {_json(body['arguments'])}"


def _doubt(body: Body) -> str:
    return f"{_json(body['arguments'])} under key {body['key']}: {body['reason']}"


def _cancel(body: Body) -> str:
    return f"by {body['operator']} {body['reason']}".rstrip()


def _ending(body: Body) -> str:
    return f"{body['status']}: {body['summary']}"


_SAYS: Final[Mapping[str, Callable[[Body], str]]] = {
    place.EVENT: _event,
    "decision": _decision,
    "intent": _intent,
    "undo.intent": _intent,
    "result": _result,
    "undo.result": _result,
    "hold": _hold,
    "approval": _approval,
    "doubt": _doubt,
    "doubt.answer": _approval,
    place.CANCEL: _cancel,
    place.ENDING: _ending,
    place.OUTCOME: _ending,
}


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
