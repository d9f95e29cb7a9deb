"""What a run does next: a pure function of its journal and its route."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.action import Action
from consumers.router.decision import Finish
from consumers.router.finder import FIND
from consumers.router.route import Budget, Route
from consumers.run.journal import OPEN, REFUSED_VALUES, CallState, CallStatus, RunJournal, Spent
from consumers.run.repeats import MOST_REPEATS, asked_before, unlike
from consumers.session import place
from schemas.outcome import Status


@dataclass(frozen=True, slots=True)
class Decide:
    """Ask the model for the next turn."""

    turn: int


@dataclass(frozen=True, slots=True)
class Perform:
    """Perform these calls: several reads beside each other, or one write."""

    calls: tuple[CallState, ...]


@dataclass(frozen=True, slots=True)
class Skip:
    """Do not perform this write: one before it in the same answer was not done."""

    call: CallState


@dataclass(frozen=True, slots=True)
class Wait:
    """A person must answer first: whether it may be done, or whether it was."""

    call: CallState


@dataclass(frozen=True, slots=True)
class Undo:
    """Compensate this finished write, because the run ends like this."""

    call: CallState
    status: Status
    summary: str


@dataclass(frozen=True, slots=True)
class End:
    """The run is over: write and publish its outcome."""

    status: Status
    summary: str


NextStep = Decide | Perform | Skip | Wait | Undo | End

_BROKEN = frozenset({CallStatus.FAILED, CallStatus.DENIED, CallStatus.SKIPPED})


def next_step(journal: RunJournal, route: Route) -> NextStep:
    """Return what comes next. A journal that already has its outcome is not asked."""
    writes = _writes(journal, route)
    for call in writes:
        if call.status is CallStatus.IN_DOUBT:
            return Wait(call)
    if ending := _decided_ending(journal, writes, route):
        return ending
    if journal.turns == 0:
        return Decide(1)
    decision = journal.decisions[-1]
    calls = journal.calls_of(journal.turns)
    if not decision.needs_repair:
        if step := _open_call(calls, route):
            return _going_in_circles(step, journal, writes, route) or step
        if decision.finish and all(call.status is CallStatus.DONE for call in calls):
            return _finished(decision.finish, writes, route)
    if spent := over(journal.spent(), route.budget):
        return _ended(Status.BUDGET_SPENT, spent, writes, whole=route.atomic)
    return Decide(journal.turns + 1)


def _decided_ending(journal: RunJournal, writes: Sequence[CallState], route: Route) -> NextStep | None:
    """Return what comes next where it is decided already that the run ends, whatever the model would say."""
    ending, cancel = journal.entries.get(place.ENDING), journal.entries.get(place.CANCEL)
    refused = next((call for call in writes if route.atomic and _is_refused(call)), None)
    if not (ending or cancel or refused):
        return None
    for call in writes:
        if call.status is CallStatus.INTENDED:
            return Perform((call,))  # what may be under way is not undone before it is known
    if ending:
        return _ended(Status(ending["status"]), ending["summary"], writes, whole=True)
    if cancel:
        why = f"Cancelled by {cancel['operator']}: {cancel['reason']}".rstrip(": ") + "."
        return _ended(Status.CANCELLED, why, writes, whole=True)
    if refused and refused.result and any(call.status is CallStatus.DONE for call in writes):
        return _ended(
            Status.REFUSED, f"{refused.chosen.action}: {refused.result['error']}.", writes, whole=True
        )
    return None


def _is_refused(call: CallState) -> bool:
    """Whether a person said no, or nothing in time."""
    return call.result is not None and call.result.get("code") == "rejected"


def _going_in_circles(
    step: NextStep, journal: RunJournal, writes: Sequence[CallState], route: Route
) -> Undo | End | None:
    """Return the end of a run that is about to ask what it has asked so often."""
    if not isinstance(step, Perform) or effect_of(route, step.calls[0]) == "write":
        return None
    for call in step.calls:
        # The same search again finds the next actions.
        if call.chosen.action != FIND and len(asked_before(call, journal)) >= MOST_REPEATS:
            why = (
                f"The model asked for {call.chosen.action} {MOST_REPEATS + 1} times with the same arguments, and nothing "
                f"was changed in between."
            )
            return _ended(Status.FAILED, why, writes, whole=route.atomic)
    return None


def ended_early(journal: RunJournal, route: Route, status: Status, why: str) -> Undo | End:
    """Return what comes next for a run whose time is up."""
    return _ended(status, why, _writes(journal, route), whole=route.atomic)


def ended_full(journal: RunJournal, route: Route, why: str) -> End:
    """Return the end of a run whose journal takes nothing more: there is no room left to undo anything in."""
    writes = _writes(journal, route)
    if doubtful := [
        c.chosen.action for c in writes if c.status in {CallStatus.INTENDED, CallStatus.IN_DOUBT}
    ]:
        return End(Status.IN_DOUBT, f"{why}. Nobody can say whether {', '.join(doubtful)} took effect.")
    standing = [c.chosen.action for c in writes if c.status is CallStatus.DONE]
    if standing and route.atomic:
        return End(
            Status.COMPENSATION_FAILED, f"{why}. Not undone: {', '.join(standing)}; a person must look."
        )
    return End(Status.FAILED, f"{why}.")


def over(spent: Spent, budget: Budget) -> str | None:
    """Name the budget that is spent, or return None."""
    limits = (
        ("turns", spent.turns, budget.turns),
        ("calls", spent.calls, budget.calls),
        ("repairs", spent.repairs, budget.repairs),
        ("tokens", spent.input_tokens + spent.output_tokens, budget.tokens),
        ("usd", spent.usd, budget.usd),
    )
    for name, used, limit in limits:
        if used >= limit:
            return f"The budget of {limit:g} {name} is spent before the goal was reached."
    return None


def effect_of(route: Route, call: CallState) -> str:
    """Return read or write; an action that has left the route since it was chosen counts as a write."""
    if call.chosen.action == FIND:
        return "read"
    action: Action | None = route.actions.get(call.chosen.action)
    return action.effect if action else "write"


def _writes(journal: RunJournal, route: Route) -> list[CallState]:
    """Return the chosen writes in order, without those of answers that were sent back for repair."""
    sound = (turn for turn, d in enumerate(journal.decisions, start=1) if not d.needs_repair)
    return [c for turn in sound for c in journal.calls_of(turn) if effect_of(route, c) == "write"]


def _open_call(calls: Sequence[CallState], route: Route) -> NextStep | None:
    """Return the next open call or group of reads of a turn, in the model's order."""
    broken = False
    for index, call in enumerate(calls):
        write = effect_of(route, call) == "write"
        if call.status not in OPEN:
            broken = broken or (write and call.status in _BROKEN)
            continue
        if not write:
            return Perform(_reads_from(calls[index:], route))
        if broken:
            return Skip(call)
        return Wait(call) if call.status is CallStatus.HELD else Perform((call,))
    return None


def _reads_from(calls: Sequence[CallState], route: Route) -> tuple[CallState, ...]:
    """Return the open reads up to the next write: what a later read sees may depend on that write."""
    reads: list[CallState] = []
    for call in calls:
        if effect_of(route, call) == "write":
            break
        if call.status in OPEN:
            reads.append(call)
    return unlike(reads)


def _finished(finish: Finish, writes: Sequence[CallState], route: Route) -> Undo | End:
    reached = finish.status == "completed" and not _last_write_broken(writes)
    if reached:
        return End(Status.SUCCESS, finish.summary)
    standing = any(call.status is CallStatus.DONE for call in writes)
    refused = finish.status == "refused" and not standing
    status = Status.REFUSED if refused else Status.FAILED
    return _ended(status, finish.summary, writes, whole=route.atomic)


def _ended(status: Status, summary: str, writes: Sequence[CallState], *, whole: bool) -> Undo | End:
    """End without success; as a whole, every finished write is undone first, the last one first."""
    if not whole:
        return End(status, summary)
    for call in reversed(writes):
        if call.status is CallStatus.DONE and call.intent and call.intent["compensate"]:
            return Undo(call, status, summary)
    standing = [c for c in writes if c.status in {CallStatus.DONE, CallStatus.COMPENSATION_FAILED}]
    if standing:
        names = ", ".join(call.chosen.action for call in standing)
        return End(Status.COMPENSATION_FAILED, f"{summary} Not undone: {names}; a person must look.")
    undone = [call.chosen.action for call in writes if call.status is CallStatus.COMPENSATED]
    if undone:
        return End(Status.COMPENSATED, f"{summary} Undone: {', '.join(reversed(undone))}.")
    return End(status, summary)


def _last_write_broken(writes: Sequence[CallState]) -> bool:
    """Whether the last write was not done and no later one took its place.

    One with values that came from nowhere counts as never chosen: it cannot have been what the event is about.
    """
    meant = [call for call in writes if not (call.result and call.result.get("code") == REFUSED_VALUES)]
    return bool(meant) and meant[-1].status in _BROKEN
