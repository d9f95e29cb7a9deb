"""The gate before one system: so many calls at once, so many a second, and none while it does not work."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiolimiter import AsyncLimiter

from connectors.breaker import Breaker, BreakerLimits, Permit, State
from connectors.errors import ActionError, BusyError, FailedError, UnusableResultError
from consumers.telemetry.metrics import CONNECTOR_BREAKER, CONNECTOR_WAITS, Metrics

_STATES: Final = {State.CLOSED: 0.0, State.HALF_OPEN: 1.0, State.OPEN: 2.0}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What one system can bear from one worker.

    Attributes:
        at_once: calls.
        per_second: calls, on average; up to as many may come in a burst. None for as many as there are.
        breaker: when it is left alone, and for how long.
    """

    at_once: int = 64
    per_second: float | None = None
    breaker: BreakerLimits = field(default_factory=BreakerLimits)


class Gate:
    """Whoever calls one system passes here first. For many tasks of one loop.

    | how a call ended                                         | for the breaker                                       |
    |----------------------------------------------------------|-------------------------------------------------------|
    | with a result, a refusal, or an answer we cannot use     | the system works                                        |
    | busy, and it says for how long                           | it is left alone for that long, within `longest_open_s` |
    | busy, not reached, or without a whole answer             | a fault                                                 |
    | cancelled                                                | nothing                                                 |
    """

    def __init__(
        self,
        name: str,
        limits: CallLimits,
        metrics: Metrics,
        *,
        wait_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Let calls through from now on.

        Args:
            name: of the connector, for messages and metrics.
            limits: what its system can bear.
            metrics: counts who waited for what.
            wait_s: how long a call may wait here.
            clock: seconds that only grow, of the breaker; tests own the time.
        """
        self._name: Final = name
        self._metrics: Final = metrics
        self._wait_s: Final = wait_s
        self._longest_s: Final = limits.breaker.longest_open_s
        self._slots: Final = asyncio.Semaphore(limits.at_once)
        self._rate: Final = None if limits.per_second is None else _limiter(limits.per_second)
        self._breaker: Final = Breaker(limits.breaker, clock=clock, told=self._teller())
        metrics.set(CONNECTOR_BREAKER, 0, name)

    @asynccontextmanager
    async def passed(self, action: str) -> AsyncGenerator[None]:
        """Hold a place for one call, which is made inside the block and told of by how it leaves it.

        Raises:
            BusyError: no place was free in time, or the system is left alone. Nothing was called.
        """
        if self._breaker.state is State.OPEN and self._breaker.wait_s:
            raise self._left_alone(action)
        if self._slots.locked():
            self._metrics.add(CONNECTOR_WAITS, self._name, "slot")
            await self._wait(self._slots.acquire, f"{action}: no free slot")
        else:
            await self._slots.acquire()  # at once: there is one
        try:
            if self._rate is not None:
                await self._turn(self._rate, action)
            permit = self._breaker.admit()
            if permit is None:
                raise self._left_alone(action)
            with permit:
                try:
                    yield
                except ActionError as error:
                    self._note(permit, error)
                    raise
                else:
                    permit.succeeded()
        finally:
            self._slots.release()

    async def _turn(self, rate: AsyncLimiter, action: str) -> None:
        if not rate.has_capacity():
            self._metrics.add(CONNECTOR_WAITS, self._name, "rate")
        await self._wait(rate.acquire, f"{action}: no turn, by connectors.{self._name}.calls.per_second,")

    async def _wait(self, until: Callable[[], Awaitable[object]], nothing: str) -> None:
        try:
            async with asyncio.timeout(self._wait_s):
                await until()
        except TimeoutError:
            raise BusyError(f"{nothing} within {self._wait_s:g} s") from None

    def _note(self, permit: Permit, error: ActionError) -> None:
        if isinstance(error, (FailedError, UnusableResultError)):
            permit.succeeded()
            return
        asked_s = error.retry_after_s if isinstance(error, BusyError) else None
        # A system that asks for a week by mistake would be unreachable for a week.
        permit.failed(asked_s and min(asked_s, self._longest_s))

    def _left_alone(self, action: str) -> BusyError:
        self._metrics.add(CONNECTOR_WAITS, self._name, "breaker")
        wait_s = self._breaker.wait_s
        said = f"{action}: not called, {self._name} failed too often and is left alone for {wait_s:.1f} s"
        return BusyError(said, retry_after_s=wait_s)

    def _teller(self) -> Callable[[State], None]:
        def tell(state: State) -> None:
            self._metrics.set(CONNECTOR_BREAKER, _STATES[state], self._name)
            level = logging.WARNING if state is State.OPEN else logging.INFO
            _log.log(level, "connector %s: its breaker is %s", self._name, state)

        return tell


def _limiter(per_second: float) -> AsyncLimiter:
    # Below one a second, one call in so many seconds.
    burst = max(1.0, per_second)
    return AsyncLimiter(burst, burst / per_second)
