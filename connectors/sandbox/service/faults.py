"""Faults on request: how tests make the sandbox slow, busy or mute at a chosen moment."""

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

LIMIT = 100
"""Faults that may wait at once."""


class Fault(BaseModel):
    """What shall happen to the next requests that match.

    Attributes:
        path: a glob over the request's path, such as `/orders` or `/orders/*/cancel`.
        method: only requests with this method; every method where it is null.
        kind: `delay` answers later; `lost_reply` does the work, then drops the connection without an answer;
            `status` does nothing and answers with `status`.
        count: for how many requests.
        delay_s: for `delay`, before the work.
        status: for `status`.
        retry_after: for `status`, sent as `Retry-After` as it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    kind: Literal["delay", "lost_reply", "status"]
    method: Literal["GET", "POST"] | None = None
    count: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    delay_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    status: Annotated[int, Field(ge=400, le=599)] = 503
    retry_after: str | None = None


class Faults:
    """The faults that still wait, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> bool:
        """Queue a fault; returns False where there are too many already."""
        if len(self._waiting) >= LIMIT:
            return False
        self._waiting.append((fault, fault.count))
        return True

    def clear(self) -> None:
        """Forget all."""
        self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the oldest fault for this request and count it, or None."""
        for place, (fault, left) in enumerate(self._waiting):
            if fault.method in {None, method} and fnmatchcase(path, fault.path):
                if left == 1:
                    del self._waiting[place]
                else:
                    self._waiting[place] = (fault, left - 1)
                return fault
        return None
