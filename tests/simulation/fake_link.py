"""A client's connection to the fake broker: slow, cut, frozen or dead, as a simulation wants it."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from consumers.errors import UnavailableError
from tests.simulation.virtual_time import VirtualTimeLoop, unowned

T = TypeVar("T")

Hook = Callable[["Link", str], None]
"""Told of a call, by its name, such as `commit`; it may cut, freeze or crash the link."""


def _nothing(_link: "Link", _call: str) -> None:
    pass


@dataclass(slots=True, eq=False)
class Link:
    """One client process's way to the broker; all its clients share it.

    A call travels, takes effect at the broker in one moment, and its answer travels back. Each of the three can fail.

    Attributes:
        name: of the client, for traces; the same as its owner's in the virtual time, where that freezes owners.
        rng: draws the latency of each way.
        latency_s: the shortest and longest time of one way.
        before: called right before a call takes effect.
        after: called right after, before the answer leaves.
    """

    name: str
    rng: random.Random
    latency_s: tuple[float, float] = (0.0005, 0.003)
    before: Hook = _nothing
    after: Hook = _nothing
    _dead: bool = False
    _buried: bool = False
    _cut_until: float = 0.0
    _frozen_until: float = 0.0
    _cuts: int = 0
    _waiting: set[asyncio.Future[Any]] = field(default_factory=set[asyncio.Future[Any]])

    @property
    def is_dead(self) -> bool:
        return self._dead

    @property
    def is_cut(self) -> bool:
        return _now() < self._cut_until

    def disarm(self) -> None:
        """Let no hook do anything more."""
        self.before = self.after = _nothing

    def cut(self, seconds: float) -> None:
        """Lose what is under way and let no call through for a while; whether a lost call took effect is unknown."""
        self._cut_until = max(self._cut_until, _now() + seconds)
        self._cuts += 1

    def freeze(self, seconds: float) -> None:
        """As SIGSTOP for a while: heartbeats too. What is on its way out arrives late or not, as the rng says.

        In virtual time everything of the owner stops, where it runs as `owned` by the link's name.
        """
        self._frozen_until = max(self._frozen_until, _now() + seconds)
        loop = asyncio.get_running_loop()
        if isinstance(loop, VirtualTimeLoop):
            loop.freeze(self.name)
            loop.call_later(seconds, self._thaw, loop, context=unowned())

    def crash(self) -> None:
        """As SIGKILL: no call takes effect or returns from now on; in virtual time no code of the owner runs."""
        self._dead = True
        loop = asyncio.get_running_loop()
        if isinstance(loop, VirtualTimeLoop):
            loop.freeze(self.name)

    def bury(self) -> None:
        """Let the tasks of a crashed client end: each of its calls raises CancelledError from now on."""
        self._dead = self._buried = True
        for future in list(self._waiting):
            future.cancel()
        loop = asyncio.get_running_loop()
        if isinstance(loop, VirtualTimeLoop):
            loop.thaw(self.name)

    def _thaw(self, loop: VirtualTimeLoop) -> None:
        if not self._dead and _now() >= self._frozen_until:
            loop.thaw(self.name)

    async def call(self, what: str, effect: Callable[[], T]) -> T:
        """Let the broker do something.

        Raises:
            UnavailableError: the way was cut; it may or may not have been done.
        """
        return await self.long_call(what, lambda: _answered(effect()))

    async def long_call(self, what: str, effect: Callable[[], "asyncio.Future[T]"]) -> T:
        """Let the broker do something and wait for its answer, as for a join.

        Args:
            what: the call's name, for the hooks.
            effect: done in one moment; the future is the broker's answer.
        """
        cuts = self._cuts
        await self._travel(outward=True)
        self._check(cuts)
        self.before(self, what)
        await self._live()
        self._check(cuts)
        answer = effect()
        self.after(self, what)
        await self._live()
        while not answer.done():
            # In steps, so that a way that is cut meanwhile is noticed.
            await asyncio.wait([answer], timeout=0.5)
            await self._live()
            self._check(cuts)
        await self._travel(outward=False)
        self._check(cuts)
        return answer.result()

    async def _travel(self, *, outward: bool) -> None:
        await self._live()
        await self._thawed()
        await asyncio.sleep(self.rng.uniform(*self.latency_s))
        # A request that is in the socket arrives, whatever happens to the process; an answer waits to be read.
        if self._frozen_until > _now() and (not outward or self.rng.random() < 0.5):
            await self._thawed()
        await self._live()

    async def _thawed(self) -> None:
        while (left := self._frozen_until - _now()) > 0:
            await asyncio.sleep(left)

    async def _live(self) -> None:
        while self._dead and not self._buried:
            # Not even a timeout brings it back: a process that is gone has none.
            with contextlib.suppress(asyncio.CancelledError):
                never = asyncio.get_running_loop().create_future()
                self._waiting.add(never)
                await never
        if self._buried:
            raise asyncio.CancelledError
        loop = asyncio.get_running_loop()
        while isinstance(loop, VirtualTimeLoop) and loop.is_frozen(self.name):
            await asyncio.sleep(0)  # a hook has frozen its owner: this is where it stops

    def _check(self, cuts: int) -> None:
        if self.is_cut or cuts != self._cuts:
            raise UnavailableError(f"{self.name}: the way to the broker is cut")


def _now() -> float:
    return asyncio.get_running_loop().time()


def _answered(answer: T) -> "asyncio.Future[T]":
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    future.set_result(answer)
    return future
