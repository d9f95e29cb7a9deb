"""Rounds: an event whose run ended without success, and without any effect, may be worked once more by an operator's order.

A round is a run of its own, with a journal and an outcome of its own. Its idempotency keys are those of the first one.
"""

from collections.abc import Sequence
from typing import Final

from consumers.ports.glances import Glance, Glances
from consumers.ports.sessions import Body
from consumers.run.journal import CallStatus, RunJournal
from consumers.session.key import SessionKey
from schemas.envelope import in_round
from schemas.outcome import Status

MOST_ROUNDS: Final = 10
"""Runs of one event at most, the first one included."""
WITHOUT_SUCCESS: Final = frozenset({str(Status.FAILED), str(Status.BUDGET_SPENT)})
"""Ends that another round may follow."""
_NOT_DONE: Final = frozenset({str(CallStatus.FAILED), str(CallStatus.DENIED), str(CallStatus.SKIPPED)})


def may_follow(outcome: Body) -> bool:
    """Say whether a run that ended like this may be followed by another round, as far as its terminal entry tells."""
    if outcome["status"] not in WITHOUT_SUCCESS:
        return False
    return all(each["effect"] != "write" or each["status"] in _NOT_DONE for each in outcome["actions"])


def left_nothing(journal: RunJournal) -> bool:
    """Say whether every write that a run announced is known not to have been done.

    It does not ask the route, which may have lost an action since, or have it as a read now.
    """
    return all(
        call.status is CallStatus.FAILED
        for call in journal.calls()
        if call.intent or call.sent or call.doubts
    )


async def looked_at(glances: Glances, runs: Sequence[tuple[SessionKey, str]]) -> Sequence[Sequence[Glance]]:
    """Return what the store has of each run, followed by what it has of its further rounds.

    Args:
        glances: where to look.
        runs: of events, in their first round.

    Raises:
        UnavailableError: the store is away, or yet to be checked.
    """
    if not runs:
        return ()
    found = [[glance] for glance in await glances.look(runs)]
    waiting = range(len(runs))
    for number in range(2, MOST_ROUNDS + 1):
        waiting = [at for at in waiting if (last := found[at][-1].outcome) is not None and may_follow(last)]
        if not waiting:
            break
        rounds = [(runs[at][0], in_round(runs[at][1], number)) for at in waiting]
        there: list[int] = []
        for at, glance in zip(waiting, await glances.look(rounds), strict=True):
            if glance.begun or glance.problem is not None:
                found[at].append(glance)
                there.append(at)
        waiting = there
    return found
