"""Reads that are asked again although nothing happened in between that could change their answer. Pure.

The second time the journal answers, the third time the model is told, the fourth time the run ends: a model that goes in
circles spends a run's whole budget otherwise.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from consumers.run import record
from consumers.run.journal import CallState, CallStatus, RunJournal
from schemas.canonical import canonical_json

REPEATED: Final = "repeated"
"""Code of a read that was not done because its answer is known."""
MOST_REPEATS: Final = 3
"""A read that was asked so often before ends the run."""

_ANSWERED: Final = frozenset({CallStatus.DONE, CallStatus.FAILED})


def asked_before(call: CallState, journal: RunJournal) -> Sequence[CallState]:
    """Return the earlier calls of the same action with the same arguments, oldest first.

    A write that was sent, whatever became of it, or a person who was asked, may change what a read finds: what was asked
    before that does not count. Nor does what a rule denied: it may allow it now.
    """
    same: list[CallState] = []
    wanted = _asked(call)
    for other in journal.calls():
        if other.place >= call.place:
            break
        if other.intent or other.holds:
            same.clear()
        elif other.chosen.action == call.chosen.action and _counts(other) and _asked(other) == wanted:
            same.append(other)
    return same


def same_again(before: Sequence[CallState], at: datetime) -> dict[str, Any] | None:
    """Return the result of a read that was asked before; None where it was not, and must be performed."""
    if not before:
        return None
    first = before[0]
    if len(before) == 1 and first.result:
        return {**first.result, "ms": 0, "at": at.isoformat(), "same_as": str(first.place)}
    why = (
        f"{first.chosen.action} was asked {len(before)} times with these arguments, and nothing was changed since: "
        f"use what it returned, or do something else; asked once more, it ends the run"
    )
    return record.not_done(CallStatus.DENIED, REPEATED, why, at)


def unlike(calls: Sequence[CallState]) -> tuple[CallState, ...]:
    """Return the first ones, up to one that asks the same as another before it: that one is answered by the journal."""
    seen: set[tuple[str, bytes]] = set()
    for number, call in enumerate(calls):
        asked = (call.chosen.action, _asked(call))
        if asked in seen:
            return tuple(calls[:number])
        seen.add(asked)
    return tuple(calls)


def _counts(call: CallState) -> bool:
    body = call.result
    return body is not None and (body["status"] in _ANSWERED or body.get("code") == REPEATED)


def _asked(call: CallState) -> bytes:
    return canonical_json(call.arguments)
