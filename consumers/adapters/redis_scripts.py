"""The Lua scripts of `lua/`, put together: each is one atomic step that may be repeated."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

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


@dataclass(frozen=True, slots=True)
class Scripts:
    """One script for each method that writes. A call sends EVALSHA, and the source if Redis forgot it."""

    open: AsyncScript
    append: AsyncScript
    close: AsyncScript
    release: AsyncScript
    renew: AsyncScript
    mark: AsyncScript
    erase: AsyncScript

    @classmethod
    def of(cls, redis: Redis) -> Self:
        """Read the sources; nothing is sent."""
        sources = {name: "".join(_source(part) for part in parts) for name, parts in _PARTS.items()}
        return cls(**{name: redis.register_script(source) for name, source in sources.items()})

    async def load(self, redis: Redis) -> None:
        """Send every source, so that the first calls need not."""
        async with redis.pipeline(transaction=False) as pipe:
            for field in fields(self):
                script: Any = getattr(self, field.name)
                pipe.script_load(script.script)
            await pipe.execute()


def _source(part: str) -> str:
    return (_FOLDER / f"{part}.lua").read_text(encoding="utf-8")
