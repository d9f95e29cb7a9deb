"""One play: events are published, the worker works, is struck at its point and started again, until all is over."""

import asyncio
import contextlib
import signal
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from facts import Instant, Played
from lane import Lane
from points import Point
from scenarios import TENANT, Play

from consumers.session.key import SessionKey

_REACH_S: Final = 3.0
"""How long the last call of a play may still be on its way here once all that it does is seen."""
_MOST_RESTARTS: Final = 3
_LOG: Final = 3000


@dataclass
class Playing:
    """A play that is under way on a lane.

    Attributes:
        lane: where.
        play: what.
        point: where it is to be struck; nowhere if None.
        patience_s: how long it may take.
    """

    lane: Lane
    play: Play
    point: Point | None
    patience_s: float
    _struck: bool = False
    _then: Instant | None = None
    _noted: asyncio.Event = field(default_factory=asyncio.Event)
    _restarts: int = 0
    _calls: tuple[str, ...] = ()

    async def to_its_end(self) -> Played:
        """Play it to its end, or as far as it comes; never takes much longer than its patience."""
        servers, began = self.lane.servers, time.monotonic()
        self._logged = (servers.folder / "worker.log").stat().st_size
        self._events = self.play.events()
        self._before = servers.sandbox.add_customer(self.play.customer)
        self._asked = servers.model.asked
        servers.gate.watch(self.point, self._strike)
        trouble = await self._trouble()
        servers.gate.watch()
        return await self._played(trouble, time.monotonic() - began)

    async def _trouble(self) -> str:
        """Let it go; returns why it did not come to its end, if it did not."""
        story = asyncio.create_task(self._story(), name="story")
        attending = asyncio.create_task(self._attend(), name="attend to the worker")
        try:
            done, _ = await asyncio.wait(
                {story, attending}, timeout=self.patience_s, return_when=asyncio.FIRST_COMPLETED
            )
            if attending in done:
                return attending.result()
            if story in done:
                story.result()
                return ""
            return f"it has not ended after {self.patience_s:g} s"
        finally:
            for task in (story, attending):
                task.cancel()
            await asyncio.wait({story, attending})

    async def _story(self) -> None:
        """Publish, answer for the person, and wait for the end."""
        traffic, ids = self.lane.traffic, {event.id for _, event in self._events}
        gate = self.lane.servers.gate
        await traffic.publish(self._events)
        if self.play.scenario.held:
            await traffic.until(lambda: any(r.event_id in ids for _, r in traffic.requests))
            await traffic.settled()  # people take their time: the worker has nothing in hand when they answer
            await traffic.approve(next(r for _, r in traffic.requests if r.event_id in ids))
        await traffic.until(lambda: ids <= {o.event_id for _, o in traffic.outcomes})
        await traffic.settled()
        if self.point is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_REACH_S):
                    await gate.struck.wait()
            if gate.struck.is_set():
                await self._noted.wait()
                await traffic.settled()
        self._calls = tuple(gate.calls)
        gate.watch()
        await self._once_more()

    async def _once_more(self) -> None:
        """Publish the same events again: nothing is to come of it but the same outcomes."""
        traffic = self.lane.traffic
        before = {event.id: traffic.copies(event.id) for _, event in self._events}
        await traffic.publish(self._events)
        await traffic.until(lambda: all(traffic.copies(event) > count for event, count in before.items()))
        await traffic.settled()

    async def _attend(self) -> str:
        """Start the worker again whenever it has ended; returns when it ends too often."""
        while True:
            worker = self.lane.worker or await self.lane.start_worker()
            await asyncio.wait([worker.code])
            self.lane.worker = None
            if self._struck and self._then is None and worker.code.result() == -signal.SIGKILL:
                self._then = await self._instant_struck()
                await self.lane.start_worker()
                self._noted.set()
                continue
            self._restarts += 1
            kills = self.point is None or self.point.blow == "worker"
            if kills or self._restarts > _MOST_RESTARTS:
                return f"a worker ended by itself with {worker.code.result()}"

    async def _strike(self) -> bool:
        assert self.point is not None
        self._struck = True
        redis = self.lane.servers.redis
        if self.point.blow == "worker":
            assert self.lane.worker is not None
            self.lane.worker.send(signal.SIGKILL)
            return False
        self._then = await self._instant_struck()
        match self.point.blow:
            case "redis-kill":
                await redis.kill()
            case "redis-cut":
                await redis.cut(several=False)
            case "redis-cut-more":
                await redis.cut(several=True)
            case "redis-flush":
                await redis.flush()
        self._noted.set()
        return True

    async def _instant_struck(self) -> Instant:
        """The worker stands still or is dead: what it has published must be known before it goes on."""
        await self.lane.traffic.caught_up()
        return await self._instant()

    async def _instant(self) -> Instant:
        servers = self.lane.servers
        runs = [event.run_id for _, event in self._events]
        return Instant(
            journals=await servers.redis.journals(SessionKey(TENANT, self.play.session), runs),
            books=servers.sandbox.books(self.play.customer, self._before),
            asked=servers.model.asked - self._asked,
            published=self._published(runs),
        )

    def _published(self, runs: list[str]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = defaultdict(list)
        for _, step in self.lane.traffic.steps:
            if step.run_id in runs:
                found[step.id].append(step.body)
        return found

    async def _played(self, trouble: str, seconds: float) -> Played:
        traffic, ids = self.lane.traffic, {event.id for _, event in self._events}
        if trouble:
            trouble += f"; its log: {self.lane.log(self._logged)[-_LOG:]}"
        return Played(
            play=self.play,
            point=self.point,
            calls=self._calls,
            struck=self._struck,
            then=self._then,
            end=await self._instant(),
            outcomes=[one for one in traffic.outcomes if one[1].event_id in ids],
            requests=[one for one in traffic.requests if one[1].event_id in ids],
            steps=[one for one in traffic.steps if one[1].event_id in ids],
            lag=await traffic.lag(),
            strays=len(traffic.strays),
            restarts=self._restarts,
            trouble=trouble,
            seconds=seconds,
        )
