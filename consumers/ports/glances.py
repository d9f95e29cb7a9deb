"""The port to a quick look at many runs at once: has each begun, and how did it end?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from consumers.ports.sessions import Body
from consumers.session.key import SessionKey


@dataclass(frozen=True, slots=True)
class Glance:
    """What the store has of a run.

    Attributes:
        begun: whether it has anything of it.
        outcome: its terminal entry, or None.
        erased: whether its session was erased.
        cancelled: whether an operator ended it.
        waits: whether it was parked with a question to a person, or in doubt, and has not gone on.
        problem: what cannot be read of it, or None.
    """

    begun: bool
    outcome: Body | None = None
    erased: bool = False
    cancelled: bool = False
    waits: bool = False
    problem: str | None = None


class Glances(Protocol):
    """Looks without taking leases or disturbing who works."""

    async def look(self, runs: Sequence[tuple[SessionKey, str]]) -> Sequence[Glance]:
        """Return what the store has of each run, in order, in few round trips.

        Raises:
            UnavailableError: the store is unreachable, or yet to be checked.
        """
        ...
