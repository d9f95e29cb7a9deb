"""The envelope: an event and its metadata, whatever format it arrived in.

The attribute names follow CloudEvents 1.0 (https://github.com/cloudevents/spec), whose `source` + `id`
identify an event; `tenant` and `session_id` are Pointsman's own.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event, decoded and validated.

    Attributes:
        id: the publisher's event id; unique together with `source`.
        type: past tense, dotted, such as `order.requested`.
        source: who published it, a URI reference.
        subject: what it is about (CloudEvents `subject`), or None.
        time: when it happened, always with a time zone.
        tenant: whose event it is. Comes from the route (the topic), never from the record.
        session_id: all events that share it share one context.
        payload: the event's own fields, JSON-like values only.
        schema: the writer schema's full name, or None for plain JSON.
        traceparent: W3C trace context of the publisher, or None.
        round: which of its runs is meant. Records begin the first one; a further one is begun by an operator's order, after
            one that ended without success and without any effect.
    """

    id: str
    type: str
    source: str
    time: datetime
    tenant: str
    session_id: str
    payload: Mapping[str, Any]
    subject: str | None = None
    schema: str | None = None
    traceparent: str | None = None
    round: int = 1
    personal: Mapping[str, tuple[Any, ...]] = field(
        default_factory=dict[str, tuple[Any, ...]], compare=False, repr=False
    )
    """Values that the schema tags as personal, by the payload's field that they are in. Not stored with an event."""
    run_id: str = field(init=False, compare=False)
    """Digest of tenant, source and id: the same event is the same run, wherever it is read from. The round goes in, too."""
    first_run_id: str = field(init=False, compare=False)
    """The run of the first round. Idempotency keys are made of it: no round does again what another one did."""

    def __post_init__(self) -> None:
        first = run_id_of(self.tenant, self.source, self.id)
        object.__setattr__(self, "first_run_id", first)
        object.__setattr__(self, "run_id", in_round(first, self.round))

    @property
    def again(self) -> Self:
        """The same event in its next round."""
        return replace(self, round=self.round + 1)


def run_id_of(tenant: str, source: str, event_id: str) -> str:
    """Return the 32 hex digits that name the run of an event; no record offset goes into it."""
    # The length prefixes keep ("a", "bc") and ("ab", "c") apart.
    parts = f"{len(tenant)}:{tenant}{len(source)}:{source}{len(event_id)}:{event_id}"
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


def in_round(first_run_id: str, number: int) -> str:
    """Return the 32 hex digits that name a run of an event, by its first one; rounds count from 1."""
    if number == 1:
        return first_run_id
    return hashlib.sha256(f"{first_run_id}/{number}".encode()).hexdigest()[:32]
