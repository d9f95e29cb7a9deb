"""The Lua scripts of `lua/`, put together: each is one atomic step that may be repeated."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

_FOLDER: Final = Path(__file__).with_name("lua")
_PARTS: Final[dict[str, tuple[str, ...]]] = {
    "open": ("lease", "open"),
    "append": ("lease", "journal", "append"),
    "close": ("lease", "journal", "close"),
    "release": ("lease", "release"),
    "renew": ("lease", "renew"),
    "mark": ("mark",),
    "erase": ("lease", "erase"),
}


class Script:
    """One of them on one client. A call sends EVALSHA, and the source if Redis forgot it.

    It is what the client's own `register_script` gives, without what that costs at each call.
    """

    def __init__(self, redis: Redis, source: str) -> None:
        self._redis = redis
        self.source = source
        self._digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, keys: Sequence[str], about: Sequence[Any]) -> Any:
        """Run it; errors are the client's."""
        try:
            return await self._redis.execute_command("EVALSHA", self._digest, len(keys), *keys, *about)
        except NoScriptError:
            return await self._redis.execute_command("EVAL", self.source, len(keys), *keys, *about)

    async def each(self, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
        """Run it with each of these keys and arguments, in one round trip; the first error is raised."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for keys, about in calls:
                pipe.evalsha(self._digest, len(keys), *keys, *about)
            answers = await pipe.execute(raise_on_error=False)
        for error in answers:
            if isinstance(error, Exception) and not isinstance(error, NoScriptError):
                raise error
        return [
            await self(*call) if isinstance(answer, NoScriptError) else answer
            for call, answer in zip(calls, answers, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Scripts:
    """One script for each method that writes."""

    open: Script
    append: Script
    close: Script
    release: Script
    renew: Script
    mark: Script
    erase: Script

    @classmethod
    def of(cls, redis: Redis) -> Self:
        """Read the sources; nothing is sent."""
        sources = {name: "".join(_source(part) for part in parts) for name, parts in _PARTS.items()}
        return cls(**{name: Script(redis, source) for name, source in sources.items()})

    async def load(self, redis: Redis) -> None:
        """Send every source, so that the first calls need not."""
        async with redis.pipeline(transaction=False) as pipe:
            for field in fields(self):
                script: Script = getattr(self, field.name)
                pipe.script_load(script.source)
            await pipe.execute()


def _source(part: str) -> str:
    return (_FOLDER / f"{part}.lua").read_text(encoding="utf-8")
