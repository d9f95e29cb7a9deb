"""Which servers we take to hold what was acknowledged, as one process knows it.

A server keeps its INFO `run_id` for as long as its process lives. Whatever ends the process - a crash, a restart on an
older file, a failover - cuts the connections, and the next one meets another id: it is refused until somebody has
checked that server against the steps topic. A server that is emptied while it runs loses the token of its guard.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from redis.exceptions import ConnectionError as RedisConnectionError

from consumers.errors import UnavailableError


class UncheckedServerError(RedisConnectionError):
    """A server that nobody has checked since it started."""

    def __init__(self) -> None:
        super().__init__("this server has started anew and is not yet checked against the steps topic")


def guard_of(steps_topic: str) -> str:
    """Return the name of the guard: a store may serve several topics, and what is checked against one is not by others."""
    return f"pointsman:{{store}}:guard:{steps_topic}"


@dataclass(slots=True)
class Trust:
    """What was checked. One for all connections of a process; whoever checks servers writes it.

    Attributes:
        guard: where the store has its guard; see `guard_of`.
        token: of the last check, which scripts compare with the store's; None while it is to be checked.
        servers: the run ids of the servers that were checked.
        lost_before: what was written before then may be missing, although it was checked; None where it is not.
        doubted: set by whoever meets a store that is not what was checked.
        lost: somebody met a store that lacks what it acknowledged under this very token.
    """

    guard: str
    token: str | None = None
    servers: frozenset[str] = frozenset()
    lost_before: datetime | None = None
    doubted: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bool = False

    def doubt(self, *, lost: bool = False) -> None:
        """Have the servers looked at now, instead of soon."""
        self.lost = self.lost or lost
        self.doubted.set()


def token_of(trust: Trust | None) -> str:
    """Return the token that the store must have; empty for those who take any store as it is.

    Raises:
        UnavailableError: it is being checked.
    """
    if trust is None:
        return ""
    if trust.token is None:
        raise UnavailableError("Redis: it is being checked against the steps topic")
    return trust.token


def unchecked(trust: Trust | None) -> UnavailableError:
    """Have a store looked at that lacks the token, and return the error for whoever met it."""
    if trust:
        trust.doubt()
    return UnavailableError("Redis: it was emptied, and is yet to be checked against the steps topic")
