"""The catalog: every action that the loaded connectors offer, by name."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from connectors.action import Action
from connectors.arguments import parameters
from connectors.connector import Connector
from connectors.lint import Finding, close_match, lint_actions, required_parameters
from connectors.signature import DefinitionError


class UnknownActionError(LookupError):
    """No loaded connector has an action of that name."""


class UndoArgumentsError(LookupError):
    """Neither result nor arguments of an action say what its compensation needs."""


class Catalog:
    """The actions of some connectors, fixed once built.

    Attributes:
        connectors: by name.
        actions: by full name, `<connector>.<verb>`.
    """

    def __init__(self, connectors: Iterable[Connector[Any]]) -> None:
        """Collect the actions; raises DefinitionError where two connectors have one name."""
        by_name: dict[str, Connector[Any]] = {}
        for connector in connectors:
            if connector.name in by_name:
                raise DefinitionError(f"two connectors are named {connector.name}; load one of them")
            by_name[connector.name] = connector
        self.connectors: Mapping[str, Connector[Any]] = MappingProxyType(by_name)
        self.actions: Mapping[str, Action] = MappingProxyType(
            {name: action for connector in by_name.values() for name, action in connector.actions.items()}
        )
        self._by_tool_name = {action.tool_name: action for action in self.actions.values()}

    def get(self, name: str) -> Action:
        """Return the action of that full name; raises UnknownActionError, with the nearest name."""
        try:
            return self.actions[name]
        except KeyError:
            raise UnknownActionError(f"no action {name}.{close_match(name, self.actions)}") from None

    def by_tool_name(self, tool_name: str) -> Action:
        """Return the action that the model API knows as `tool_name`; raises UnknownActionError."""
        action = self._by_tool_name.get(tool_name)
        if action is None:
            hint = close_match(tool_name, self._by_tool_name)
            raise UnknownActionError(f"no tool {tool_name}.{hint}")
        return action

    def lint(self) -> list[Finding]:
        """Return every mistake in the declarations; an empty list means the catalog may be used."""
        return lint_actions(self.actions)


def undo_arguments(
    action: Action, compensation: Action, arguments: Mapping[str, Any], result: Any
) -> dict[str, Any]:
    """Return the arguments for undoing one performed action: by name, from its result, then its arguments.

    Args:
        action: what was performed.
        compensation: the action that undoes it.
        arguments: what it was performed with, JSON-like.
        result: what it returned, JSON-like; anything but an object provides nothing.

    Raises:
        UndoArgumentsError: where a required parameter is in neither.
    """
    # A null says nothing; the next source may know, and a defaulted parameter keeps its default.
    said = {name: value for name, value in arguments.items() if value is not None}
    if isinstance(result, Mapping):
        said |= {name: value for name, value in result.items() if value is not None}
    missing = [name for name in required_parameters(compensation) if name not in said]
    if missing:
        raise UndoArgumentsError(
            f"{compensation.name} needs {', '.join(missing)} to undo {action.name}, "
            f"and neither its result nor its arguments say it"
        )
    return {name: said[name] for name in parameters(compensation.arguments) if name in said}
