"""A circuit breaker: whoever fails again and again is left alone for a while, then asked by one caller alone. Pure.

    closed ── faults in a row, a share of faults, or a wait that was asked for ──> open
    open ── its time is over ──> half-open: exactly one caller is let through, the probe
    half-open ── the probe succeeds ──> closed
    half-open ── the probe fails ──> open, for twice as long as before
    half-open ── the probe is given up, such as by a cancellation ──> half-open: the next caller is the probe

Nothing here waits, so one event loop needs no lock. It is not for threads.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Final, Self


class State(StrEnum):
    """What a breaker does with the next caller."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When a breaker opens, and for how long.

    Attributes:
        in_a_row: so many faults one after the other open it.
        rate: this share of faults among the last `window` calls opens it; 1 leaves that to `in_a_row`.
        window: calls that the share is taken of; with fewer it is not judged.
        open_s: how long it stays open at first; each probe that fails doubles that.
        longest_open_s: what the doubling ends at. A longer wait that the other side asked for is kept all the same.
    """

    in_a_row: int = 5
    rate: float = 0.5
    window: int = 20
    open_s: float = 5.0
    longest_open_s: float = 300.0


_MOST_DOUBLINGS: Final = 32


def _nobody(_state: State) -> None:
    """Tell nobody."""


class Breaker:
    """Guards one thing that is called. Each method is atomic within an event loop.

    Args:
        limits: when it opens, and for how long.
        clock: seconds that only grow; tests own the time.
        told: called with each new state, at once; it must not raise.
    """

    def __init__(
        self,
        limits: BreakerLimits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        told: Callable[[State], None] = _nobody,
    ) -> None:
        self._limits: Final = limits or BreakerLimits()
        self._clock: Final = clock
        self._told: Final = told
        self._state = State.CLOSED
        self._recent: deque[bool] = deque(maxlen=self._limits.window)
        self._in_a_row = 0
        self._openings = 0  # since it was closed last
        self._open_until = 0.0
        self._era = 0  # what was let through before the state changed says nothing about the new one
        self._probe: Permit | None = None

    @property
    def state(self) -> State:
        """What it is. An open one whose time is over is half-open from the next `admit` on."""
        return self._state

    @property
    def wait_s(self) -> float:
        """How long a caller that was not let through should wait: until its time is over, or a probe may have ended."""
        if self._state is State.OPEN:
            return max(0.0, self._open_until - self._clock())
        return self._limits.open_s if self._probe else 0.0

    def admit(self) -> "Permit | None":
        """Let a caller through, or return None. A permit must be used as a context manager, around the call."""
        if self._state is State.OPEN and self._clock() >= self._open_until:
            self._enter(State.HALF_OPEN)
        if self._state is State.OPEN or self._probe:
            return None
        permit = Permit(self, self._era)
        if self._state is State.HALF_OPEN:
            self._probe = permit
        return permit

    def end(self, permit: "Permit", fault: "Fault | None") -> None:
        """Note how a call ended that was let through; only a permit calls this."""
        if permit.era != self._era:
            if fault and fault.after_s and self._state is State.OPEN:
                self._open_until = max(self._open_until, self._clock() + fault.after_s)
            return
        if fault is None:
            self._succeeded()
        else:
            self._failed(fault)

    def give_up(self, permit: "Permit") -> None:
        """Free the place of a call that ended in neither way; only a permit calls this."""
        if self._probe is permit:
            self._probe = None

    def _succeeded(self) -> None:
        if self._state is State.HALF_OPEN:
            self._openings = 0
            self._enter(State.CLOSED)
        self._in_a_row = 0
        self._recent.append(False)

    def _failed(self, fault: "Fault") -> None:
        self._in_a_row += 1
        self._recent.append(True)
        wait_s = fault.after_s or 0.0
        if self._state is State.HALF_OPEN or self._is_too_much():
            own_s = self._limits.open_s * 2.0 ** min(self._openings, _MOST_DOUBLINGS)
            wait_s = max(wait_s, min(own_s, self._limits.longest_open_s))
            self._openings += 1
        if wait_s:
            self._open_until = self._clock() + wait_s
            self._enter(State.OPEN)

    def _is_too_much(self) -> bool:
        limits, recent = self._limits, self._recent
        full = len(recent) == limits.window
        return self._in_a_row >= limits.in_a_row or (full and sum(recent) >= limits.rate * limits.window)

    def _enter(self, state: State) -> None:
        self._state = state
        self._era += 1
        self._probe = None
        if state is not State.HALF_OPEN:
            self._in_a_row = 0
            self._recent.clear()
        self._told(state)


@dataclass(frozen=True, slots=True)
class Fault:
    """How a call failed.

    Attributes:
        after_s: how long the other side asked to be left alone, which opens a breaker at once; None where it did not say.
    """

    after_s: float | None = None


class Permit:
    """The right to make one call. How it ended is said once; a block that is left without a word gives the place back."""

    def __init__(self, breaker: Breaker, era: int) -> None:
        """`Breaker.admit` makes them."""
        self.era: Final = era
        self._breaker: Final = breaker
        self._ended = False

    def succeeded(self) -> None:
        """Say that the other side works, whatever it thought of the request."""
        self._end(None)

    def failed(self, after_s: float | None = None) -> None:
        """Say that it does not work, and for how long it asked to be left alone."""
        self._end(Fault(after_s))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._breaker.give_up(self)

    def _end(self, fault: Fault | None) -> None:
        if not self._ended:
            self._ended = True
            self._breaker.end(self, fault)
