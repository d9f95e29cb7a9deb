"""What a session remembers of a run: a pure function of its journal, its event, its route and how it stands."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from consumers.router.route import Route
from consumers.run.journal import CallState, CallStatus, RunJournal
from consumers.session.bounds import bounded
from consumers.session.context import Context
from consumers.session.past import Learnt, PastAction, PastRun
from schemas.envelope import Envelope
from schemas.outcome import Status


def memory_of(
    journal: RunJournal,
    event: Envelope,
    route: Route,
    *,
    status: Status,
    summary: str,
    at: datetime,
    waits: bool = False,
) -> Context:
    """Return what a session remembers of one run, as a context of its own; see `Context.merged`.

    Args:
        journal: the run so far.
        event: what started it.
        route: the route it takes.
        status: how it ended, or what it waits for.
        summary: the same in words.
        at: when it ended or began to wait.
        waits: whether it is not over yet.
    """
    run = PastRun(
        event=event.type,
        event_id=event.id,
        status=str(status),
        summary=summary,
        actions=tuple(_actions(journal, route, waits=waits)),
        at=at,
        run_id=event.run_id,
        subject=event.subject,
        route=route.name,
        began_at=datetime.fromisoformat(journal.started_at) if journal.started_at else None,
        waits=waits,
    )
    results: dict[str, Learnt] = {}
    for call in journal.actions():
        if call.status is CallStatus.DONE and call.result:
            name = call.chosen.action
            results.pop(name, None)  # so that the latest comes last
            about = bounded(call.arguments)
            learnt_at = datetime.fromisoformat(call.result["at"])
            results[name] = Learnt(bounded(call.result["result"]), learnt_at, event.run_id, about)
    # What the route keeps from the model is not remembered: another route might show it.
    said = Learnt(bounded(route.shown(event.payload)), at, event.run_id, event.id)
    return Context((run.within_bounds(),), results, {event.type: said})


def _actions(journal: RunJournal, route: Route, *, waits: bool) -> Iterator[PastAction]:
    for call in journal.actions():
        sound = not journal.decisions[call.place.turn - 1].needs_repair
        if sound and (waits or call.status is not CallStatus.CHOSEN):
            yield _action(journal, route, call)


def _action(journal: RunJournal, route: Route, call: CallState) -> PastAction:
    entries, at = journal.entries, call.place
    action = route.actions.get(call.chosen.action)
    result: dict[str, Any] = dict(call.result or {})
    undone: dict[str, Any] = dict(entries.get(at.undo_result, {}))
    judged = next(
        (e for e in (result, call.sent, call.intent, entries.get(at.hold(call.holds))) if e and "rules" in e),
        {},
    )
    return PastAction(
        action=call.chosen.action,
        status=str(call.status),
        arguments=call.arguments,
        result=result.get("result"),
        effect=action.effect if action else "write",
        error=undone.get("error") or result.get("error"),
        ms=result.get("ms"),
        rules=tuple(judged.get("rules", ())),
        rule=judged.get("rule"),
    )
