"""The port to the connectors' actions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.action import Action


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """One action to perform, with everything that is not the model's to set."""

    action: Action
    arguments: Mapping[str, Any]
    key: str
    tenant: str
    run_id: str


class Actions(Protocol):
    """Performs actions on the connectors that are open."""

    async def perform(self, request: ActionRequest) -> Any:
        """Perform one action within its connector's timeout and return its result as JSON-like values.

        Raises:
            connectors.errors.ActionError: one of its four kinds, and no other error: whatever else the
                action raised is mapped by what is known about the effect.
        """
        ...
