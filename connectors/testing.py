"""The contract suite: what every connector must hold, to be run by those who write one.

    from connectors import testing

    def test_declarations():
        testing.check_declarations(erp)

    async def test_create_order_honours_the_key(client):
        await testing.check_key(erp, client, testing.Trial("erp.create_order", {...}))

Each check raises ContractError, an AssertionError, that says which action broke which rule. Checks that take a
client perform real actions: give them a sandbox or a test account. What happens when the network fails is checked by
`connectors.testing_faults`.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, get_args
from uuid import uuid4

from pydantic import BaseModel, SecretStr, ValidationError

from connectors.action import UndoByState
from connectors.catalog import Catalog, undo_arguments
from connectors.connector import Connector
from connectors.errors import BusyError, NotSentError
from connectors.perform import argument_values
from connectors.testing_trial import ContractError, Count, Trial, action_of, hold, perform_trial

__all__ = (
    "ContractError",
    "Count",
    "Trial",
    "check_declarations",
    "check_key",
    "check_read",
    "check_settings",
    "check_tools",
    "check_undo",
    "check_unknown_arguments",
    "check_unreachable",
)

_SECRET_WORDS = ("token", "password", "secret", "api_key", "credential")


def check_declarations(connector: Connector[Any], *others: Connector[Any]) -> None:
    """The catalog's lint finds nothing. Give the connectors whose actions are named as compensations, too."""
    findings = Catalog((connector, *others)).lint()
    lines = [f"{found.where}: {found.action} {found.message} ({found.hint})" for found in findings]
    hold(not findings, "\n".join(lines))


def check_tools(connector: Connector[Any]) -> None:
    """Every object in every tool schema is closed and requires all its properties, without references."""
    for action in connector.actions.values():
        parameters = action.tool["function"]["parameters"]
        for schema in _schemas(parameters):
            hold("$ref" not in schema, f"{action.name}: its tool schema has a reference")
            if "properties" in schema:
                closed = schema.get("additionalProperties") is False
                hold(closed, f"{action.name}: an object in its tool schema is open")
                everything = list(schema["properties"]) == schema.get("required")
                hold(everything, f"{action.name}: its tool schema does not require every property")


def check_unknown_arguments(connector: Connector[Any]) -> None:
    """No action accepts an argument that it does not declare."""
    for action in connector.actions.values():
        try:
            action.arguments.model_validate({"surely_not_declared": 1})
        except ValidationError as error:
            refused = any(found["type"] == "extra_forbidden" for found in error.errors())
        else:
            refused = False
        hold(refused, f"{action.name}: accepts arguments that it does not declare")


def check_settings(connector: Connector[Any]) -> None:
    """A setting whose name sounds secret is a SecretStr, so that no log or error can show it."""
    for name, field in connector.settings.model_fields.items():
        sounds_secret = any(word in name for word in _SECRET_WORDS)
        hidden = field.annotation is SecretStr or SecretStr in get_args(field.annotation)
        hold(hidden or not sounds_secret, f"{connector.name}: setting {name} must be a SecretStr")


async def check_read(connector: Connector[Any], client: Any, trial: Trial) -> None:
    """A read may run twice at once, and both answers are the same JSON-like value."""
    action = action_of(connector, trial, effect="read")
    first, second = await asyncio.gather(
        perform_trial(action, client, trial, str(uuid4())), perform_trial(action, client, trial, str(uuid4()))
    )
    hold(first == second, f"{action.name}: two reads at once gave {first!r} and {second!r}")


async def check_key(
    connector: Connector[Any], client: Any, trial: Trial, *, count: Count | None = None
) -> None:
    """A write repeated with its key gives the same result and, where `count` can tell, no second effect."""
    action = action_of(connector, trial, effect="write")
    before = await count() if count else 0
    key = str(uuid4())
    first = await perform_trial(action, client, trial, key)
    second = await perform_trial(action, client, trial, key)
    hold(first == second, f"{action.name}: the same key gave {first!r}, then {second!r}")
    if count:
        happened = await count() - before
        hold(happened == 1, f"{action.name}: asked twice with one key, it happened {happened} times")


async def check_undo(connector: Connector[Any], client: Any, trial: Trial) -> None:
    """The compensation can be called with what the action returned, and may be repeated.

    Where it depends on a state, the one is checked that is right for a thing just made.
    """
    action = action_of(connector, trial, effect="write")
    result = await perform_trial(action, client, trial, str(uuid4()))
    arguments = argument_values(action.arguments.model_validate(trial.arguments))
    name = action.compensate
    if isinstance(name, UndoByState):
        hold(name.read in connector.actions, f"{action.name}: its state read is not in this connector")
        read = connector.actions[name.read]
        asked = Trial(read.name, undo_arguments(action, read, arguments, result), trial.timeout_s)
        state = (await perform_trial(read, client, asked, str(uuid4())))[name.field]
        name = name.actions.get(str(state))
    hold(name in connector.actions, f"{action.name}: its compensation is not in this connector")
    undo = connector.actions[name or ""]
    back = Trial(undo.name, undo_arguments(action, undo, arguments, result), trial.timeout_s)
    key = str(uuid4())
    first = await perform_trial(undo, client, back, key)
    second = await perform_trial(undo, client, back, key)
    hold(first == second, f"{undo.name}: undoing twice gave {first!r}, then {second!r}")


async def check_unreachable(connector: Connector[Any], settings: BaseModel, trial: Trial) -> None:
    """Where nobody listens, the action says that nothing was sent; `settings` must point to such a place."""
    action = action_of(connector, trial)
    async with connector.open(settings) as client:
        try:
            await perform_trial(action, client, trial, str(uuid4()))
        except (NotSentError, BusyError):
            return
        except Exception as error:
            raise ContractError(
                f"{action.name}: unreachable, it raised {error!r}, no NotSentError"
            ) from error
    raise ContractError(f"{action.name}: unreachable, it gave a result")


def _schemas(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the schema and every schema inside it; a property may be called like a keyword."""
    inside = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    if "items" in schema:
        inside.append(schema["items"])
    return [schema, *(inner for each in inside for inner in _schemas(each))]
