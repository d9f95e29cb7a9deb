"""Unwinding: the finished writes of a run are undone, the last one first.

A saga after Garcia-Molina and Salem (SIGMOD 1987): each write has a compensation, registered with its intent, and each
compensation is a write with an intent, a key and a result of its own.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from connectors.catalog import Catalog, UndoArgumentsError, UnknownActionError, undo_arguments
from consumers.errors import RetryError
from consumers.ports.clock import Clock
from consumers.ports.sessions import Body, Entry
from consumers.run import record
from consumers.run.attempt import Attempt, Performer
from consumers.run.journal import CallState, CallStatus
from consumers.run.next_step import Undo
from consumers.run.work import Work
from consumers.session import place

UNDO_S: Final = 600.0
"""How long unwinding goes on trying, counted from its beginning; after it, what is left is reported."""


class _NotUndoneError(Exception):
    """Nothing undoes it; the message says why."""


class _BusyError(Exception):
    """The system did not answer; the retry to raise is its argument."""

    def __init__(self, retry: RetryError) -> None:
        super().__init__(str(retry))
        self.retry = retry


class Unwinding:
    """Undoes finished writes.

    Args:
        catalog: finds compensations.
        performer: performs them.
        clock: times them.
        undo_s: how long a run's unwinding may take before it gives up what does not answer.
    """

    def __init__(self, catalog: Catalog, performer: Performer, clock: Clock, undo_s: float = UNDO_S) -> None:
        self._catalog = catalog
        self._performer = performer
        self._clock = clock
        self._limit = timedelta(seconds=undo_s)

    async def undo(self, work: Work, step: Undo, call: CallState) -> None:
        """Compensate one finished write: intent first, under a key of its own, like any other write.

        A compensation that fails is recorded, and so is one that cannot be done in time; the unwinding goes on with
        the write before it.

        Raises:
            RetryError: the system is busy; calling again goes on with the same key.
        """
        if work.noted(place.ENDING) is None:
            ending = {
                "status": str(step.status),
                "summary": step.summary,
                "at": self._clock.now().isoformat(),
            }
            work.note(Entry(place.ENDING, ending))
        try:
            body = await self._result(work, call)
        except _NotUndoneError as error:
            body = record.not_done(CallStatus.FAILED, "not_undoable", str(error), self._clock.now())
        except _BusyError as error:
            begun = datetime.fromisoformat(work.journal.entries[place.ENDING]["at"])
            if self._clock.now() - begun < self._limit:
                await work.commit()
                raise error.retry from error
            body = record.not_done(CallStatus.FAILED, "undo_deadline", str(error), self._clock.now())
        intent = work.noted(call.place.undo_intent)
        work.note(Entry(call.place.undo_result, body), intent["action"] if intent else None)
        await work.commit()
        if intent:
            self._performer.recorded(intent["key"])

    async def _result(self, work: Work, call: CallState) -> dict[str, Any]:
        intent = work.noted(call.place.undo_intent)
        lost = work.maybe_lost and intent is None
        resumed = lost or intent is not None
        if intent is None:
            intent = await self._announce(work, call)
        try:
            compensation = self._catalog.get(intent["action"])
        except UnknownActionError as error:
            raise _NotUndoneError(str(error)) from error
        work.claim.hold(f"performing {compensation.name}")
        attempt = Attempt(
            action=compensation,
            arguments=intent["arguments"],
            key=intent["key"],
            tenant=work.event.tenant,
            run_id=work.event.run_id,
            intended_at=work.event.time if lost else datetime.fromisoformat(intent["at"]),
            resumed=resumed,
            lost=lost,
        )
        try:
            return await self._performer.write(attempt)
        except RetryError as error:
            raise _BusyError(error) from error

    async def _announce(self, work: Work, call: CallState) -> Body:
        assert call.intent is not None
        declared: str | Mapping[str, Any] = call.intent["compensate"]
        name = declared if isinstance(declared, str) else await self._by_state(work, call, declared)
        arguments = self._arguments(call, name)
        key = record.idempotency_key(work.event.run_id, f"undo {call.place} {name}", 0)
        body = {"action": name, "arguments": arguments, "key": key, "at": self._clock.now().isoformat()}
        work.note(Entry(call.place.undo_intent, body), name)
        await work.publish_steps()
        work.claim.hold(f"writing the intent of {name}")
        await work.commit()
        return body

    async def _by_state(self, work: Work, call: CallState, declared: Mapping[str, Any]) -> str:
        """Look up what has become of the thing, and return what undoes it now."""
        name = declared["read"]
        arguments = self._arguments(call, name)
        now = self._clock.now()
        attempt = Attempt(
            self._catalog.get(name), arguments, "", work.event.tenant, work.event.run_id, now, resumed=False
        )
        try:
            answer = await self._performer.read(attempt)
        except RetryError as error:
            raise _BusyError(error) from error
        if answer["status"] != CallStatus.DONE:
            raise _NotUndoneError(f"{name} could not tell its state: {answer['error']}")
        found = answer["result"]
        state = found.get(declared["field"]) if isinstance(found, Mapping) else None
        action = declared["actions"].get(str(state))
        if action is None:
            raise _NotUndoneError(f"nothing undoes it: by {name}, its {declared['field']} is {state}")
        return action

    def _arguments(self, call: CallState, name: str) -> dict[str, Any]:
        assert call.intent is not None
        assert call.result is not None
        try:
            action, following = self._catalog.get(call.intent["action"]), self._catalog.get(name)
            return undo_arguments(action, following, call.intent["arguments"], call.result["result"])
        except (UnknownActionError, UndoArgumentsError) as error:
            raise _NotUndoneError(str(error)) from error
