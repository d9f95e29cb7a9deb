"""The leases that a process has in hand, and what it knows of the store that gave each."""

from collections.abc import Iterator
from dataclasses import dataclass

from consumers.ports.sessions import Lease


@dataclass(slots=True)
class Held:
    """A lease in hand.

    Attributes:
        lease: which.
        token: of the store that gave it; see `consumers.adapters.redis_trust`.
        revision: the session's, as the server last told it: a lower one later is a loss.
    """

    lease: Lease
    token: str
    revision: int


class Leases:
    """One for each session at most: whoever opens it again has given up the former one."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}

    def __iter__(self) -> Iterator[Lease]:
        return iter([held.lease for held in self._held.values()])

    def take(self, lease: Lease, token: str, revision: int) -> None:
        """Note a lease that was given."""
        self._held[lease.key.meta] = Held(lease, token, revision)

    def find(self, lease: Lease) -> Held | None:
        """Return what is known of a lease, or None if it is not in hand any more."""
        held = self._held.get(lease.key.meta)
        return held if held and held.lease == lease else None

    def know(self, lease: Lease, revision: int) -> None:
        """Note a revision that the server told."""
        if held := self.find(lease):
            held.revision = max(held.revision, revision)

    def drop(self, lease: Lease) -> None:
        """Forget a lease that was given back or lost."""
        if self.find(lease):
            del self._held[lease.key.meta]
