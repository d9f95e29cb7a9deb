"""`pointsman check --explain`: which actions an event could reach, and which rules stand before them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from connectors.lint import close_match
from consumers.cli.event_lines import EventLineError, parse_event
from consumers.cli.exits import refuse
from consumers.cli.screen import styled, table
from consumers.policy.explain import Explained, RuleSays, explain
from consumers.policy.rules import Effect
from consumers.router.route import Route
from consumers.run.record import envelope_facts
from schemas.envelope import Envelope

_WORDS: Final[Mapping[Effect, tuple[str, str]]] = {
    Effect.ALLOW: ("allowed", "green"),
    Effect.HOLD: ("held for a person", "yellow"),
    Effect.DENY: ("denied", "red"),
}


@dataclass(frozen=True, slots=True)
class RouteExplained:
    """One route that takes the event, and what may become of each of its actions."""

    route: Route
    actions: tuple[Explained, ...]


def read_one_event(file: Path) -> Envelope:
    """Return the event of a file, one JSON object on as many lines as it likes; ends the process where it is none."""
    try:
        return parse_event(file.read_bytes(), where=file.name)
    except OSError as error:
        refuse(f"{file}: cannot be read: {error.strerror}")
    except EventLineError as error:
        refuse(str(error))


def explained(event: Envelope, routes: Iterable[Route]) -> list[RouteExplained]:
    """Explain every route for events of that type; ends the process where there is none."""
    routes = list(routes)
    fitting = [route for route in routes if route.event == event.type]
    if not fitting:
        known = sorted({route.event for route in routes})
        refuse(
            f"no route takes events of type {event.type}.{close_match(event.type, known)} Routed: {', '.join(known)}"
        )
    return [_route(event, route) for route in fitting]


def _route(event: Envelope, route: Route) -> RouteExplained:
    facts = envelope_facts(event)
    facts["tenant"] = route.tenant  # the topic's, whatever the event says
    actions: list[Explained] = []
    for action in route.actions.values():
        known = {
            "event": facts,
            "action": {"name": action.name, "effect": action.effect},
            "now": event.time,
        }
        actions.append(
            explain(route.rules, action.name, action.effect, known, require_allow=route.require_allow)
        )
    return RouteExplained(route, tuple(actions))


def shown(found: Iterable[RouteExplained]) -> RenderableType:
    """Return tables for a screen, one a route."""
    parts: list[RenderableType] = []
    for each in found:
        parts.append(styled(f"{each.route.name}: {each.route.event} on {each.route.topic}", "bold"))
        made = table("action", "could be", "because")
        for action in each.actions:
            name = f"{action.action} (write)" if action.effect == "write" else action.action
            made.add_row(styled(name), _verdicts(action), styled("\n".join(_reasons(action)) or "no rule"))
        parts.append(made)
    return Group(*parts)


def document(found: Iterable[RouteExplained]) -> list[dict[str, Any]]:
    """Return the same for machines."""
    return [
        {
            "route": each.route.name,
            "topic": each.route.topic,
            "actions": [
                {
                    "action": action.action,
                    "effect": action.effect,
                    "verdicts": [str(verdict) for verdict in action.verdicts],
                    "needs_a_rule": action.unruled,
                    "rules": [_rule_document(said) for said in action.rules],
                }
                for action in each.actions
            ],
        }
        for each in found
    ]


def _rule_document(said: RuleSays) -> dict[str, Any]:
    return {
        "name": said.rule.name,
        "then": str(said.rule.then),
        "when": said.rule.source,
        "matches": said.matches,
        "depends_on": list(said.depends_on),
        "problem": said.problem,
    }


def _verdicts(action: Explained) -> Text:
    words = [_WORDS[verdict] for verdict in action.verdicts]
    return Text(" or ").join(Text(word, style) for word, style in words)


def _reasons(action: Explained) -> Iterable[str]:
    for said in action.rules:
        then, name = said.rule.then, said.rule.name
        if said.problem:
            yield f"{said.problem}: it denies"
        elif said.matches:
            yield f"{then} by {name}: {said.rule.message or said.rule.source}"
        elif said.matches is None:
            yield f"{then} by {name}, if ({' and '.join(said.depends_on)} will tell) {said.rule.source}"
        else:
            yield f"not by {name}"
    if action.unruled:
        yield "the route demands a rule that allows it"
