"""The end of a run: its outcome, from the journal to the event and back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from consumers.router.route import Route
from consumers.run.journal import CallState, RunJournal
from consumers.run.next_step import End, effect_of
from schemas.canonical import digest
from schemas.envelope import Envelope
from schemas.outcome import ActionRecord, Outcome, Status


def outcome_of(journal: RunJournal, event: Envelope, route: Route, end: End, now: datetime) -> Outcome:
    """Return the outcome of a run that ends now."""
    spent = journal.spent()
    started = journal.started_at
    last = journal.last_decision
    return Outcome(
        id=digest(["outcome", event.run_id])[:32],
        run_id=event.run_id,
        event_id=event.id,
        event_type=event.type,
        event_source=event.source,
        tenant=event.tenant,
        session_id=event.session_id,
        route=route.name,
        status=end.status,
        summary=end.summary,
        actions=tuple(_record(call, route) for call in journal.actions() if call.result or call.intent),
        turns=spent.turns,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        cost_usd=round(spent.usd, 9),
        started_at=datetime.fromisoformat(started) if started else now,
        finished_at=now,
        model=last.get("model") or None,
        prompt=last.get("prompt") or None,
    )


def _record(call: CallState, route: Route) -> ActionRecord:
    result = call.result or {}
    return ActionRecord(
        action=call.chosen.action,
        effect=effect_of(route, call),
        status=str(call.status),
        arguments=call.arguments,
        result=result.get("result"),
        error=result.get("error"),
    )


def body_of(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as the journal has it."""
    body = {name: getattr(outcome, name) for name in outcome.__slots__}
    body["status"] = str(outcome.status)
    body["actions"] = [{name: getattr(a, name) for name in a.__slots__} for a in outcome.actions]
    body["started_at"] = outcome.started_at.isoformat()
    body["finished_at"] = outcome.finished_at.isoformat()
    return body


def of_body(body: Mapping[str, Any]) -> Outcome:
    """Read what `body_of` returned; the event published from it has the same bytes as the first one."""
    fields = dict(body)
    fields["status"] = Status(body["status"])
    fields["actions"] = tuple(ActionRecord(**action) for action in body["actions"])
    fields["started_at"] = datetime.fromisoformat(body["started_at"])
    fields["finished_at"] = datetime.fromisoformat(body["finished_at"])
    return Outcome(**fields)
