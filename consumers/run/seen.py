"""What a run has seen so far, as its journal says it: where the values of its next action may come from."""

from dataclasses import replace

from connectors.action import Action
from consumers.policy.provenance import Concern, PastCall, Seen, Trust, concern, origins
from consumers.run.consent import YES
from consumers.run.journal import CallState, CallStatus
from consumers.run.work import Work


def concern_of(work: Work, call: CallState, action: Action) -> Concern | None:
    """Return why a call may not be done without a person, or None."""
    return concern(action, call.arguments, seen_before(work, call), _trust(work, call))


def origins_of(work: Work, call: CallState) -> dict[str, str]:
    """Return for each argument of a call, in words, where its values are found."""
    return origins(call.arguments, seen_before(work, call), _trust(work, call))


def seen_before(work: Work, call: CallState) -> Seen:
    """Return what the model had seen when it chose a call, and what was done before that in the run."""
    event = work.event
    return Seen(
        envelope={"id": event.id, "source": event.source, "subject": event.subject},
        payload=event.payload,
        shown=frozenset(work.route.shown(event.payload)),
        calls=[_past(work, other) for other in work.journal.actions() if other.place < call.place],
        remembers=work.route.session_tokens > 0 and not work.context.is_empty,
        steered=work.journal.planned(call.place.turn) is None,
    )


def _trust(work: Work, call: CallState) -> Trust:
    trust, plan = work.route.trust, work.route.plan
    if plan is None or work.journal.planned(call.place.turn) is None:
        return trust
    return replace(trust, values=(*trust.values, *plan.constants))


def _past(work: Work, call: CallState) -> PastCall:
    body = call.result or {}
    done = body.get("status") == CallStatus.DONE
    action = work.route.actions.get(call.chosen.action)
    decided = work.noted(call.place.approval(call.holds)) if call.holds else None
    return PastCall(
        action=call.chosen.action,
        effect=action.effect if action else "read",
        arguments=call.arguments,
        result=body.get("result") if done else None,
        error=body.get("error") if body.get("status") == CallStatus.FAILED else None,
        approved=decided is not None and decided["answer"] in YES,
    )
