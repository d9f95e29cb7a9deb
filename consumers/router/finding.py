"""Routes with more actions than a model should be shown: which ones it is shown first, and how it finds the others. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from connectors.action import Action
from connectors.search import MAX_CHARS, Search, Wish, document_of
from consumers.router.finder import Finder, finder_of

SHOWN: Final = 15
"""Actions that are all shown where a route allows no more, unless it says otherwise."""
SHOWN_AT_MOST: Final = 64
"""With `FOUND_AT_MOST` and our own tools below the 128 tools that model APIs take."""
FOUND_AT_ONCE: Final = 5
"""Actions that one search adds to what is shown."""
FOUND_AT_MOST: Final = 40
"""Actions that all searches of a run add."""
_SHARE: Final = 0.6
"""Of the places for matches, what one connector may take while others match as well."""
_SENTENCE: Final = 3
"""Spaces from which on a text of an event is taken for a sentence."""
_GOAL: Final = 0.25
"""What the route's goal counts beside a sentence of the event."""
_MARKS: Final = 0.25
"""What field names and short texts count beside it."""
_SAID: Final = 200
"""Characters of an action's description in the answer to a search."""

_NOTHING: Final = (
    "Nothing fits these words. Say in other words what is to be done, without names and numbers, or leave the "
    "namespace out. If there is no action for it, finish."
)
_FULL: Final = (
    f"{FOUND_AT_MOST} actions were found in this run, and more are not shown. Use these, or finish."
)


@dataclass(frozen=True, slots=True)
class Discovery:
    """How the actions of a route are chosen and found.

    Attributes:
        limit: how many are shown before any is looked for.
        pinned: full names of those that are always shown, in the route's order.
        search: over all actions of the route.
        finder: the tool with which the model looks for more.
    """

    limit: int
    pinned: tuple[str, ...]
    search: Search
    finder: Finder


def discovery_of(
    actions: Mapping[str, Action],
    namespaces: Mapping[str, str],
    *,
    limit: int = SHOWN,
    pinned: Iterable[str] = (),
) -> Discovery | None:
    """Return how the actions of a route are found, or None where all are shown.

    Args:
        actions: all that the route allows, in its order.
        namespaces: connectors by name, with what each says of itself.
        limit: how many are shown.
        pinned: names of those that always are; others than of `actions` count for nothing.
    """
    if len(actions) <= limit:
        return None
    wanted = frozenset(pinned)
    ours = dict.fromkeys(_namespace(name) for name in actions)
    return Discovery(
        limit=limit,
        pinned=tuple(name for name in actions if name in wanted)[:limit],
        search=Search(map(document_of, actions.values())),
        finder=finder_of({name: namespaces.get(name, "") for name in ours}),
    )


def wishes_of(goal: str, event_type: str, payload: Mapping[str, Any]) -> tuple[Wish, ...]:
    """Return what an event is searched by: the route's goal, and what the model may see of the event.

    Args:
        goal: of the route.
        event_type: such as `order.requested`.
        payload: the shown part. Sentences count most; names of fields, codes and names of people, which are in
            every event alike, count less; numbers do not. All up to a bound.
    """
    sentences: list[str] = []
    marks: list[str] = [event_type]
    length = 0
    for text in _texts(payload):
        (sentences if text.count(" ") >= _SENTENCE else marks).append(text)
        length += len(text)
        if length > MAX_CHARS:
            break
    return Wish(goal, _GOAL), Wish(" ".join(marks), _MARKS), Wish(" ".join(sentences))


def matches(discovery: Discovery, order: Iterable[str], wishes: Sequence[Wish]) -> tuple[str, ...]:
    """Return the pinned actions, then those that fit the wishes best, both in the route's order.

    Args:
        discovery: of the route.
        order: names of all its actions.
        wishes: what is to be done.
    """
    places = discovery.limit - len(discovery.pinned)
    pinned = frozenset(discovery.pinned)
    ranked = [name for name in discovery.search.rank(wishes) if name not in pinned]
    best = frozenset(_spread(ranked, places))
    return (*discovery.pinned, *(name for name in order if name in best))


def search(
    discovery: Discovery,
    actions: Mapping[str, Action],
    arguments: Mapping[str, Any],
    shown: Sequence[str],
    found: int,
) -> dict[str, Any]:
    """Return the answer to a call of `find_actions`.

    Args:
        discovery: of the route.
        actions: the route's, by full name.
        arguments: of the call, validated.
        shown: full names of the actions that are shown already.
        found: how many of them were found by searches of this run.
    """
    namespace: str | None = arguments["namespace"]
    ranked = [
        name
        for name in discovery.search.rank([Wish(arguments["query"])])
        if name in actions and (namespace is None or _namespace(name) == namespace)
    ][: FOUND_AT_ONCE + len(shown)]
    known = frozenset(shown)
    room = min(FOUND_AT_ONCE, FOUND_AT_MOST - found)
    new = [name for name in ranked if name not in known]
    answer: dict[str, Any] = {"found": [_told(actions[name]) for name in new[:room]]}
    if already := [actions[name].tool_name for name in ranked[:FOUND_AT_ONCE] if name in known]:
        answer["shown_already"] = already
    if new and not room:
        answer["note"] = _FULL
    elif not ranked:
        answer["note"] = _NOTHING
    return answer


def found_in(answer: Any) -> Iterator[str]:
    """Yield the tool names that an answer of `search` names, as far as it is one."""
    found = cast("Any", answer).get("found", ()) if isinstance(answer, Mapping) else ()
    for each in found:
        if isinstance(each, Mapping):
            yield str(cast("Mapping[str, Any]", each).get("name"))


def _spread(ranked: Sequence[str], places: int) -> list[str]:
    """Return the best, of which no connector has more than its share while others match."""
    share = max(1, round(places * _SHARE))
    taken: Counter[str] = Counter()
    first: list[str] = []
    for name in ranked:
        if len(first) < places and taken[_namespace(name)] < share:
            taken[_namespace(name)] += 1
            first.append(name)
    rest = [name for name in ranked if name not in frozenset(first)] if len(first) < places else []
    return [*first, *rest[: places - len(first)]]


def _told(action: Action) -> dict[str, str]:
    said = " ".join(action.description.split())
    return {"name": action.tool_name, "does": said if len(said) <= _SAID else f"{said[:_SAID]}…"}


def _namespace(name: str) -> str:
    return name.partition(".")[0]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in cast("Mapping[str, Any]", value).items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in cast("Sequence[Any]", value):
            yield from _texts(inner)
