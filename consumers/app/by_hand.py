"""Actions called by hand, as a worker calls them: same settings, limits and errors; no journal, no rules, no model."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from connectors.action import Action, Call
from connectors.catalog import Catalog
from connectors.lint import close_match
from connectors.perform import argument_values, perform
from connectors.rehearsal import Rehearsed, rehearsal
from consumers.adapters.connector_actions import ConnectorActions
from consumers.app.compose import result_limits
from consumers.app.config import Limits
from consumers.app.config_file import ConfigFile, InvalidConfigError
from consumers.app.connector_sections import OpenableConnector, resolve_connectors
from consumers.errors import ConfigurationError
from consumers.ports.actions import ActionRequest
from consumers.router.decision import explain
from consumers.telemetry.metrics import Metrics

TENANT = "by-hand"
"""Whose the call is, for systems that ask."""


@dataclass(frozen=True, slots=True)
class CallByHand:
    """One call, checked and not made yet.

    Attributes:
        connector: with its settings.
        action: what to call.
        arguments: valid, JSON-like, defaults included.
        key: the idempotency key.
        limits: of the configuration.
    """

    connector: OpenableConnector
    action: Action
    arguments: Mapping[str, Any]
    key: str
    limits: Limits


def connectors_of(file: ConfigFile) -> list[OpenableConnector]:
    """Return the connectors of a configuration, whatever is wrong with its routes.

    Raises:
        InvalidConfigError: with every mistake of a connector, each at its line.
    """
    found, mistakes = resolve_connectors(file)
    if mistakes:
        raise InvalidConfigError(mistakes)
    return found


def find_action(found: list[OpenableConnector], name: str) -> tuple[OpenableConnector, Action]:
    """Return an action and its connector.

    Raises:
        ConfigurationError: there is none of that name; the message names one that is close.
    """
    actions = Catalog(each.connector for each in found).actions
    if name not in actions:
        raise ConfigurationError(f"no action is called {name}.{close_match(name, actions)}")
    return next(each for each in found if name in each.connector.actions), actions[name]


def checked_call(file: ConfigFile, name: str, arguments: Mapping[str, Any], key: str) -> CallByHand:
    """Return the call of an action with these arguments.

    Raises:
        ConfigurationError: there is no such action, or it does not take these arguments.
    """
    connector, action = find_action(connectors_of(file), name)
    try:
        valid = argument_values(action.arguments.model_validate(dict(arguments)))
    except ValidationError as error:
        raise ConfigurationError(f"{name}: {explain(error)}") from None
    return CallByHand(connector, action, valid, key, file.config.limits)


async def make(call: CallByHand) -> Any:
    """Make the call and return its result.

    Raises:
        ActionError: as `connectors.errors` says, without secrets.
    """
    connector = call.connector
    opening = ConnectorActions.open(
        [(connector.connector, connector.settings)],
        metrics=Metrics(),
        timeout_s=call.limits.action_s,
        calls={connector.connector.name: connector.calls},
        results=result_limits(call.limits),
    )
    async with opening as actions:
        return await actions.perform(
            ActionRequest(call.action, call.arguments, call.key, TENANT, f"{TENANT}-{call.key}")
        )


async def rehearsed(call: CallByHand) -> str | None:
    """Return the request that the call would send, or None where its connector cannot tell, and nothing was run.

    A write may look something up first; what would change something is not sent.

    Raises:
        ActionError: what it looked up first failed.
    """
    connector, action = call.connector.connector, call.action
    if not connector.rehearses:
        return None
    seconds = call.limits.action_s
    async with asyncio.timeout(seconds), connector.open(call.connector.settings) as client:
        with rehearsal(changes=action.effect == "write"):
            try:
                arguments = action.arguments.model_validate(dict(call.arguments))
                asked = Call(client, call.key, seconds, TENANT, f"{TENANT}-{call.key}")
                await perform(action, asked, arguments)
            except Rehearsed as shown:
                return shown.request
    return "nothing: it is done already, or needs no request"
