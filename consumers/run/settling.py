"""When a system may be asked whether an attempt took effect whose answer is missing.

Asked too early, it could say no and then do it.
"""

from datetime import datetime

from consumers.ports.clock import Clock


class Settling:
    """Says when a system may be asked.

    What this process saw is timed by a clock that is never set. What an earlier one left behind is timed by the time of
    day, and where that was set back, from now on: nobody waits for longer than `settle_s`.

    Args:
        clock: both clocks.
        settle_s: how long an attempt may be under way after it was sent.
    """

    def __init__(self, clock: Clock, settle_s: float) -> None:
        self._clock = clock
        self._settle_s = settle_s
        self._sent: dict[str, float] = {}

    def sent(self, key: str, at: float) -> None:
        """Note that this process sent an attempt, at that many seconds of the clock, and that its answer is missing."""
        self._sent[key] = at

    def left_s(self, key: str, intended_at: datetime) -> float:
        """Return how long to wait still; 0 where the system may be asked."""
        sent = self._sent.get(key)
        if sent is None:
            passed_s = max(0.0, (self._clock.now() - intended_at).total_seconds())
            sent = self._sent[key] = self._clock.seconds() - min(passed_s, self._settle_s)
        left_s = self._settle_s - (self._clock.seconds() - sent)
        if left_s > 0:
            return left_s
        del self._sent[key]
        return 0.0
