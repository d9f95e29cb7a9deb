"""Actions whose results may hold personal data: what is tagged there is known before anybody writes it."""

from collections.abc import Mapping
from typing import Any

from connectors.action import Action
from connectors.errors import UnusableResultError
from consumers.adapters.connector_results import stand_in
from consumers.ports.actions import ActionRequest, Actions
from consumers.privacy.known import TooManyValuesError
from consumers.privacy.register import Register
from schemas.personal import tagged_fields, tagged_values


class PrivateActions:
    """Learns what results are tagged with. Arguments pass in the clear: this is the call that they are for."""

    def __init__(self, actions: Actions, register: Register) -> None:
        self._actions = actions
        self._register = register
        self._types: dict[str, Mapping[str, Any] | None] = {}

    async def perform(self, request: ActionRequest) -> Any:
        """As the port says; a result with more personal values than may be known is one that cannot be used."""
        result = await self._actions.perform(request)
        types = self._types_of(request.action)
        if types is None:
            return result
        try:
            self._register.of(request.run_id).learn(tagged_values(types, result))
        except (TooManyValuesError, TypeError) as error:
            unusable = UnusableResultError(str(error), code="result_too_personal", executed=True)
            return stand_in(request.action, unusable)
        return result

    def _types_of(self, action: Action) -> Mapping[str, Any] | None:
        if action.name not in self._types:
            types = None if action.result is None else action.result.model_json_schema(mode="serialization")
            self._types[action.name] = types if types and (tagged_fields(types) or types.get("pii")) else None
        return self._types[action.name]
