"""The steps of a run that is taken over: published again, since its former worker may have died before it did.

What is on the steps topic then tells the journal as the new epoch found it, before anything that the new epoch writes.
That is what `consumers.session.refold` goes by.
"""

from collections.abc import Iterator
from datetime import datetime

from consumers.ports.sessions import Body, Entry
from consumers.run.journal import RunJournal
from consumers.run.record import is_known, step_of
from consumers.session import place
from schemas.envelope import Envelope
from schemas.step import Step


def published_again(journal: RunJournal, event: Envelope, now: datetime, epoch: int) -> Iterator[Step]:
    """Yield the steps of a run that is not over."""
    if journal.entries.keys() & {place.OUTCOME, place.ERASED}:
        return
    for at in sorted(filter(is_known, journal.entries), key=_order):
        body = journal.entries[at]
        yield step_of(Entry(at, body), event, _action(journal, at), _time(body) or now, epoch)


def _order(at: str) -> tuple[int, bool, str]:
    """Turns in order, in each its decision first; what concerns the whole run comes last."""
    turn = place.turn_of(at)
    return turn or 1_000_000, not at.endswith("/decision"), at


def _action(journal: RunJournal, at: str) -> str | None:
    if not place.turn_of(at) or at.endswith("/decision"):
        return None
    call = place.call_of(at)
    if call.turn > journal.turns:
        return None
    if at in {call.undo_intent, call.undo_result}:
        intent = journal.entries.get(call.undo_intent)
        return intent["action"] if intent else None
    return journal.decisions[call.turn - 1].calls[call.call].action


def _time(body: Body) -> datetime | None:
    at = body.get("at") or body.get("requested_at")
    return datetime.fromisoformat(at) if at else None
