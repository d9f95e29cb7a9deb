"""Reads that are performed now, beside what was recorded of them; every write is still answered by the record alone."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from connectors.errors import BusyError, FailedError, InDoubtError, NotSentError
from consumers.evaluation.case import RecordedResult
from consumers.evaluation.compare import gap_words
from consumers.evaluation.recorded_actions import RecordedActions, in_words
from consumers.ports.actions import ActionRequest, Actions
from schemas.leaves import gaps

UNANSWERED: Final = "unanswered"
"""Code of a read whose system did not answer, however often it was asked."""
_TRIES: Final = 3
_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 10.0
_MOST_GAPS: Final = 3
"""Differing places of one answer that are told."""


class LiveReads:
    """The `Actions` port for one trial, over recorded results and what performs reads.

    A read that was not recorded is no guess here: the world is asked. One whose system does not answer in several tries
    fails, with which the model goes on; what it does then is not comparable.

    Args:
        recorded: answers writes, and knows what reads answered then.
        reads: performs reads. Nothing but a read is ever given to it.
        pause: waits between two tries, so many seconds.

    Attributes:
        moved: reads that answered otherwise than they did then, in words.
        unanswered: reads whose system did not answer, in words.
    """

    def __init__(
        self,
        recorded: RecordedActions,
        reads: Actions,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._recorded = recorded
        self._reads = reads
        self._pause = pause
        self.moved: list[str] = []
        self.unanswered: list[str] = []

    async def perform(self, request: ActionRequest) -> Any:
        """As the port says; only `FailedError` is raised."""
        if request.action.effect != "read":
            return await self._recorded.perform(request)
        then = self._recorded.recalled(request)
        try:
            result = await self._asked(request)
        except FailedError as error:
            if then and error.code != UNANSWERED and (then.status == "done" or then.code != error.code):
                self._tell(request, f"failed ({error.code}), not {_how(then)}")
            raise
        if then and then.status == "failed":
            self._tell(request, f"answered, not {_how(then)}")
        elif then and (differing := gaps(then.result, result)):
            more = f", and {len(differing) - _MOST_GAPS} more" if len(differing) > _MOST_GAPS else ""
            self._tell(request, ", ".join(map(gap_words, differing[:_MOST_GAPS])) + more)
        return result

    async def _asked(self, request: ActionRequest) -> Any:
        for tries_left in range(_TRIES - 1, -1, -1):
            try:
                return await self._reads.perform(replace(request, key=""))
            except (BusyError, NotSentError, InDoubtError) as error:
                if tries_left == 0:
                    self.unanswered.append(f"{in_words(request)}: {error}")
                    raise FailedError(
                        f"{request.action.name} did not answer: {error}", code=UNANSWERED
                    ) from error
                after_s = error.retry_after_s if isinstance(error, BusyError) else None
            await self._pause(min(_PAUSE_S if after_s is None else after_s, _LONGEST_PAUSE_S))
        raise AssertionError("every try returns or raises")

    def _tell(self, request: ActionRequest, how: str) -> None:
        self.moved.append(f"{in_words(request)}: {how}")


def _how(then: RecordedResult) -> str:
    return "answered" if then.status == "done" else f"failed ({then.code})"
