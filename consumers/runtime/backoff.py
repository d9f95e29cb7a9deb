"""How long a key waits before it is tried again: exponential with jitter, or what the other side asked for."""

import random

from consumers.errors import RetryError
from consumers.runtime.limits import RuntimeLimits

_SHORTEST_S = 0.01


def delay_s(error: RetryError, attempts: int, limits: RuntimeLimits, rng: random.Random) -> float:
    """Return the seconds to wait after the given number of attempts.

    A Retry-After is honoured up to `retry_asked_s`, with a little jitter on top, so that keys that were turned away
    together do not come back together.
    """
    if error.after_s is not None:
        asked = min(max(error.after_s, _SHORTEST_S), limits.retry_asked_s)
        return asked * rng.uniform(1.0, 1.1)
    longest = min(limits.retry_first_s * 2 ** min(attempts - 1, 16), limits.retry_max_s)
    return longest * rng.uniform(0.5, 1.0)
