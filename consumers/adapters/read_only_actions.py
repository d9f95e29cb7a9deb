"""The reads of a catalog, and nothing else: what is composed with this cannot have an effect, whatever it asks for."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from connectors.action import Action
from connectors.errors import FailedError
from consumers.ports.actions import ActionRequest, Actions


class ReadOnlyActions:
    """The `Actions` port for reads. Any other request fails before it reaches a connector.

    What is performed is the action of this name that was given at the beginning, not the one in the request, and no
    idempotency key goes with it.

    Args:
        actions: performs.
        known: actions of the catalog; of those only the reads are kept.
    """

    def __init__(self, actions: Actions, known: Iterable[Action]) -> None:
        self._actions = actions
        self._reads = {each.name: each for each in known if each.effect == "read"}

    async def perform(self, request: ActionRequest) -> Any:
        """As the port says.

        Raises:
            FailedError: it is no read; its code is `blocked`.
        """
        read = self._reads.get(request.action.name)
        if read is None:
            raise FailedError(
                f"{request.action.name} is no read, and nothing else is performed here", code="blocked"
            )
        return await self._actions.perform(replace(request, action=read, key=""))
