"""The tasks behind a membership on the fake broker: joining, heartbeats, telling the listener."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Final

from consumers.errors import UnavailableError
from consumers.ports.consumer_group import Listener, PartitionId
from tests.simulation.fake_coordinator import FakeCoordinator, Joined, UnknownMemberError
from tests.simulation.fake_fetcher import FakeFetcher
from tests.simulation.fake_link import Link

_AGAIN_S: Final = 0.1
_LEAVE_S: Final = 5.0


class FakeMembership:
    """Keeps one member in its group."""

    def __init__(
        self,
        coordinator: FakeCoordinator,
        link: Link,
        fetcher: FakeFetcher,
        *,
        session_s: float,
        heartbeat_s: float,
        rebalance_s: float,
        max_poll_s: float,
    ) -> None:
        self._coordinator = coordinator
        self._link = link
        self._fetcher = fetcher
        self._session_s = session_s
        self._heartbeat_s = heartbeat_s
        self._rebalance_s = rebalance_s
        self._max_poll_s = max_poll_s
        self._member: str | None = None
        self._generation = -1
        self._rejoin = asyncio.Event()
        self._failure: Exception | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._polled_at = asyncio.get_running_loop().time()
        self.settled = asyncio.Event()
        """No rebalance is under way, as far as this member knows."""

    @property
    def identity(self) -> tuple[str | None, int]:
        """The member's name, None where it was put out, and the generation of its assignment."""
        return self._member, self._generation

    def begin(self, topics: frozenset[str], listener: Listener) -> None:
        self._rejoin.set()
        self._spawn(self._coordinate(topics, listener), "coordinate")

    async def end(self) -> None:
        """Leave, within a bound."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        member, self._member, self._generation = self._member, None, -1
        if member is not None:
            with contextlib.suppress(UnavailableError, TimeoutError):
                async with asyncio.timeout(_LEAVE_S):
                    await self._link.call("leave", lambda: self._coordinator.leave(member))

    def polled(self) -> None:
        """Note that somebody polls.

        Raises:
            Exception: what the listener raised.
        """
        self._polled_at = asyncio.get_running_loop().time()
        if self._failure is not None:
            raise self._failure

    async def _coordinate(self, topics: frozenset[str], listener: Listener) -> None:
        held: frozenset[PartitionId] = frozenset()
        while True:
            await self._rejoin.wait()
            self.settled.clear()
            self._fetcher.hold()
            # Heartbeats go on meanwhile: the group waits for this, up to its rebalance timeout.
            await self._tell(listener.on_revoked(held))
            self._stop_heartbeats()
            joined = await self._join(topics)
            self._member, self._generation = joined.member, joined.generation
            held = joined.partitions
            self._fetcher.assign(held)
            try:
                listener.on_assigned(held, joined.generation)
            except Exception as error:  # noqa: BLE001 - raised by the next poll
                self._failure = error
            self._spawn(self._send_heartbeats(), "heartbeats")
            self.settled.set()

    async def _join(self, topics: frozenset[str]) -> Joined:
        while True:
            while self._idle_s >= self._max_poll_s:
                await asyncio.sleep(_AGAIN_S)
            self._rejoin.clear()
            member = self._member
            try:
                return await self._link.long_call(
                    "join",
                    lambda member=member: self._coordinator.join(
                        member,
                        topics,
                        session_s=self._session_s,
                        rebalance_s=self._rebalance_s,
                        client=self._link.name,
                    ),
                )
            except UnknownMemberError:
                self._member = None
            except UnavailableError:
                await asyncio.sleep(_AGAIN_S)

    async def _send_heartbeats(self) -> None:
        wait_s = self._heartbeat_s
        while self._member is not None:
            await asyncio.sleep(wait_s)
            try:
                if not await self._heartbeat(self._member):
                    self._rejoin.set()
            except UnknownMemberError:
                self._member = None
                self._rejoin.set()
            except UnavailableError:
                wait_s = _AGAIN_S
            else:
                wait_s = self._heartbeat_s

    async def _heartbeat(self, member: str) -> bool:
        if self._idle_s >= self._max_poll_s:
            await self._link.call("leave", lambda: self._coordinator.leave(member))
        generation = self._generation
        return await self._link.call("heartbeat", lambda: self._coordinator.heartbeat(member, generation))

    @property
    def _idle_s(self) -> float:
        return asyncio.get_running_loop().time() - self._polled_at

    async def _tell(self, told: Coroutine[Any, Any, None]) -> None:
        try:
            await told
        except Exception as error:  # noqa: BLE001 - raised by the next poll
            self._failure = error

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=f"{self._link.name} {name}"))

    def _stop_heartbeats(self) -> None:
        for task in self._tasks[1:]:
            task.cancel()
        del self._tasks[1:]
