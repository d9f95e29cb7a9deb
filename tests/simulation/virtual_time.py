"""An event loop whose clock jumps to the next timer: hours pass in milliseconds, and a run repeats exactly.

Deterministic as long as nothing iterates over sets of strings; simulations set PYTHONHASHSEED for that. There are no
threads, sockets or signals here. `freeze` stops one owner's code as SIGSTOP stops a process: see `owned`.
"""

import asyncio
import contextlib
import contextvars
import heapq
import math
import random
from collections import deque
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

STARTS_AT = 1000.0
"""Not zero, which code may take for "never"."""
_BURY_ROUNDS = 100

OWNER: ContextVar[str] = ContextVar("owner", default="")
"""Whose code runs; tasks and callbacks inherit it from who creates them."""


class DeadlockError(Exception):
    """Nothing is ready and no timer is set, or it goes on and on: whoever waits would wait for ever."""


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """See the module. `time()` is seconds since an arbitrary start.

    Args:
        shuffle: where given, callbacks that are ready at the same time run in an order drawn from it.
        horizon_s: what is not over by then never ends.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, shuffle: random.Random | None = None, *, horizon_s: float = math.inf) -> None:
        super().__init__()
        self._now = STARTS_AT
        self._horizon = STARTS_AT + horizon_s
        self._shuffle = shuffle
        self._frozen: dict[str, list[asyncio.Handle]] = {}

    def time(self) -> float:
        return self._now

    def freeze(self, owner: str) -> None:
        """Run nothing of this owner until `thaw`; timers that come due meanwhile are late then. For ever is SIGKILL."""
        self._frozen.setdefault(owner, [])

    def thaw(self, owner: str) -> None:
        """Let the owner go on, with all that has become due."""
        self._ready.extend(self._frozen.pop(owner, []))

    def thaw_all(self) -> None:
        for owner in list(self._frozen):
            self.thaw(owner)

    def is_frozen(self, owner: str) -> bool:
        return owner in self._frozen

    def _run_once(self) -> None:
        self._forget_cancelled_timers()
        if not self._ready:
            if not self._scheduled:
                raise DeadlockError(f"everybody waits: {_waiting(self)}")
            self._now = max(self._now, self._scheduled[0].when())
            if self._now > self._horizon:
                self._horizon = math.inf  # what is left is to be ended
                raise DeadlockError(f"after {self._now - STARTS_AT:.0f} s: {_waiting(self)}")
        while self._scheduled and self._scheduled[0].when() <= self._now:
            self._ready.append(_unscheduled(heapq.heappop(self._scheduled)))
        turn = list(self._ready)
        self._ready.clear()
        if self._shuffle is not None:
            self._shuffle.shuffle(turn)
        for place, handle in enumerate(turn):
            if handle.cancelled():
                continue
            held = self._frozen.get(_context_of(handle).get(OWNER, "")) if self._frozen else None
            if held is not None:
                held.append(handle)
                continue
            try:
                handle._run()  # pyright: ignore[reportAttributeAccessIssue] - what the real loops call
            except BaseException:
                self._ready.extendleft(reversed(turn[place + 1 :]))
                raise

    def _forget_cancelled_timers(self) -> None:
        while self._scheduled and self._scheduled[0].cancelled():
            _unscheduled(heapq.heappop(self._scheduled))

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing to count: `_run_once` looks itself."""

    def _write_to_self(self) -> None:
        """Nothing sleeps that would have to be woken: all is one thread."""

    def _process_events(self, event_list: object) -> None:
        """No sockets, no events."""


def owned(owner: str, work: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
    """Run work as an owner's; everything it starts is the owner's as well."""
    context = contextvars.copy_context()
    context.run(OWNER.set, owner)
    return asyncio.get_running_loop().create_task(work, name=name or owner, context=context)


def unowned() -> contextvars.Context:
    """Return the context of nobody, for callbacks that a frozen owner must not hold up: the network, the broker."""
    return contextvars.Context()


def run(
    main: Coroutine[Any, Any, T], *, shuffle: random.Random | None = None, horizon_s: float = 86_400.0
) -> T:
    """Run to the end in virtual time; what is still under way then is cancelled.

    See `VirtualTimeLoop` for the arguments.

    Raises:
        DeadlockError: `main` waits for something that nobody will do.
    """
    loop = VirtualTimeLoop(shuffle, horizon_s=horizon_s)
    asyncio.set_event_loop(None)
    try:
        return loop.run_until_complete(main)
    finally:
        _bury(loop)
        loop.close()


def _bury(loop: VirtualTimeLoop) -> None:
    """End every task; one that ignores being cancelled for long is left, and asyncio complains of it."""
    loop.thaw_all()
    for _ in range(_BURY_ROUNDS):
        left = asyncio.all_tasks(loop)
        if not left:
            break
        for task in left:
            task.cancel()
        with contextlib.suppress(DeadlockError):
            loop.run_until_complete(asyncio.wait(left, timeout=1))
    loop.run_until_complete(loop.shutdown_asyncgens())


def _waiting(loop: asyncio.AbstractEventLoop) -> str:
    return ", ".join(sorted(task.get_name() for task in asyncio.all_tasks(loop))) or "nobody"


def _context_of(handle: asyncio.Handle) -> contextvars.Context:
    return handle._context  # pyright: ignore[reportAttributeAccessIssue,reportUnknownVariableType]


def _unscheduled(timer: asyncio.TimerHandle) -> asyncio.TimerHandle:
    timer._scheduled = False  # pyright: ignore[reportAttributeAccessIssue]
    return timer
