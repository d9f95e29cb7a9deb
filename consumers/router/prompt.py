"""The prompt of a turn: goal and rules, documents, the session so far, the event, then the run so far.

Whatever comes from outside is data between named marks and is escaped, so that it cannot close its mark.
That keeps an honest model oriented; nothing relies on it: rules judge every chosen action anyway.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from consumers.router.decision import Decision
from consumers.router.exchange import Message
from consumers.router.route import Route
from consumers.router.template import Document
from consumers.session.context import Context
from consumers.session.summary import HEADING
from schemas.canonical import digest
from schemas.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Turn:
    """A finished turn: what was chosen, and for each call what came of it (`{"ok": …}`)."""

    decision: Decision
    answers: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """What every turn of a run begins with.

    Attributes:
        messages: the system's and the first of the user.
        version: names all that the route itself says: template, goal, rules, documents.
    """

    messages: tuple[Message, ...]
    version: str


def opening(
    route: Route,
    event: Envelope,
    context: Context,
    *,
    session_tokens: int | None = None,
    documents: int | None = None,
) -> Opening:
    """Return what every turn of a run begins with.

    Args:
        route: says it.
        event: what happened.
        context: what the session remembers.
        session_tokens: of that; by default as much as the route allows.
        documents: how many of the route's are shown; by default all.
    """
    system = _system(route)
    tokens = route.session_tokens if session_tokens is None else session_tokens
    parts = [
        *(_document(each) for each in route.documents[:documents]),
        *_session(context.summary(tokens)),
        _event(route, event),
    ]
    return Opening(
        messages=({"role": "system", "content": system}, {"role": "user", "content": "\n".join(parts)}),
        version=digest([system, HEADING, *((d.name, d.text) for d in route.documents)])[:12],
    )


def build(begin: Iterable[Message], turns: Iterable[Turn]) -> list[Message]:
    """Return the messages for the next turn. Same journal, same messages, byte for byte."""
    messages = list(begin)
    for number, turn in enumerate(turns, start=1):
        messages.extend(_turn(number, turn))
    return messages


def _system(route: Route) -> str:
    rules = [f"- {rule.message}" for rule in route.rules if rule.message]
    text = "\n\nRules that are enforced whatever you choose:\n" + "\n".join(rules) if rules else ""
    return route.template.filled(route.goal, text)


def _document(document: Document) -> str:
    # As JSON, since what is escaped there is read as what it was.
    return f"<document>{_data({'name': document.name, 'text': document.text})}</document>"


def _session(told: str) -> Iterable[str]:
    return [f"<session>\n{told}\n</session>"] if told else []


def _event(route: Route, event: Envelope) -> str:
    shown = {
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "payload": route.shown(event.payload),
    }
    return f"<event>{_data(shown)}</event>"


def _turn(number: int, turn: Turn) -> Iterable[Message]:
    decision = turn.decision
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.action.replace(".", "__"), "arguments": _text(call.arguments)},
        }
        for call in decision.calls
    ]
    if decision.finish and calls:
        # It wanted to end, yet some call of the same answer was not done: it is asked again.
        finish = {"name": "finish", "arguments": _text(decision.finish.model_dump())}
        calls.append({"id": f"finish-{number}", "type": "function", "function": finish})
    yield {"role": "assistant", "content": decision.text or None, **({"tool_calls": calls} if calls else {})}
    for call, answer in zip(decision.calls, turn.answers, strict=True):
        yield {"role": "tool", "tool_call_id": call.id, "content": _text(answer)}
    if decision.finish and calls:
        refused = {"ok": False, "code": "not_finished", "error": "not every action of this answer was done"}
        yield {"role": "tool", "tool_call_id": f"finish-{number}", "content": _text(refused)}
    if decision.problem:
        yield {"role": "user", "content": f"Your answer could not be used: {decision.problem}."}


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()


def _data(value: Any) -> str:
    # JSON may spell any character as \uXXXX: data can then not contain a closing mark.
    return _text(value).replace("<", "\\u003c").replace(">", "\\u003e")
