"""Carries the plan out while events flow, and holds the publisher back until what is due has been done."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from plan import Strike
from processes import Server, until
from traffic import Traffic
from workers import Workers


class Striking:
    """One plan.

    Args:
        planned: what is to be done, in order.
        workers: who is struck.
        broker: what is struck.
        traffic: says how far we are.
        backlog: how many events may be unfinished, and how far the publisher may run ahead of what is due.
        trickle: how many more it may publish for each second that what is due takes.
    """

    def __init__(
        self,
        planned: Sequence[Strike],
        *,
        workers: Workers,
        broker: Server,
        traffic: Traffic,
        backlog: int,
        trickle: float,
    ) -> None:
        self.done: list[tuple[float, str]] = []
        """What was done, with the seconds from the beginning."""
        self.broker_restarts = 0
        self._left = deque(planned)
        self._workers = workers
        self._broker = broker
        self._traffic = traffic
        self._backlog = backlog
        self._trickle = trickle
        self._due_since: float | None = None
        self._broker_is_there = asyncio.Lock()
        self._began = time.monotonic()

    def may(self, number: int) -> bool:
        """Whether an event may be published: workers have enough to do, but not without being struck."""
        if self._traffic.unfinished >= self._backlog:
            return False
        if not self._left:
            return True
        waited_s = time.monotonic() - self._due_since if self._due_since else 0.0
        return number < self._left[0].at + self._backlog + waited_s * self._trickle

    async def run(self) -> None:
        """Do all of it; returns once everything that was struck is back."""
        async with asyncio.TaskGroup() as background:
            while self._left:
                strike = self._left[0]
                await until(lambda at=strike.at: len(self._traffic.ids) >= at, within_s=None)
                self._due_since = time.monotonic()
                await asyncio.sleep(strike.after_s)
                await self._strike(strike, background)
                self._left.popleft()
                self._due_since = None
        await self._workers.thawed()

    async def _strike(self, strike: Strike, background: asyncio.TaskGroup) -> None:
        match strike.kind:
            case "kill":
                self._note(f"{await self._workers.kill(strike.slot)} killed")
            case "freeze":
                name = await self._workers.freeze(strike.slot, strike.for_s)
                self._note(f"{name} frozen for {strike.for_s:.1f} s")
            case "broker kill" | "broker stop":
                await self._broker_is_there.acquire()
                command = strike.kind.removeprefix("broker ")
                self._workers.lose_broker()
                await self._broker.ask(command)
                self._note(f"broker: {command}")
                background.create_task(self._restart(strike.for_s), name="restart the broker")
            case "deploy":
                async with self._broker_is_there:
                    self._note("rolling deploy begins")
                    await self._workers.deploy()
                    self._note("rolling deploy ends")

    async def _restart(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self._broker.ask("start")
        self._workers.find_broker()
        self.broker_restarts += 1
        self._note("broker is back")
        self._broker_is_there.release()

    def _note(self, what: str) -> None:
        self.done.append((round(time.monotonic() - self._began, 1), what))
