"""The guard of a store: which servers were checked, up to where, and who checks them now.

It lives beside the sessions, so that it is emptied or goes back in time together with them.
"""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

import orjson
from redis.asyncio import RedisCluster

from consumers.adapters.redis_connection import Client, busy_when_unreachable
from consumers.adapters.redis_nodes import Node, ping, primaries
from consumers.adapters.redis_scripts import Scripts

CLAIM_S: Final = 30.0
"""How long the others wait for whoever began to check a store and died."""

Checkpoint = Mapping[int, int]
"""Of each partition of the steps topic, the offset before which everything is surely stored."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a store says of itself.

    Attributes:
        servers: run ids of its servers, as they are now.
        token: of the last check; None where there was none, or the store has forgotten it.
        vouched: whether these very servers were checked.
        checkpoint: up to where the steps topic is stored; empty where that is not known.
        lost_before: what was written before then may be missing all the same.
    """

    servers: frozenset[str]
    token: str | None
    vouched: bool
    checkpoint: Checkpoint
    lost_before: datetime | None


class RedisGuard:
    """Reads and writes the guard, on a client that speaks to any server."""

    def __init__(self, redis: Client, name: str) -> None:
        """Use a client, and the guard's name; see `guard_of`."""
        self._redis = redis
        self._name = name
        self._rebuilding = f"{name}:rebuilding"
        self._scripts = Scripts.of(redis)
        self._owner = uuid.uuid4().hex

    async def look(self) -> Look:
        """Find out which servers there are, and whether they were checked.

        Raises:
            RetryError: one of them is away.
        """
        async with busy_when_unreachable():
            await ping(self._redis)  # which notices who the primaries are now
            nodes = await primaries(self._redis)
            servers = frozenset(await asyncio.gather(*map(_run_id, nodes)))
            said = await cast("Any", self._redis).hmget(
                self._name, "token", "servers", "checkpoint", "lost_before"
            )
        token, checked, checkpoint, lost_before = said
        known = frozenset[str](orjson.loads(checked)) if checked else frozenset[str]()
        # The servers of a cluster go back in time each by itself, and the guard lives on one of them.
        alone = not isinstance(self._redis, RedisCluster)
        return Look(
            servers=servers,
            token=token.decode() if token else None,
            vouched=token is not None and servers <= known,
            checkpoint={int(n): at for n, at in orjson.loads(checkpoint).items()}
            if checkpoint and alone
            else {},
            lost_before=datetime.fromtimestamp(int(lost_before) / 1000, UTC) if lost_before else None,
        )

    async def claim(self) -> bool:
        """Begin to check the store, or go on; False while somebody else does. It lasts for `CLAIM_S`."""
        return bool(
            await self._run(self._scripts.claim, [self._rebuilding], [self._owner, int(CLAIM_S * 1000)])
        )

    async def vouch(self, look: Look, checkpoint: Checkpoint, lost_before: datetime | None) -> bool:
        """Say that these servers are checked, up to there; False where they are not ours to check any more."""
        token = uuid.uuid4().hex
        servers = orjson.dumps(sorted(look.servers))
        lost = int(lost_before.timestamp() * 1000) if lost_before else ""
        about = [self._owner, token, servers, _text(checkpoint), lost]
        return bool(await self._run(self._scripts.vouch, [self._name, self._rebuilding], about))

    async def note(self, token: str, checkpoint: Checkpoint) -> None:
        """Say up to where the steps topic is surely stored, in the store with this token."""
        await self._run(self._scripts.note, [self._name], [token, _text(checkpoint)])

    async def distrust(self, token: str) -> None:
        """Have the store with this token checked from the beginning; nobody works with it until then."""
        await self._run(self._scripts.note, [self._name], [token, ""])

    async def _run(self, script: Any, keys: list[str], about: list[Any]) -> Any:
        async with busy_when_unreachable():
            return await script(keys, about)


def _text(checkpoint: Checkpoint) -> bytes:
    return orjson.dumps({str(number): offset for number, offset in checkpoint.items()})


async def _run_id(node: Node) -> str:
    return str((await node.command("INFO", "server")).get("run_id", ""))
