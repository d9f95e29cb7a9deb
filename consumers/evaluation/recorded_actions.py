"""Actions that answer what was recorded, and call no connector: in an evaluation nothing takes effect."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

from connectors.action import Action
from connectors.errors import FailedError
from consumers.evaluation.case import RecordedResult
from consumers.ports.actions import ActionRequest
from consumers.session.bounds import omitted
from schemas.canonical import canonical_json

NOT_RECORDED: Final = "not_recorded"
"""Code of a look-up that the recorded run did not make: nobody knows what it would have returned."""


class RecordedActions:
    """The `Actions` port over recorded results, for one run of one case.

    - The same action with the same arguments gives what was recorded, success or failure; asked more often than it was
      recorded, the last of it again.
    - Another read fails with `not_recorded`, which the model is told.
    - Another write is not performed. So that the run goes on and what follows can be compared, it counts as done: with
      the result that the same action had with other arguments, or else with a marker in place of a result.

    Args:
        recorded: what the systems answered then.
        ignored: arguments whose values may differ; see `normal`.

    Attributes:
        unrecorded: what was asked for and is not recorded, in words: from the first of it on, the run is a guess.
        unknown: the first of it, where that is a read: what the candidate would have done then, nobody knows. Empty otherwise.
    """

    def __init__(self, recorded: Sequence[RecordedResult], ignored: AbstractSet[str] = frozenset()) -> None:
        self._recorded = tuple(recorded)
        self._ignored = ignored
        self._given: Counter[bytes] = Counter()
        self.unrecorded: list[str] = []
        self.unknown = ""

    async def perform(self, request: ActionRequest) -> Any:
        """As the port says; only `FailedError` is raised."""
        action = request.action
        if recorded := self.recalled(request):
            return _answer(recorded)
        of_action = [each for each in self._recorded if each.action == action.name]
        asked = in_words(request)
        if action.effect == "read" and not self.unrecorded:
            self.unknown = asked
        self.unrecorded.append(asked)
        if action.effect == "read":
            raise FailedError(
                f"{action.name} was not asked this when the case was recorded, so its answer is not known here",
                code=NOT_RECORDED,
            )
        done = next((each for each in of_action if each.status == "done"), None)
        return omitted("not performed: nothing is, in an evaluation") if done is None else done.result

    def recalled(self, request: ActionRequest) -> RecordedResult | None:
        """Return what was recorded for this request, the next of it where that is more than one; None for nothing."""
        action = request.action
        asked = self._comparable(action, request.arguments)
        same = [
            each
            for each in self._recorded
            if each.action == action.name
            and (each.arguments is None or self._comparable(action, each.arguments) == asked)
        ]
        if not same:
            return None
        nth = self._given[asked]
        self._given[asked] += 1
        return same[min(nth, len(same) - 1)]

    def _comparable(self, action: Action, arguments: Mapping[str, Any]) -> bytes:
        return canonical_json([action.name, normal(action, arguments, self._ignored)])


def normal(action: Action, arguments: Mapping[str, Any], ignored: AbstractSet[str]) -> dict[str, Any]:
    """Return arguments as they compare: with the action's defaults, as far as they fit it at all.

    Args:
        action: whose.
        arguments: JSON-like.
        ignored: `<action>.<argument>` of those whose values may differ, such as free text; they are left out.
    """
    try:
        fitting: Mapping[str, Any] = action.arguments.model_validate(arguments).model_dump(mode="json")
    except ValueError:
        fitting = arguments
    return {name: value for name, value in fitting.items() if f"{action.name}.{name}" not in ignored}


def in_words(request: ActionRequest) -> str:
    """Return a request for people."""
    return f"{request.action.name}({canonical_json(request.arguments).decode()[1:-1]})"


def _answer(recorded: RecordedResult) -> Any:
    if recorded.status == "failed":
        raise FailedError(recorded.error, code=recorded.code)
    return recorded.result
