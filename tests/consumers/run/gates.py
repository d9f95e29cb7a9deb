"""Ports whose every call waits at a gate until it is let through: so the order of several workers' calls is ours."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from connectors.action import Call
from connectors.errors import BusyError, InDoubtError
from connectors.perform import perform
from consumers.adapters.memory_deadlines import MemoryDeadlines
from consumers.adapters.memory_sessions import MemorySessions
from consumers.errors import UnavailableError
from consumers.ports.actions import ActionRequest
from consumers.ports.claim import ClaimLostError, HandedOverError
from consumers.ports.sessions import Body, Entry, Lease, Opened
from consumers.router.exchange import Prompt, Reply
from consumers.session.context import Context
from consumers.session.key import SessionKey
from schemas.approval import ApprovalRequest
from schemas.chain import linked
from schemas.expiry import Expiry
from schemas.outcome import Outcome
from schemas.step import Step
from tests.consumers.run.shop_world import Crash, Ledger


class Fate(StrEnum):
    """What becomes of a call that waits."""

    PASS = "pass"
    LOSE_ANSWER = "lose answer"
    """It is done, and the caller does not learn of it."""
    FAIL = "fail"
    """It is not done, and the caller is told to come back later."""
    REFUSE = "refuse"
    """An action is refused for good; any other call passes."""
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    """It is done, and the process is gone."""


@dataclass(eq=False)
class Waiting:
    """One call at the gate."""

    worker: "Worker"
    port: str
    fate: "asyncio.Future[Fate]"

    @property
    def is_action(self) -> bool:
        return self.port.startswith("shop.")


class ActedOnClaim:
    """A claim that is taken away when a test says so."""

    def __init__(self) -> None:
        self.handing_over = False
        self.lost = False

    def enter(self, step: str) -> None:
        self.hold(step)
        if self.handing_over:
            raise HandedOverError(step)

    def hold(self, step: str) -> None:
        if self.lost:
            raise ClaimLostError(step)


@dataclass(eq=False)
class Worker:
    """One process that works one message."""

    name: str
    gate: "Gate"
    claim: ActedOnClaim = field(default_factory=ActedOnClaim)
    dead: bool = False

    async def through(self, port: str, do: Callable[[], Awaitable[Any]]) -> Any:
        """Wait to be let through, then do it; the dead do nothing more."""
        fate = await self.gate.fate(self, port)
        if self.dead or fate is Fate.CRASH_BEFORE:
            self.gate.bury(self)
            raise Crash
        is_action = port.startswith("shop.")
        if fate is Fate.FAIL:
            raise BusyError(port) if is_action else UnavailableError(port)
        self.gate.refusing = fate is Fate.REFUSE and is_action
        try:
            answer = await do()
        finally:
            self.gate.refusing = False
        if fate is Fate.CRASH_AFTER:
            self.gate.bury(self)
            raise Crash
        if fate is Fate.LOSE_ANSWER:
            raise InDoubtError(port) if is_action else UnavailableError(port)
        return answer


class Gate:
    """Who waits, oldest first."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []
        self.refusing = False
        """The system that is asked now says no."""

    async def fate(self, worker: Worker, port: str) -> Fate:
        if worker.dead:
            return Fate.CRASH_BEFORE
        waiting = Waiting(worker, port, asyncio.get_running_loop().create_future())
        self.waiting.append(waiting)
        try:
            return await waiting.fate
        finally:
            if waiting in self.waiting:
                self.waiting.remove(waiting)

    def let(self, waiting: Waiting, fate: Fate) -> None:
        self.waiting.remove(waiting)
        waiting.fate.set_result(fate)

    def bury(self, worker: Worker) -> None:
        """End whatever else the process was doing."""
        worker.dead = True
        for waiting in [one for one in self.waiting if one.worker is worker]:
            self.let(waiting, Fate.CRASH_BEFORE)


class GatedSessions:
    """The `Sessions` port of one worker on a store that all share."""

    def __init__(self, store: MemorySessions, worker: Worker) -> None:
        self._store = store
        self._through = worker.through

    async def open(self, key: SessionKey, run_id: str, *, take_over: bool = True) -> Opened:
        return await self._through("open", lambda: self._store.open(key, run_id, take_over=take_over))

    async def read(self, key: SessionKey, run_id: str) -> Any:
        return await self._through("read", lambda: self._store.read(key, run_id))

    async def append(self, lease: Lease, entries: Sequence[Entry]) -> Any:
        return await self._through("append", lambda: self._store.append(lease, list(entries)))

    async def close(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Any:
        return await self._through("close", lambda: self._store.close(lease, list(entries), context))

    async def park(self, lease: Lease, entries: Sequence[Entry], context: Context) -> Any:
        return await self._through("park", lambda: self._store.park(lease, list(entries), context))

    async def release(self, lease: Lease) -> None:
        await self._through("release", lambda: self._store.release(lease))

    async def cancel(self, key: SessionKey, run_id: str, body: Body) -> bool:
        return await self._through("cancel", lambda: self._store.cancel(key, run_id, body))

    async def erase(self, key: SessionKey, at: Any) -> Sequence[str]:
        return await self._through("erase", lambda: self._store.erase(key, at))


class GatedActions:
    """The `Actions` port of one worker, on a ledger that all share."""

    def __init__(self, ledger: Ledger, worker: Worker) -> None:
        self._ledger = ledger
        self._through = worker.through

    async def perform(self, request: ActionRequest) -> Any:
        call = Call(self._ledger, request.key, 10.0, request.tenant, request.run_id)
        arguments = request.action.arguments.model_validate(dict(request.arguments))
        return await self._through(request.action.name, lambda: perform(request.action, call, arguments))


class GatedModel:
    """A model that never answers the same twice: whoever asks it again gets another decision."""

    def __init__(self, replies: "list[Reply]", last: Reply, worker: Worker) -> None:
        self._replies = replies
        self._last = last
        self._through = worker.through

    async def reply(self, prompt: Prompt) -> Reply:
        del prompt

        async def answer() -> Reply:
            return self._replies.pop(0) if self._replies else self._last

        return await self._through("model", answer)


@dataclass
class Topics:
    """What was published."""

    steps: list[Step] = field(default_factory=list[Step])
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    requests: list[ApprovalRequest] = field(default_factory=list[ApprovalRequest])


class GatedDeadlines:
    """The `Deadlines` port of one worker."""

    def __init__(self, deadlines: MemoryDeadlines, worker: Worker) -> None:
        self._deadlines = deadlines
        self._through = worker.through

    async def keep(self, expiry: Expiry) -> None:
        await self._through("keep", lambda: self._deadlines.keep(expiry))

    async def due(self, now: datetime, most: int) -> Sequence[Expiry]:
        return await self._deadlines.due(now, most)

    async def drop(self, expiry: Expiry) -> None:
        await self._through("drop", lambda: self._deadlines.drop(expiry))


class GatedOutbox:
    """The `Outbox` port of one worker."""

    def __init__(self, topics: Topics, worker: Worker) -> None:
        self._topics = topics
        self._through = worker.through

    async def steps(self, steps: Sequence[Step], after: str | None = None) -> str:
        published = list(steps if after is None else linked(steps, after))

        async def publish() -> None:
            self._topics.steps.extend(published)

        await self._through("steps", publish)
        return published[-1].link or ""

    async def publish(self, said: Outcome | ApprovalRequest) -> None:
        async def publish() -> None:
            if isinstance(said, Outcome):
                self._topics.outcomes.append(said)
            else:
                self._topics.requests.append(said)

        await self._through("publish", publish)
