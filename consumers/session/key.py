"""Where a session lives in Redis."""

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Names one session of one tenant.

    All its Redis keys carry one hash tag, so that they share a slot of a cluster and one script may touch
    them together (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags).
    The tag is a digest: a session id may hold anything, braces included, and may be long.
    """

    tenant: str
    session_id: str
    tag: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        text = f"{len(self.tenant)}:{self.tenant}{self.session_id}"
        object.__setattr__(self, "tag", hashlib.sha256(text.encode()).hexdigest()[:32])

    @property
    def meta(self) -> str:
        """Hash: tenant, session id, epoch, lease."""
        return f"pointsman:{{{self.tag}}}:meta"

    @property
    def context(self) -> str:
        """String: the session's context as JSON."""
        return f"pointsman:{{{self.tag}}}:context"

    @property
    def runs(self) -> str:
        """Sorted set: the session's latest runs, by when each was last opened."""
        return f"pointsman:{{{self.tag}}}:runs"

    def journal(self, run_id: str) -> str:
        """Hash: the write-once entries of one run, by place."""
        return f"pointsman:{{{self.tag}}}:run:{run_id}"
