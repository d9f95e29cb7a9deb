"""What a turn's model is offered, and what it finds: a function of route, event and journal.

The first turn's choice is in the journal, and what was found since as well. So a worker that takes a run over offers what
its predecessor would have, whatever either knows of the search.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consumers.router.decision import FINISH_TOOL
from consumers.router.finder import FIND, Offer
from consumers.router.finding import Discovery, found_in, matches, search, wishes_of
from consumers.router.route import Route
from consumers.run import record
from consumers.run.journal import CallState, CallStatus, RunJournal
from consumers.session import place
from schemas.envelope import Envelope


@dataclass(frozen=True, slots=True)
class Offered:
    """What a model may call in one turn.

    Attributes:
        tools: for the model API. What is the same in every run of the route comes first, what was found comes last,
            so that an endpoint's prompt cache hits.
        known: the same by the name the model API knows it by, without `finish`.
        hidden: such names of actions that are allowed and not shown.
        shown: full names of the actions that are shown; None where all are.
    """

    tools: Sequence[Mapping[str, Any]]
    known: Mapping[str, Offer]
    hidden: frozenset[str] = frozenset()
    shown: tuple[str, ...] | None = None


def offered(route: Route, event: Envelope, journal: RunJournal) -> Offered:
    """Return what the model is offered in the next turn."""
    every = {action.tool_name: action for action in route.actions.values()}
    if route.discovery is None:
        return Offered([*route.tools, FINISH_TOOL], every)
    names = _shown(route, route.discovery, event, journal)
    actions = [route.actions[name] for name in names]
    finder, pinned = route.discovery.finder, len(route.discovery.pinned)
    tools = [action.tool for action in actions]
    return Offered(
        tools=[*tools[:pinned], finder.tool, FINISH_TOOL, *tools[pinned:]],
        known={action.tool_name: action for action in actions} | {finder.name: finder},
        hidden=frozenset(every) - {action.tool_name for action in actions},
        shown=names,
    )


def find(route: Route, event: Envelope, journal: RunJournal, call: CallState, at: datetime) -> dict[str, Any]:
    """Return the result of a call of `find_actions`, given all that the journal has before it."""
    if route.discovery is None:
        why = "all actions of the route are shown"
        return record.not_done(CallStatus.DENIED, "delisted", why, at)
    shown = _shown(route, route.discovery, event, journal)
    found = len(frozenset(_found(route, journal)))
    return record.done(search(route.discovery, route.actions, call.arguments, shown, found), at)


def _shown(route: Route, discovery: Discovery, event: Envelope, journal: RunJournal) -> tuple[str, ...]:
    first = _first_shown(journal)
    if first is None:  # the first turn of the model, or one that was decided when the route had fewer actions
        wishes = wishes_of(route.goal, event.type, route.shown(event.payload))
        first = matches(discovery, route.actions, wishes)
    used = (call.chosen.action for call in journal.calls() if not call.chosen.problem)
    names = dict.fromkeys((*discovery.pinned, *first, *_found(route, journal), *used))
    return tuple(name for name in names if name in route.actions)


def _first_shown(journal: RunJournal) -> Sequence[str] | None:
    entries = (journal.entries.get(place.decision(turn), {}) for turn in range(1, journal.turns + 1))
    return next((entry["shown"] for entry in entries if "shown" in entry), None)


def _found(route: Route, journal: RunJournal) -> Iterator[str]:
    """Yield the full names of what the run has found, in its order."""
    by_tool_name = {action.tool_name: name for name, action in route.actions.items()}
    for call in journal.calls():
        if call.chosen.action == FIND and call.result:
            for name in found_in(call.result.get("result")):
                if name in by_tool_name:
                    yield by_tool_name[name]
