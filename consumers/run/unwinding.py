"""Unwinding: the finished writes of a run are undone, the last one first."""

from datetime import datetime

from connectors.catalog import Catalog, undo_arguments
from consumers.ports.sessions import Entry
from consumers.run.attempt import Attempt, Performer
from consumers.run.journal import CallState
from consumers.run.next_step import Undo
from consumers.run.record import idempotency_key
from consumers.run.work import Work
from consumers.session import place


async def undo(
    work: Work, step: Undo, call: CallState, catalog: Catalog, performer: Performer, now: datetime
) -> None:
    """Compensate one finished write: intent first, under a key of its own, like any other write.

    A compensation that fails is recorded and the unwinding goes on with the next one.

    Raises:
        RetryError: the system is busy; calling again goes on with the same key.
    """
    intent, result = call.intent, call.result
    assert intent is not None
    assert result is not None
    action, compensation = catalog.get(intent["action"]), catalog.get(intent["compensate"])
    arguments = undo_arguments(action, compensation, intent["arguments"], result["result"])
    key = idempotency_key(work.event.run_id, f"undo {call.place} {compensation.name}", 0)
    before = work.noted(call.place.undo_intent)
    if before is None:
        if work.noted(place.ENDING) is None:
            ending = {"status": str(step.status), "summary": step.summary, "at": now.isoformat()}
            work.note(Entry(place.ENDING, ending))
        body = {"action": compensation.name, "arguments": arguments, "key": key, "at": now.isoformat()}
        work.note(Entry(call.place.undo_intent, body), compensation.name)
        await work.publish_steps()
        work.claim.hold(f"writing the intent of {compensation.name}")
        await work.commit()
    work.claim.hold(f"performing {compensation.name}")
    attempt = Attempt(
        action=compensation,
        arguments=arguments,
        key=key,
        tenant=work.event.tenant,
        run_id=work.event.run_id,
        intended_at=datetime.fromisoformat(before["at"]) if before else now,
        resumed=before is not None,
    )
    work.note(Entry(call.place.undo_result, await performer.write(attempt)), compensation.name)
    await work.commit()
