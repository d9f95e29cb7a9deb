"""Working one record: calling the handler, and sorting what it raises by who must act."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from consumers.errors import DeadLetterError, HaltError, RetryError, UnavailableError
from consumers.ports.claim import Claim, HandedOverError
from consumers.runtime.fuse import Fuse
from consumers.runtime.letters import Letters
from consumers.runtime.limits import RuntimeLimits
from consumers.runtime.parking import Parking
from consumers.runtime.partition import End, Item, Mode
from consumers.runtime.suspects import Suspects
from consumers.telemetry.metrics import DEAD_LETTERS, PARKED, Metrics
from schemas.record import Outgoing, Record

_log = logging.getLogger(__name__)

_BEHIND: Final = "behind_parked"

Handler = Callable[[Record, Claim], Awaitable[Sequence[Outgoing]]]
"""Works one record and returns what is to be published for it; calls the claim at each of its steps.

Raises RetryError, DeadLetterError or HaltError. Called again for the same record, it must go on where it stopped.
"""


class Working:
    """Finds out how a record ends.

    Args:
        handler: works it.
        letters: gives it up.
        parking: says whether one more key may be parked.
        limits: bounds.
        metrics: where figures go.
        suspects: says whether a record may be decoded here; None where all may.
    """

    def __init__(
        self,
        handler: Handler,
        letters: Letters,
        parking: Parking,
        limits: RuntimeLimits,
        metrics: Metrics,
        suspects: Suspects | None = None,
    ) -> None:
        self._suspects = suspects
        self._handler = handler
        self._letters = letters
        self._parking = parking
        self._limits = limits
        self._metrics = metrics
        self._clock = asyncio.get_running_loop().time
        self._fuse = Fuse(
            in_a_row=limits.dead_letters_in_a_row,
            ratio=limits.dead_letter_ratio,
            window=limits.dead_letter_window,
        )

    async def work_out(self, item: Item) -> None:
        """Give an item its outputs: what the handler returned, or a letter where it is given up.

        Raises:
            RetryError: it is to be tried again, or handed over.
            HaltError: the worker must not go on.
        """
        if item.lane.mode is Mode.PARKED:
            self._letters.park(
                item, DeadLetterError("an earlier record of its key is parked", reason=_BEHIND)
            )
            return
        item.attempts += 1
        try:
            item.now("reading it")
            if self._suspects is not None:
                await self._suspects.before(item.record)
            self._letters.worked(item, await self._handler(item.record, item))
        except RetryError as error:
            if isinstance(error, HandedOverError) or not self._exhausted(item, error):
                raise
            why = f"given up after {item.attempts} attempts: {error}"
            self._give_up(item, DeadLetterError(why, reason="retries_exhausted"))
        except DeadLetterError as error:
            self._letters.bury(item, error)
        except HaltError:
            raise
        except Exception as error:
            _log.exception("an event met an error that nobody foresaw", extra=item.where)
            why = f"{type(error).__name__}, see the log"  # its text may hold anything
            if item.attempts < self._limits.crash_attempts:
                raise RetryError(why) from error
            self._letters.bury(item, DeadLetterError(why, reason="crashed"))

    def count(self, item: Item) -> None:
        """Count how a published item ended.

        Raises:
            HaltError: too many are given up.
        """
        # Redriven records died before: that they die again says nothing of the traffic which the fuse is for.
        fused = not self._letters.is_redriven(item)
        if item.error is None:
            if fused:
                self._fuse.success()
            return
        dead, reason = item.end is End.DEAD, item.error.reason
        self._metrics.add(DEAD_LETTERS if dead else PARKED, reason)
        if reason != _BEHIND:
            message = "dead letter" if dead else "its key is parked"
            _log.warning(message, extra={"reason": reason, "error": str(item.error), **item.where})
            if fused:
                self._fuse.given_up(str(item.error))

    def _exhausted(self, item: Item, error: RetryError) -> bool:
        if isinstance(error, UnavailableError):
            return False
        now = self._clock()
        if item.first_failure_at is None:
            item.first_failure_at = now
        late = now - item.first_failure_at > self._limits.retry_total_s
        return late or len(item.lane.arrived) > self._limits.key_records

    def _give_up(self, item: Item, error: DeadLetterError) -> None:
        """Park a key that was retried for too long; what has no key has nothing behind it, and is a dead letter."""
        if item.record.key is None:
            self._letters.bury(item, error)
        elif item.place is None and not self._parking.has_room:
            raise RetryError(f"limits.parked_keys is reached, so it goes on waiting: {error}")
        else:
            self._letters.park(item, error)
