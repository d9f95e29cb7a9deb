"""A stand for jobs that work: one event of a small world, and the handler that a job's loop would call."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from consumers.adapters.memory_jobs import MemoryJobs
from consumers.errors import DeadLetterError
from consumers.ports.claim import Claim
from consumers.replay.chosen import Chosen
from consumers.replay.evidence import Evidence
from consumers.replay.job import Bounds, Job, Mode
from consumers.replay.judging import Judging
from consumers.replay.pace import Pace
from consumers.replay.worked import Said, Worked
from consumers.router.route import Route, RouteTable
from schemas.envelope import Envelope
from schemas.outcome import Outcome
from schemas.record import Outgoing, Record
from tests.consumers.run.shop_world import NOW, CountingClaim, World, finish, reply, turns

ORDER = reply(("shop__order", {"quantity": 2}))
PATIENCE_S = 900.0


class Handles:
    """Works the world's event, whatever the record says; one whose value is `bad` is no event."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def decode(self, record: Record) -> Envelope:
        if record.value == b"bad":
            raise DeadLetterError("no event", reason="unreadable")
        if record.value == b"other":
            return replace(self._world.event, type="other.thing")
        return self._world.event

    async def work(
        self, event: Envelope, route: Route, claim: Claim
    ) -> tuple[Said | None, Sequence[Outgoing]]:
        said = await self._world.engine().work(event, route, claim)
        return said, [Outgoing("out", None, said.id.encode() if isinstance(said, Outcome) else b"asked")]


class Stand:
    """A job over one event of a world."""

    def __init__(self, world: World, evidence: Evidence) -> None:
        self.world = world
        self.evidence = evidence
        self.jobs = MemoryJobs()
        self.lost_before: datetime | None = None
        self.live: dict[int, int] = {}

    def handler(self, mode: Mode = Mode.RESUME, *, allow_older: bool = False, **of_job: Any) -> Worked:
        """Return the handler of a fresh process."""
        chosen, bounds = of_job.get("chosen", Chosen()), of_job.get("bounds", Bounds())
        at = of_job.get("ordered_at", NOW + timedelta(minutes=1))
        job = Job("j", mode, "orders", {0: (0, 9)}, chosen, None, "o", at, bounds=bounds)
        return Worked(
            job,
            handles=Handles(self.world),
            routes=RouteTable([self.world.route]),
            judging=Judging(job, self.world.sessions, self.evidence, lambda: self.lost_before, allow_older),
            jobs=self.jobs,
            pace=Pace(),
            live=self.live,
            clock=self.world.clock,
            until=at + timedelta(days=6),
            patience_s=PATIENCE_S,
        )


def record(value: bytes = b"event", offset: int = 3) -> Record:
    return Record("orders", 0, offset, int(NOW.timestamp() * 1000), b"key", value, ())


def world(*answers: Any, **more: Any) -> World:
    return World(turns(*(answers or (ORDER, reply(finish())))), **more)


async def skipped(handler: Worked, place: Record | None = None) -> str:
    """Have a record handled that is left alone, and return why."""
    assert await handler(place or record(), CountingClaim()) == ()
    (why,) = (how.removeprefix("skipped: ") for how in handler.tally if how != "read")
    return why
