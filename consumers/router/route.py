"""Routes: what an event of a type on a topic may lead to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from connectors.action import Action
from consumers.policy.provenance import Trust
from consumers.policy.rules import Rule
from consumers.router.finding import Discovery
from consumers.router.plan import Plan
from consumers.router.template import STANDARD, Document, Template


@dataclass(frozen=True, slots=True)
class Budget:
    """What one run may use. A spent budget ends the run with its own status."""

    turns: int = 8
    calls: int = 24
    repairs: int = 3
    tokens: int = 50_000
    usd: float = 1.0
    seconds: float = 120.0
    """Of work in one go; waiting for a person or for a retry does not count."""
    prompt_tokens: int = 60_000
    """Of one prompt, estimated at two bytes a token."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route, with everything resolved: actions exist, rules are compiled.

    Attributes:
        name: unique; recorded in outcomes.
        topic: the input topic.
        event: the event type.
        tenant: whose events arrive on that topic.
        goal: what the model is asked to do, in words.
        actions: what it may choose from.
        rules: judged for every chosen write.
        budget: limits of one run.
        atomic: whether all finished writes are undone when the run does not succeed.
        output: the topic of the outcome.
        approval_window: how long a person has to decide.
        fields: payload fields the model may see, or None for all.
        show_personal: payload fields that are tagged as personal and may be seen and written all the same.
        session_field: payload field that names the session, or None for the record's key.
        session_tokens: how much of the prompt may tell of earlier events of the session, estimated at two bytes a
            token; 0 tells nothing.
        require_allow: whether a write that no rule matches is denied.
        trust: which values may go into protected arguments, and which writes may follow free text.
        requester_field: payload field that names who asked for it all, or None; this person approves none of it.
        tools: what the model API is shown, built once.
        template: of the system message.
        documents: shown with every event.
        plan: what is done without asking the model, or None; it ends, or the model goes on.
        discovery: which of many actions are shown, and how the others are found; None where all are shown.
    """

    name: str
    topic: str
    event: str
    tenant: str
    goal: str
    actions: Mapping[str, Action]
    rules: Sequence[Rule]
    budget: Budget
    atomic: bool
    output: str
    approval_window: timedelta
    fields: frozenset[str] | None = None
    show_personal: frozenset[str] = frozenset()
    session_field: str | None = None
    session_tokens: int = 1500
    require_allow: bool = False
    trust: Trust = field(default_factory=Trust, compare=False)
    requester_field: str | None = None
    tools: Sequence[Mapping[str, Any]] = field(default=(), compare=False)
    template: Template = STANDARD
    documents: tuple[Document, ...] = ()
    plan: Plan | None = None
    discovery: Discovery | None = field(default=None, compare=False)

    def shown(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the model may see of a payload."""
        if self.fields is None:
            return payload
        return {name: value for name, value in payload.items() if name in self.fields}

    def requester_of(self, payload: Mapping[str, Any]) -> str | None:
        """Return who asked, or None where the route does not say how to know, or the payload does not say who."""
        found = None if self.requester_field is None else payload.get(self.requester_field)
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        return found if isinstance(found, str) and found.strip() else None


class RouteTable:
    """Finds the route of an event."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = {(route.topic, route.event): route for route in routes}
        self._by_name = {route.name: route for route in self._routes.values()}
        self._by_topic: dict[str, Route] = {}
        for route in self._routes.values():
            self._by_topic.setdefault(route.topic, route)

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes.values())

    def find(self, topic: str, event_type: str) -> Route | None:
        """Return the route, or None where nobody asked for such events."""
        return self._routes.get((topic, event_type))

    def named(self, name: str) -> Route:
        """Return the route of a name.

        Raises:
            KeyError: there is none.
        """
        return self._by_name[name]

    def of_topic(self, topic: str) -> Route | None:
        """Return any route of a topic: they share the tenant and the session field."""
        return self._by_topic.get(topic)

    @property
    def topics(self) -> frozenset[str]:
        """All input topics."""
        return frozenset(self._by_topic)
