"""`pointsman connectors call`: one action by hand; a write asks first."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import orjson
import typer

from connectors.action import Action
from connectors.errors import ActionError, BusyError, FailedError, InDoubtError
from consumers.app import by_hand
from consumers.app.config_file import InvalidConfigError
from consumers.cli.exits import end_with, fail, load, perform, refuse
from consumers.cli.screen import err, out, plain, print_json, styled
from consumers.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says.

    Attributes:
        action: full name.
        pairs: NAME=VALUE.
        arguments: a JSON object instead of pairs.
        key: the idempotency key; None for a new one.
    """

    action: str
    pairs: tuple[str, ...]
    arguments: str | None
    key: str | None


def call(config: Path, given: Given, *, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Call an action and print what it returned."""
    made = _checked(config, given)
    if dry_run:
        _show(made, perform(_rehearsed(made)), as_json=as_json)
        return
    if made.action.effect == "write" and not yes:
        _ask(made)
    result = perform(_made(made))
    if as_json:
        print_json({"action": made.action.name, "key": made.key, "result": result})
    else:
        out().print(plain(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode()), markup=False)


def somebody_is_there() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def _checked(config: Path, given: Given) -> by_hand.CallByHand:
    file = load(config)
    try:
        _, action = by_hand.find_action(by_hand.connectors_of(file), given.action)
        return by_hand.checked_call(file, action.name, _arguments(action, given), given.key or str(uuid4()))
    except (ConfigurationError, InvalidConfigError) as error:
        end_with(error)


async def _made(made: by_hand.CallByHand) -> Any:
    try:
        return await by_hand.make(made)
    except ActionError as error:
        fail(_told(made, error))


async def _rehearsed(made: by_hand.CallByHand) -> str | None:
    try:
        return await by_hand.rehearsed(made)
    except ActionError as error:
        fail(f"{made.action.name}: what it looks up first failed: {error}")


def _told(made: by_hand.CallByHand, error: ActionError) -> str:
    name = made.action.name
    match error:
        case FailedError():
            return f"{name} was refused ({error.code}): {error}. Nothing was done."
        case BusyError():
            return f"{name} was not done, the system is busy: {error}. Try again."
        case InDoubtError() if made.action.effect == "write":
            return f"{name} may have been done: {error}. {_way_out(made)}"
        case InDoubtError():
            return f"{name} gave no usable answer: {error}"
        case _:
            return f"{name} was not done, nothing was sent: {error}"


def _way_out(made: by_hand.CallByHand) -> str:
    if made.action.idempotency != "none":
        return f"With `--key {made.key}` it can be repeated without a second effect."
    if made.action.reconcile:
        return f"{made.action.reconcile} finds out."
    return "Look in the system itself before you repeat it."


def _ask(made: by_hand.CallByHand) -> None:
    console = err()
    console.print(styled(made.action.name, "bold yellow"), styled("changes something.", "yellow"))
    console.print(plain(orjson.dumps(made.arguments, option=orjson.OPT_INDENT_2).decode()), markup=False)
    console.print(styled(f"key {made.key}", "dim"))
    if not somebody_is_there():
        refuse("nobody can be asked here: say --yes")
    if not typer.confirm("Perform it? No rule judges it, and no journal has it.", err=True):
        raise typer.Exit(1)


def _show(made: by_hand.CallByHand, request: str | None, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {"action": made.action.name, "key": made.key, "arguments": made.arguments, "request": request}
        )
        return
    console = out()
    if request is None:
        console.print(styled(f"{made.action.name} cannot be rehearsed; it would be called with", "yellow"))
        console.print(plain(orjson.dumps(made.arguments, option=orjson.OPT_INDENT_2).decode()), markup=False)
    else:
        console.print(plain(request), markup=False, soft_wrap=True)


def _arguments(action: Action, given: Given) -> Mapping[str, Any]:
    if given.arguments is None:
        return dict(_pair(action, pair) for pair in given.pairs)
    if given.pairs:
        raise ConfigurationError("give arguments as NAME=VALUE or by --arguments, not both")
    try:
        value = orjson.loads(given.arguments)
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(f"--arguments is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ConfigurationError("--arguments is no JSON object")
    return cast("dict[str, Any]", value)


def _pair(action: Action, pair: str) -> tuple[str, Any]:
    name, equals, text = pair.partition("=")
    if not equals:
        raise ConfigurationError(f"{pair!r} is not NAME=VALUE")
    schema = action.tool["function"]["parameters"].get("properties", {}).get(name)
    if schema is None or _takes_text(schema):
        return name, text
    try:
        return name, orjson.loads(text)
    except orjson.JSONDecodeError:
        return name, text  # and the action says what it wants


def _takes_text(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    several: list[Mapping[str, Any]] = schema.get("anyOf", [])
    return "string" in kinds or any(_takes_text(each) for each in several)
