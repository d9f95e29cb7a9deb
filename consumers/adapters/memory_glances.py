"""A quick look at many runs in memory, as `redis_glances` has it: for tests, and for nothing else."""

from collections.abc import Sequence

from consumers.adapters.memory_sessions import MemorySessions
from consumers.ports.glances import Glance
from consumers.session import place
from consumers.session.key import SessionKey
from consumers.session.shapes import checked
from consumers.session.stored import DamagedError


class MemoryGlances:
    """The `Glances` port on sessions in memory."""

    def __init__(self, sessions: MemorySessions) -> None:
        self._sessions = sessions

    async def look(self, runs: Sequence[tuple[SessionKey, str]]) -> Sequence[Glance]:
        """As the port says."""
        return [await self._look(key, run_id) for key, run_id in runs]

    async def _look(self, key: SessionKey, run_id: str) -> Glance:
        entries = await self._sessions.read(key, run_id)
        outcome, problem = entries.get(place.OUTCOME), None
        try:
            checked({} if outcome is None else {place.OUTCOME: outcome})
        except DamagedError as error:
            outcome, problem = None, str(error)
        over = place.OUTCOME in entries or place.ERASED in entries
        return Glance(
            begun=bool(entries),
            outcome=outcome,
            erased=place.ERASED in entries,
            cancelled=place.CANCEL in entries,
            waits=not over and place.unanswered(entries),
            problem=problem,
        )
