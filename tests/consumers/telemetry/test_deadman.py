"""A process whose event loop is blocked is ended by a thread, and one whose loop turns is not."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable

import pytest

from consumers.telemetry import deadman
from consumers.telemetry.deadman import BLOCKED, Deadman

TOLD = "orders[0] offset 41, key 0a1b2c, step 'parsing' for 3 s"


class Waits(threading.Event):
    """In place of the thread's waiting: at each wait something happens, and after the last one it is told to end."""

    def __init__(self, happenings: Iterable[Callable[[], object]]) -> None:
        super().__init__()
        self._happenings = iter(happenings)
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        happening = next(self._happenings, None)
        if happening is None:
            return True
        happening()
        return False


class Watched(Deadman):
    """One that watches without a thread, and without waiting."""

    def __init__(self) -> None:
        self.ended: list[int] = []
        super().__init__(600, lambda: TOLD, self.ended.append)

    def watch(self, *happenings: Callable[[], object]) -> list[float | None]:
        """Return for how long it waited, each time."""
        self._over = waits = Waits(happenings)
        self._watch()
        return waits.seconds

    def turn(self) -> None:
        """Let the event loop turn."""

        async def once() -> None:
            task = asyncio.create_task(self.beat())
            await asyncio.sleep(0)
            task.cancel()

        asyncio.run(once())


def nothing() -> None:
    pass


def test_a_loop_that_is_blocked_ends_the_process_and_the_log_says_what_was_worked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(deadman, "_BEAT_S", 0.01)
    codes: list[int] = []
    done = threading.Event()

    def end(code: int) -> None:
        codes.append(code)
        done.set()

    async def blocked() -> None:
        with Deadman(0.05, lambda: TOLD, end) as made:
            task = asyncio.create_task(made.beat())
            await asyncio.sleep(0)
            # The event loop stands still here, as in a call that waits in the kernel.
            assert done.wait(30), "nobody ended it"
            task.cancel()

    asyncio.run(blocked())
    assert codes == [BLOCKED] == [70]
    (line,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert "the event loop is blocked" in line.message
    assert line.__dict__["error"] == TOLD


def test_a_loop_that_turns_goes_on_for_ever() -> None:
    made = Watched()
    waited = made.watch(*[made.turn] * 50)
    assert made.ended == []
    assert waited == [600] * 51


def test_a_loop_that_never_turned_is_ended_too() -> None:
    made = Watched()
    made.watch(nothing, nothing, nothing)
    assert made.ended == [BLOCKED]


def test_it_is_ended_once_after_a_whole_limit_without_a_beat() -> None:
    made = Watched()
    waited = made.watch(made.turn, nothing, nothing, nothing, nothing)
    assert made.ended == [BLOCKED]
    assert waited == [600, 600, 2.0]


def test_a_process_that_was_frozen_gets_a_moment_to_beat_again() -> None:
    """The thread may be the first to run when a frozen process goes on: the limit is over, and nobody is to blame."""
    made = Watched()
    waited = made.watch(made.turn, nothing, made.turn, made.turn)
    assert made.ended == []
    assert waited == [600, 600, 2.0, 600, 600]


def test_leaving_the_block_ends_the_thread() -> None:
    before = set(threading.enumerate())
    with Deadman(600, lambda: TOLD, nothing_with):
        (thread,) = set(threading.enumerate()) - before
    thread.join(10)
    assert not thread.is_alive()


def nothing_with(_code: int) -> None:
    pass
