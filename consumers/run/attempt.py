"""One attempt at an action, and what to do when nobody knows whether it took effect."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.action import Action
from connectors.catalog import Catalog, undo_arguments
from connectors.errors import BusyError, FailedError, InDoubtError, NotSentError
from consumers.errors import RetryError
from consumers.ports.actions import ActionRequest, Actions
from consumers.ports.clock import Clock
from consumers.ports.sessions import CLOCKS
from consumers.run import record
from consumers.run.journal import CallStatus
from consumers.run.settling import Settling

_AGAIN = 2
"""Further tries with the same key before the key's queue waits instead."""
_MOST_UNRECORDED = 10_000
"""Results that wait for the store; of more, the oldest ones are found out again like after a crash."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is to be performed, under which key, since when it may have been sent."""

    action: Action
    arguments: Mapping[str, Any]
    key: str
    tenant: str
    run_id: str
    intended_at: datetime
    resumed: bool
    """An earlier worker wrote the intent: it may have been performed already."""
    lost: bool = False
    """Whether there was an intent is not known: the store may have lost it."""


class Performer:
    """Performs actions and turns every ending into the body of a result entry."""

    def __init__(self, actions: Actions, catalog: Catalog, clock: Clock, settle_s: float) -> None:
        """Build it.

        Args:
            actions: performs.
            catalog: finds the reads that reconcile.
            clock: for windows and result times.
            settle_s: how long a system may still be busy with an attempt whose answer is missing. Asked earlier
                whether it took effect, it could say no and then do it.
        """
        self._settling = Settling(clock, settle_s)
        self._unrecorded: dict[str, dict[str, Any]] = {}
        self._actions = actions
        self._catalog = catalog
        self._clock = clock

    async def read(self, attempt: Attempt) -> dict[str, Any]:
        """Perform a read; it may be repeated at will.

        Raises:
            RetryError: the system is busy or unreachable.
        """
        return await self._timed(self._read(attempt))

    async def _read(self, attempt: Attempt) -> dict[str, Any]:
        try:
            return record.done(await self._perform(attempt), self._clock.now())
        except FailedError as error:
            return self._failed(error)
        except (BusyError, NotSentError, InDoubtError) as error:
            raise _retry(attempt, error) from error

    async def write(self, attempt: Attempt) -> dict[str, Any]:
        """Perform a write whose intent is journaled, so that it takes effect at most once.

        Returns the body of its result entry: done, failed, or in doubt where the ladder ended.

        Raises:
            RetryError: nothing was executed, or repeating it with the same key is safe; the intent stays.
        """
        if attempt.resumed and (known := self._unrecorded.get(attempt.key)):
            return known
        body = await self._timed(self._write(attempt))
        if body["status"] != CallStatus.IN_DOUBT:
            while len(self._unrecorded) >= _MOST_UNRECORDED:
                del self._unrecorded[next(iter(self._unrecorded))]
            self._unrecorded[attempt.key] = body
        return body

    def recorded(self, key: str) -> None:
        """Forget what became of a write: the journal has it. Before, this process answers for it if the store is away."""
        self._unrecorded.pop(key, None)

    async def _timed(self, performing: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        started = self._clock.seconds()
        body = await performing
        return {**body, "ms": round((self._clock.seconds() - started) * 1000)}

    async def _write(self, attempt: Attempt) -> dict[str, Any]:
        if attempt.resumed and not self._repeatable(attempt):
            return await self._reconcile(attempt)
        for tries_left in range(_AGAIN, -1, -1):
            sent = self._clock.seconds()
            try:
                return record.done(await self._perform(attempt), self._clock.now())
            except FailedError as error:
                return self._failed(error)
            except (BusyError, NotSentError) as error:
                if not self._repeatable(attempt):
                    # Definitely not executed, but an intent without result would read as doubt later.
                    return record.not_done(CallStatus.FAILED, "busy", str(error), self._clock.now())
                raise _retry(attempt, error) from error
            except InDoubtError as error:
                if not self._repeatable(attempt):
                    self._settling.sent(attempt.key, sent)
                    return await self._reconcile(attempt)
                if tries_left == 0:
                    raise _retry(attempt, error) from error
        raise AssertionError("every try returns or raises")

    def _repeatable(self, attempt: Attempt) -> bool:
        """Whether the same key may be sent again without risk of a second effect."""
        match attempt.action.idempotency:
            case "natural" | "ledger":
                return True
            case "provider-key":
                window = attempt.action.window
                return window is not None and _inside(window, self._clock.now() - attempt.intended_at)
            case "none":
                return False

    async def _reconcile(self, attempt: Attempt) -> dict[str, Any]:
        """Ask the system whether it happened; without a way to ask, leave it to a person.

        Raises:
            RetryError: it is too early to ask, or the system does not answer.
        """
        name = attempt.action.reconcile
        if name is None:
            may = "may have been sent before Redis lost what it knew"
            why = f"{attempt.action.name} {may if attempt.lost else 'was sent and its result is unknown'}"
            return record.not_done(CallStatus.IN_DOUBT, "in_doubt", why, self._clock.now())
        unsettled_s = self._settling.left_s(attempt.key, attempt.intended_at)
        if unsettled_s > 0:
            why = f"{attempt.action.name} may still be under way; {name} is asked later"
            raise RetryError(why, after_s=unsettled_s)
        finder = self._catalog.get(name)
        arguments = undo_arguments(attempt.action, finder, attempt.arguments, None)
        request = ActionRequest(finder, arguments, attempt.key, attempt.tenant, attempt.run_id)
        try:
            found = await self._actions.perform(request)
        except FailedError as error:
            why = f"{attempt.action.name}: {name} could not tell: {error}"
            return record.not_done(CallStatus.IN_DOUBT, "in_doubt", why, self._clock.now())
        except (BusyError, NotSentError, InDoubtError) as error:
            raise _retry(attempt, error) from error
        if found is not None:
            return record.done(found, self._clock.now())
        why = f"{name} found no trace of it"
        return record.not_done(CallStatus.FAILED, "not_executed", why, self._clock.now())

    async def _perform(self, attempt: Attempt) -> Any:
        request = ActionRequest(
            attempt.action, attempt.arguments, attempt.key, attempt.tenant, attempt.run_id
        )
        return await self._actions.perform(request)

    def _failed(self, error: FailedError) -> dict[str, Any]:
        return record.not_done(CallStatus.FAILED, error.code, str(error), self._clock.now())


async def together(performer: Performer, attempts: list[Attempt]) -> list[dict[str, Any]]:
    """Perform reads beside each other and return their results in order.

    Raises:
        RetryError: one of them met a busy system; the others were ended.
    """
    if len(attempts) == 1:
        return [await performer.read(attempts[0])]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(performer.read(a), name=f"read {a.action.name}") for a in attempts]
    except* RetryError as several:
        first = several.exceptions[0]
        assert isinstance(first, RetryError)
        raise first from None
    return [task.result() for task in tasks]


def _inside(window: timedelta, passed: timedelta) -> bool:
    """Whether a system surely knows a key still, although a clock may have been set since."""
    margin = min(CLOCKS, window / 2)
    return -margin <= passed < window - margin


def _retry(attempt: Attempt, error: Exception) -> RetryError:
    after = error.retry_after_s if isinstance(error, BusyError) else None
    return RetryError(f"{attempt.action.name}: {error}", after_s=after)
