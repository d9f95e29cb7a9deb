"""One login at a time, none while logins pause, and the pause grows while they fail."""

import asyncio

import pytest

from connectors.errors import ActionError, BusyError, NotSentError
from connectors.rpc.dialect import Held
from connectors.rpc.login import FIRST_PAUSE_S, LONGEST_PAUSE_S, Session


class Door:
    """Gives out sessions, or raises what it was told to; counts who knocks."""

    def __init__(self) -> None:
        self.knocks = 0
        self.error: ActionError | None = None
        self.opens = asyncio.Event()
        self.opens.set()
        self.now = 0.0

    async def __call__(self, within_s: float) -> Held:
        self.knocks += 1
        await self.opens.wait()
        if self.error is not None:
            raise self.error
        return Held(leading=(self.knocks,))

    def session(self) -> Session:
        return Session(self, seconds=lambda: self.now)


async def test_any_number_of_callers_share_one_login() -> None:
    door = Door()
    session = door.session()
    got = await asyncio.gather(*(session.held(5) for _ in range(50)))
    assert set(got) == {Held(leading=(1,))}
    again = await asyncio.gather(*(session.held(5, refused=got[0]) for _ in range(50)))
    assert set(again) == {Held(leading=(2,))}
    assert door.knocks == 2


async def test_a_throttled_login_is_not_tried_again_before_its_time() -> None:
    door = Door()
    session = door.session()
    door.error = BusyError("HTTP 429", retry_after_s=20)
    with pytest.raises(BusyError):
        await session.held(5)
    for _ in range(100):
        with pytest.raises(BusyError) as error:
            await session.held(5)
        assert error.value.retry_after_s == 20
    assert door.knocks == 1
    door.error, door.now = None, 20.0
    assert await session.held(5) == Held(leading=(2,))


async def test_a_refused_login_says_so_and_pauses_longer_each_time_up_to_a_limit() -> None:
    door = Door()
    session = door.session()
    door.error = NotSentError("the login of ann was refused")
    pause = FIRST_PAUSE_S
    for knocks in range(1, 15):
        with pytest.raises(NotSentError, match="refused"):
            await session.held(5)
        for _ in range(3):
            with pytest.raises(BusyError, match="refused") as error:
                await session.held(5)
            assert error.value.retry_after_s == min(pause, LONGEST_PAUSE_S)
        assert door.knocks == knocks
        door.now += min(pause, LONGEST_PAUSE_S)
        pause *= 2


async def test_a_login_that_takes_too_long_sent_nothing_and_counts_as_one_that_failed() -> None:
    door = Door()
    session = door.session()
    door.opens.clear()
    with pytest.raises(NotSentError):
        await session.held(0.01)
    with pytest.raises(BusyError):
        await session.held(5)
    assert door.knocks == 1
