"""The Lua scripts of `lua/`, put together: each is one atomic step that may be repeated."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from redis.exceptions import NoScriptError

from consumers.adapters.redis_connection import Client

_FOLDER: Final = Path(__file__).with_name("lua")
_PARTS: Final[dict[str, tuple[str, ...]]] = {
    "open": ("guard", "lease", "open"),
    "read": ("guard", "read"),
    "glance": ("guard", "glance"),
    "append": ("lease", "journal", "append"),
    "close": ("lease", "journal", "close"),
    "release": ("lease", "release"),
    "renew": ("lease", "renew"),
    "mark": ("guard", "mark"),
    "erase": ("lease", "erase"),
    "restore": ("lease", "restore"),
    "claim": ("claim",),
    "vouch": ("vouch",),
    "note": ("note",),
    "probe": ("probe",),
}


class Script:
    """One script. A call sends its digest, and the source to a server that does not know it.

    A server knows a script until it restarts; a replica that became the primary has never seen any. It is what the
    client's own `register_script` gives, without what that costs at each call.
    """

    def __init__(self, client: Client, source: str) -> None:
        self._client: Any = client
        self._source = source
        self._digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, keys: Sequence[str], about: Sequence[Any]) -> Any:
        """Run it where its keys are; all of them share a slot."""
        try:
            return await self._client.execute_command(*self.words(keys, about))
        except NoScriptError:
            return await self.whole(keys, about)

    async def whole(self, keys: Sequence[str], about: Sequence[Any]) -> Any:
        """Run it, sending the source."""
        return await self._client.execute_command("EVAL", self._source, len(keys), *keys, *about)

    def words(self, keys: Sequence[str], about: Sequence[Any]) -> tuple[Any, ...]:
        """Return the command for a server that knows the script."""
        return ("EVALSHA", self._digest, len(keys), *keys, *about)


@dataclass(frozen=True, slots=True)
class Scripts:
    """One script for each method, those that check a store, and one that tries what they need."""

    open: Script
    read: Script
    glance: Script
    append: Script
    close: Script
    release: Script
    renew: Script
    mark: Script
    erase: Script
    restore: Script
    claim: Script
    vouch: Script
    note: Script
    probe: Script

    @classmethod
    def of(cls, client: Client) -> Self:
        """Read the sources; nothing is sent."""
        sources = {name: "".join(_source(part) for part in parts) for name, parts in _PARTS.items()}
        return cls(**{name: Script(client, source) for name, source in sources.items()})


def _source(part: str) -> str:
    return (_FOLDER / f"{part}.lua").read_text(encoding="utf-8")
