"""A rehearsal: an action runs up to the request that would do it, and that is shown instead of sent.

A client asks `rehearse` before it sends; outside a rehearsal that does nothing. A connector whose client asks before everything that
changes something says so (`rehearses=True`); no other is ever rehearsed.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum, auto


class _Until(Enum):
    ANY = auto()
    CHANGE = auto()


_until: ContextVar[_Until | None] = ContextVar("rehearsed_until", default=None)


class Rehearsed(BaseException):
    """What would have been sent. No Exception, so that no connector takes it for a failure of its system."""

    def __init__(self, request: str) -> None:
        super().__init__(request)
        self.request = request


@contextmanager
def rehearsal(*, changes: bool) -> Generator[None]:
    """Rehearse within the block, in this task and in those it starts.

    Args:
        changes: whether requests that only read are sent, as a write may look something up first; otherwise none is.
    """
    token = _until.set(_Until.CHANGE if changes else _Until.ANY)
    try:
        yield
    finally:
        _until.reset(token)


def rehearse(request: Callable[[], str], *, changes: bool) -> None:
    """Say what is about to be sent.

    Args:
        request: describes it for people, without what proves who sends it; asked in a rehearsal only.
        changes: whether it is to change something.

    Raises:
        Rehearsed: this is a rehearsal, and it must not be sent.
    """
    until = _until.get()
    if until is _Until.ANY or (until is _Until.CHANGE and changes):
        raise Rehearsed(request())
