"""What the checks of the contract suite have in common: a call that must succeed, and how it is performed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.action import Action, Call
from connectors.catalog import Catalog, undo_arguments
from connectors.connector import Connector
from connectors.perform import argument_values, perform


class ContractError(AssertionError):
    """A connector broke the contract."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A call that must succeed.

    Attributes:
        action: full name.
        arguments: JSON-like, as a model would send them.
        timeout_s: longest time it may take.
    """

    action: str
    arguments: Mapping[str, Any]
    timeout_s: float = 10.0


Count = Callable[[], Awaitable[int]]
"""How many effects the system has seen so far: a ledger's length, a row count."""


def hold(condition: object, message: str) -> None:
    """Raise ContractError with a message unless a condition is true. No assert statement: it must also hold under `python -O`."""
    if not condition:
        raise ContractError(message)


def action_of(connector: Connector[Any], trial: Trial, *, effect: str | None = None) -> Action:
    """Return the action of a trial.

    Raises:
        ContractError: it has another effect than the check is for.
    """
    action = Catalog((connector,)).get(trial.action)
    hold(effect in {None, action.effect}, f"{action.name} is a {action.effect}, this checks a {effect}")
    return action


def finder_of(connector: Connector[Any], action: Action, trial: Trial) -> tuple[Action, Trial]:
    """Return the `reconcile` of an action, and how it is asked what became of a trial.

    Raises:
        ContractError: it is not in this connector.
    """
    hold(action.reconcile in connector.actions, f"{action.name}: its reconcile is not in this connector")
    finder = connector.actions[action.reconcile or ""]
    arguments = argument_values(action.arguments.model_validate(dict(trial.arguments)))
    return finder, Trial(finder.name, undo_arguments(action, finder, arguments, None), trial.timeout_s)


async def perform_trial(action: Action, client: Any, trial: Trial, key: str, *, grace_s: float = 0.0) -> Any:
    """Return what an action returned for a trial, under a key.

    Raises:
        TimeoutError: it took longer than the trial's time and the grace.
        Exception: what the action raised.
    """
    call = Call(client, key=key, timeout_s=trial.timeout_s, tenant="contract", run_id="contract")
    async with asyncio.timeout(trial.timeout_s + grace_s):
        return await perform(action, call, action.arguments.model_validate(dict(trial.arguments)))
