"""The port to a session store that has forgotten something and is given it back."""

from typing import Protocol

from consumers.session.key import SessionKey
from consumers.session.refold import Refolded


class Restoring(Protocol):
    """Gives a store back what it has forgotten."""

    async def restore(self, key: SessionKey, session: Refolded) -> int:
        """Add what a session's steps tell to what the store has of it, and return the epoch under which that was done.

        An entry that the store has stays, unless a step under a higher epoch than the store knows contradicts one of its
        run: then the store went back in time, and the run becomes what its steps tell. Every lease of the session ends:
        whoever holds one is fenced. It may be repeated, and broken off anywhere: each run is one atomic step.

        Raises:
            RetryError: the store is unreachable.
            SessionDamagedError: what it has of the session cannot be read; its runs are restored.
        """
        ...
