"""`pointsman check`: mistakes, or what the configuration says, as tables and as JSON."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from connectors.action import Action
from consumers.adapters.kafka_reader import topic_reader
from consumers.app.check import Checked, check_config
from consumers.app.config_file import ConfigFile, InvalidConfigError, Mistake, read_config
from consumers.app.connections import kafka_connection
from consumers.app.resolve import Resolved
from consumers.cli.check_explain import RouteExplained, document, explained, read_one_event, shown
from consumers.cli.exits import USAGE, end_with, print_mistakes
from consumers.cli.screen import out, print_json, styled, table
from consumers.errors import ConfigurationError, PointsmanError


def check(config: Path, *, actions: bool, topics: bool, explain: Path | None, as_json: bool) -> None:
    """Check a file, print what was found and end with the exit code that fits."""
    event = read_one_event(explain) if explain else None
    existing, away = None, None
    try:
        file = read_config(config)
        if topics:
            existing, away = asyncio.run(_existing(file))
        checked = check_config(file, existing_topics=existing)
    except InvalidConfigError as error:
        checked = Checked(None, tuple(error.mistakes))
    reached = explained(event, checked.resolved.routes.values()) if event and checked.resolved else None
    _show(checked, reached, actions=actions, as_json=as_json)
    if away:
        end_with(away)
    if checked.mistakes:
        raise typer.Exit(USAGE)


async def _existing(file: ConfigFile) -> tuple[frozenset[str] | None, PointsmanError | None]:
    """Return the topics of the cluster, or why it cannot be asked: that is no reason to hide other mistakes."""
    try:
        connection = kafka_connection(file.config.kafka)
    except ConfigurationError:
        # Found again, with its line, when the file is checked.
        return None, None
    try:
        async with topic_reader(connection) as reader:
            return await reader.topics(), None
    except PointsmanError as error:
        return None, error


def _show(checked: Checked, reached: list[RouteExplained] | None, *, actions: bool, as_json: bool) -> None:
    if as_json:
        explanation = {"explained": document(reached)} if reached else {}
        print_json(_document(checked, actions=actions) | explanation)
        return
    print_mistakes(checked.warnings, style="yellow")
    print_mistakes(checked.mistakes)
    if reached:
        out().print(shown(reached))
        return
    if checked.resolved and actions:
        out().print(_actions_table(checked.resolved))
    elif checked.resolved and not checked.mistakes:
        out().print(_routes_table(checked.resolved))
    count, warned = len(checked.mistakes), len(checked.warnings)
    said = f"[red]{count} mistake{'s' * (count != 1)}[/red]" if count else "[green]no mistakes[/green]"
    out().print(said + (f"[yellow], {warned} warning{'s' * (warned != 1)}[/yellow]" if warned else ""))


def _routes_table(resolved: Resolved) -> Table:

    made = table("route", "event on topic", "may", "rules", "outcomes to")
    for route in resolved.routes.values():
        made.add_row(
            styled(route.name, "bold"),
            styled(f"{route.event}\n{route.topic}"),
            styled("\n".join(_mark(action) for action in route.actions.values())),
            styled("\n".join(f"{rule.then}: {rule.name}" for rule in route.rules) or "none"),
            styled(route.output + ("\nall or nothing" if route.atomic else "")),
        )
    return made


def _actions_table(resolved: Resolved) -> Table:

    made = table("action", "effect", "kept from happening twice by", "undone by", "description")
    for action in resolved.catalog.actions.values():
        made.add_row(
            styled(action.name, "bold"),
            styled(action.effect, "yellow" if action.effect == "write" else ""),
            styled(_idempotency(action)),
            styled(str(action.compensate or "")),
            styled(action.description),
        )
    return made


def _mark(action: Action) -> str:
    return f"{action.name} (write)" if action.effect == "write" else action.name


def _idempotency(action: Action) -> str:
    if action.effect == "read":
        return ""
    if action.idempotency == "none":
        return f"asking {action.reconcile}" if action.reconcile else "nothing"
    return action.idempotency + (f" for {action.window}" if action.window else "")


def _document(checked: Checked, *, actions: bool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "ok": not checked.mistakes,
        "mistakes": _mistakes(checked.mistakes),
        "warnings": _mistakes(checked.warnings),
    }
    if checked.resolved is None:
        return said
    said["routes"] = [
        {
            "name": route.name,
            "topic": route.topic,
            "event": route.event,
            "tenant": route.tenant,
            "actions": list(route.actions),
            "rules": [
                {"name": rule.name, "then": str(rule.then), "when": rule.source} for rule in route.rules
            ],
            "atomic": route.atomic,
            "output": route.output,
        }
        for route in checked.resolved.routes.values()
    ]
    if actions:
        said["actions"] = [
            {
                "name": action.name,
                "effect": action.effect,
                "idempotency": action.idempotency,
                "compensate": None if action.compensate is None else str(action.compensate),
                "reconcile": action.reconcile,
                "description": action.description,
            }
            for action in checked.resolved.catalog.actions.values()
        ]
    return said


def _mistakes(mistakes: Iterable[Mistake]) -> list[dict[str, str]]:
    return [{"where": m.where, "message": m.message, "hint": m.hint} for m in mistakes]
