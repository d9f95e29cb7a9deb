"""The keeper of a store: says whether it has what it acknowledged, and has it rebuilt where it may not."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from consumers.adapters.redis_guard import CLAIM_S, Look, RedisGuard
from consumers.adapters.redis_trust import Trust
from consumers.errors import RetryError, UnavailableError
from consumers.ports.clock import Clock
from consumers.recovery.rebuilding import Progress, Rebuilding, Rebuilt, StepsLog
from consumers.telemetry.metrics import REBUILDS, REBUILT_RUNS, REDIS_CHECKED, Metrics

_log = logging.getLogger(__name__)

Tell = Callable[[str | None], None]

LOOK_S: Final = 2.0
"""How often a store is looked at; one that refuses somebody is looked at at once."""
_AGAIN_S: Final = 0.5
NOTE_S: Final = 60.0
"""How often it is noted up to where the steps topic is stored."""
SETTLED_S: Final = 600.0
"""After it was published, a step is stored or its worker has lost its partition: longer than any worker may be silent."""


class Keeper:
    """Looks after the store of one process.

    Args:
        guard: asks the store.
        trust: what this process takes as checked; written here.
        rebuilding: rebuilds it; None takes what is there, and notes that something may be missing.
        log: the steps topic.
        clock: both clocks.
        metrics: counts.
        ping: asks the store on the connections that work is done with.
    """

    def __init__(
        self,
        guard: RedisGuard,
        trust: Trust,
        rebuilding: Rebuilding | None,
        log: StepsLog,
        clock: Clock,
        metrics: Metrics,
        ping: Callable[[], Awaitable[None]],
    ) -> None:
        self._guard = guard
        self._trust = trust
        self._rebuilding = rebuilding
        self._log = log
        self._clock = clock
        self._metrics = metrics
        self._ping = ping
        self._ends: deque[tuple[float, str, Mapping[int, int]]] = deque()
        self._noted_s = clock.seconds()

    async def settle(self, tell: Tell) -> None:
        """Return once the store is checked, by us or by another worker; `tell` is told why it is not, or None."""
        while True:
            try:
                if await self._settled(tell):
                    await self._ping()
                    tell(None)
                    return
            except RetryError as error:
                tell(str(error))
            await asyncio.sleep(_AGAIN_S)

    async def watch(self, tell: Tell) -> None:
        """Keep looking, until cancelled; `tell` as above."""
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._trust.doubted.wait()
            except TimeoutError:
                pass
            self._trust.doubted.clear()
            await self.settle(tell)
            try:
                await self._note()
            except RetryError as error:
                _log.info("not noted up to where steps are stored", extra={"error": str(error)})

    async def rebuild(self, progress: Progress) -> Rebuilt | None:
        """Have the store rebuilt from the beginning, whatever it says; None where somebody else is at it.

        Raises:
            RetryError: it, or the broker, is away.
        """
        look = await self._guard.look()
        if look.token:
            await self._guard.distrust(look.token)
        return await self._check(await self._guard.look(), progress)

    async def _settled(self, tell: Tell) -> bool:
        look = await self._guard.look()
        if self._trust.lost and look.token is not None and look.token == self._trust.token:
            _log.error(
                "Redis lacks what it acknowledged, and does not know: it is rebuilt from the beginning"
            )
            await self._guard.distrust(look.token)
            look = await self._guard.look()
        self._trust.lost = False
        if self._adopted(look):
            return True
        self._trust.servers, self._trust.token = frozenset(), None
        self._metrics.set(REDIS_CHECKED, 0)

        def progress(what: str, done: int, total: int) -> None:
            tell(f"Redis: it is checked against the steps topic, {done} of {total} {what}")

        if await self._check(look, progress):
            return self._adopted(await self._guard.look())
        tell("Redis: another worker checks it against the steps topic")
        return False

    def _adopted(self, look: Look) -> bool:
        """Take a store as checked if it is."""
        if look.vouched:
            self._trust.servers, self._trust.token = look.servers, look.token
            self._trust.lost_before = look.lost_before
            self._metrics.set(REDIS_CHECKED, 1)
        return look.vouched

    async def _check(self, look: Look, progress: Progress) -> Rebuilt | None:
        if not await self._guard.claim():
            return None
        progress("steps", 0, 0)
        begun = self._clock.seconds()
        claim = asyncio.create_task(self._keep_claim(), name="keep the claim to rebuild")
        try:
            rebuilt = await self._rebuilt(look, progress)
        finally:
            claim.cancel()
            await asyncio.wait([claim])
        lost_before = None if rebuilt.complete else self._clock.now()
        if not await self._guard.vouch(look, rebuilt.upto, lost_before):
            raise UnavailableError(
                "Redis: it was emptied, or taken over by another worker, while it was checked"
            )
        self._metrics.add(REBUILDS, "complete" if rebuilt.complete else "incomplete")
        self._metrics.add(REBUILT_RUNS, by=rebuilt.runs)
        _log.info(
            "Redis is checked: it was given %d runs of %d sessions, from %d steps",
            *(rebuilt.runs, rebuilt.sessions, rebuilt.steps),
            extra={"seconds": self._clock.seconds() - begun},
        )
        if not rebuilt.complete:
            _log.warning("Redis may lack earlier runs: what cannot be repeated safely is asked about")
        return rebuilt

    async def _rebuilt(self, look: Look, progress: Progress) -> Rebuilt:
        if self._rebuilding is None:
            return Rebuilt({}, complete=False)
        return await self._rebuilding.run(look.checkpoint, progress)

    async def _keep_claim(self) -> None:
        while True:
            await asyncio.sleep(CLAIM_S / 3)
            try:
                await self._guard.claim()
            except RetryError as error:
                _log.warning("the claim to rebuild is not renewed", extra={"error": str(error)})

    async def _note(self) -> None:
        """Note the ends that the topic had a while ago: what was published before them is stored by now."""
        now, token = self._clock.seconds(), self._trust.token
        if self._rebuilding is None or token is None or now - self._noted_s < NOTE_S:
            return
        self._noted_s = now
        settled = None
        while self._ends and now - self._ends[0][0] >= SETTLED_S:
            settled = self._ends.popleft()
        if settled and settled[1] == token:
            await self._guard.note(token, settled[2])
        if extents := await self._log.extents():
            self._ends.append((now, token, {number: span.end for number, span in extents.items()}))
