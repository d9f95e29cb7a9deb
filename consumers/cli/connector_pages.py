"""`pointsman connectors list` and `describe`: tables and JSON."""

from pathlib import Path
from typing import Any

from connectors.action import Action, UndoByState
from connectors.discovery import DiscoveryError, installed_names, load_connectors
from connectors.kind import Kind
from consumers.app.by_hand import connectors_of, find_action
from consumers.app.config_file import InvalidConfigError
from consumers.app.connector_sections import OpenableConnector
from consumers.cli.exits import end_with, load
from consumers.cli.screen import out, print_json, styled, table
from consumers.errors import ConfigurationError


def list_actions(config: Path, *, as_json: bool) -> None:
    """Print every action of the configuration."""
    found = _connectors(config)
    if as_json:
        print_json([_connector(each) for each in found])
        return
    made = table("action", "effect", "twice", "undone by", "description")
    for each in found:
        for action in each.connector.actions.values():
            made.add_row(
                styled(action.name, "bold"),
                styled(action.effect, "yellow" if action.effect == "write" else "green"),
                _twice(action),
                styled(action.compensate or "-"),
                styled(action.description),
            )
    out().print(made)


def list_installed(*, as_json: bool) -> None:
    """Print the connectors, and kinds of connectors, that a section can `use`."""
    rows = [_installed(name) for name in installed_names()]
    if as_json:
        print_json(rows)
        return
    made = table("use", "what", "description")
    for row in rows:
        made.add_row(styled(row["use"], "bold"), row["what"], styled(row["description"]))
    out().print(made)


def describe(config: Path, name: str, *, as_json: bool) -> None:
    """Print one action, or one connector with its actions."""
    found = _connectors(config)
    whole = next((each for each in found if each.connector.name == name), None)
    if whole is not None:
        actions = list(whole.connector.actions.values())
    else:
        try:
            actions = [find_action(found, name)[1]]
        except ConfigurationError as error:
            end_with(error)
    if as_json:
        print_json(_connector(whole) if whole else _action(actions[0]))
        return
    if whole:
        out().print(styled(f"{name}  {whole.connector.description}", "bold"))
    for action in actions:
        _page(action)


def _page(action: Action) -> None:
    console = out()
    console.print(styled(f"\n{action.name}", "bold"), styled(f"{action.effect}, {_twice(action)}", "dim"))
    console.print(styled(action.tool["function"]["description"]))
    for says, value in (("undone by", action.compensate), ("looked for by", action.reconcile)):
        if value:
            console.print(styled(f"{says} {value}"))
    if action.outward:
        console.print("reaches people or systems outside")
    made = table("argument", "type", "what")
    schema: dict[str, Any] = action.tool["function"]["parameters"]
    for name, said in schema.get("properties", {}).items():
        protected = " (protected)" if name in action.protected else ""
        made.add_row(
            styled(name + protected, "bold"), styled(_type(said)), styled(said.get("description", ""))
        )
    if made.rows:
        console.print(made)


def _connectors(config: Path) -> list[OpenableConnector]:
    try:
        return connectors_of(load(config))
    except InvalidConfigError as error:
        end_with(error)


def _installed(name: str) -> dict[str, str]:
    try:
        (loaded,) = load_connectors([name])
    except DiscoveryError as error:
        return {"use": name, "what": "broken", "description": str(error)}
    what = "kind: its section describes the actions" if isinstance(loaded, Kind) else "connector"
    return {"use": name, "what": what, "description": loaded.description}


def _twice(action: Action) -> str:
    """Say how an action is kept from happening twice."""
    if action.effect == "read":
        return "repeatable"
    if action.idempotency != "none":
        return action.idempotency
    return "reconciled" if action.reconcile else "sent once"


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(_type(each) for each in schema["anyOf"])
    kind = schema.get("type", "any")
    return " | ".join(kind) if isinstance(kind, list) else str(kind)


def _connector(found: OpenableConnector) -> dict[str, Any]:
    connector = found.connector
    actions = [_action(action) for action in connector.actions.values()]
    return {"connector": connector.name, "description": connector.description, "actions": actions}


def _action(action: Action) -> dict[str, Any]:
    undo = action.compensate
    window = action.window
    return {
        "action": action.name,
        "description": action.description,
        "effect": action.effect,
        "idempotency": action.idempotency,
        "window_s": window.total_seconds() if window else None,
        "compensate": {"read": undo.read, "field": undo.field, "actions": dict(undo.actions)}
        if isinstance(undo, UndoByState)
        else undo,
        "reconcile": action.reconcile,
        "protected": sorted(action.protected),
        "outward": action.outward,
        "parameters": action.tool["function"]["parameters"],
        "where": action.where,
    }
