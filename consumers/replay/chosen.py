"""Which events of a selection are meant: by key, session, id, type, an expression, or how their runs ended. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from consumers.policy.expressions import Expression, ExpressionError, compiled, facts_for, value_of
from schemas.envelope import Envelope
from schemas.record import Record

VARIABLES: Final = frozenset({"event"})
"""The names that `where` may use."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an event must fit to be replayed; what is empty or None asks for nothing.

    Attributes:
        keys: one of these keys of the record.
        sessions: one of these session ids.
        events: one of these event ids.
        types: one of these event types.
        where: a CEL expression over `event` (id, type, source, subject, time, tenant, session_id, payload).
        statuses: the run ended with one of these statuses.
    """

    keys: frozenset[bytes] = frozenset()
    sessions: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    where: Expression | None = None
    statuses: frozenset[str] = frozenset()

    @property
    def by_event(self) -> bool:
        """Whether it takes an event to tell: the record's key and how the run ended are not enough."""
        return bool(self.sessions or self.events or self.types) or self.where is not None

    def takes_record(self, record: Record) -> bool:
        """Say whether a record may be meant, as far as its key tells; nothing is decoded."""
        return not self.keys or record.key in self.keys

    def takes_event(self, event: Envelope) -> bool:
        """Say whether an event is meant, as far as it tells by itself.

        Raises:
            ExpressionError: `where` has no value on this event, or one that is not true or false.
        """
        if self.sessions and event.session_id not in self.sessions:
            return False
        if self.events and event.id not in self.events:
            return False
        if self.types and event.type not in self.types:
            return False
        return self.where is None or _holds(self.where, event)

    def takes_status(self, status: str | None) -> bool:
        """Say whether a run is meant that ended like this; None is one that has not ended."""
        return not self.statuses or status in self.statuses

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it; `of_document` reads it."""
        return {
            "keys": sorted(key.hex() for key in self.keys),
            "sessions": sorted(self.sessions),
            "events": sorted(self.events),
            "types": sorted(self.types),
            "where": self.where and self.where.source,
            "statuses": sorted(self.statuses),
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `document` returned.

        Raises:
            ExpressionError: `where` does not compile.
        """
        where = document["where"]
        return cls(
            keys=frozenset(bytes.fromhex(key) for key in document["keys"]),
            sessions=frozenset(document["sessions"]),
            events=frozenset(document["events"]),
            types=frozenset(document["types"]),
            where=None if where is None else compiled(where, VARIABLES),
            statuses=frozenset(document["statuses"]),
        )


def _holds(where: Expression, event: Envelope) -> bool:
    facts = {
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "time": event.time,
        "tenant": event.tenant,
        "session_id": event.session_id,
        "payload": dict(event.payload),
    }
    found = value_of(where, facts_for([where], {"event": facts}))
    if not isinstance(found, bool):
        raise ExpressionError(f"gives {type(found).__name__}, not true or false")
    return found
