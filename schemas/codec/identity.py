"""Who an event is, where its headers alone say it: for those who look up what became of many, and need no payload."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from schemas.codec.cloudevents import SPEC_VERSION, STRUCTURED
from schemas.codec.headers import CONTENT_TYPE
from schemas.envelope import run_id_of
from schemas.record import Record

_READ: Final = ("ce_specversion", "ce_id", "ce_source", "ce_sessionid", CONTENT_TYPE)
"""All but the last must be there."""
_LAYOUTS: Final = 1_024
_VERSION: Final = SPEC_VERSION.encode()
_STRUCTURED: Final = STRUCTURED.encode()


@dataclass(frozen=True, slots=True)
class Identity:
    """What names the run of an event.

    Attributes:
        tenant: whose event it is.
        session_id: which session it belongs to.
        run_id: as its envelope has it.
    """

    tenant: str
    session_id: str
    run_id: str


def identity_in_headers(record: Record, tenant: str) -> Identity | None:
    """Return who an event in CloudEvents' binary mode is; None where only decoding the record can tell.

    What it says is what `RecordCodec.decode` would, if that can read the record at all: nothing else is looked at.
    """
    headers = record.headers
    at = _places(tuple([name for name, _ in headers]))
    if at is None:
        return None
    version, event_id, source, session_id, content = [
        headers[place][1] if place >= 0 else b"" for place in at
    ]
    if version != _VERSION or (content or b"").lower().startswith(_STRUCTURED):
        return None
    try:
        session_id, source, event_id = session_id.decode(), source.decode(), event_id.decode()
    except (AttributeError, UnicodeDecodeError):  # the first is a header without a value
        return None
    if not (session_id and source and event_id):
        return None
    return Identity(tenant, session_id, run_id_of(tenant, source, event_id))


@lru_cache(_LAYOUTS)
def _places(names: tuple[str, ...]) -> tuple[int, ...] | None:
    """Return where each of `_READ` stands among the names of a record's headers, or None where that is not all clear.

    Publishers give all their records the same headers in the same order: it is found out once.
    """
    if any(name not in _READ and name.lower() in _READ for name in names):
        return None
    counts = [names.count(name) for name in _READ]
    if any(count != 1 for count in counts[:-1]) or counts[-1] > 1:
        return None
    return tuple(names.index(name) if name in names else -1 for name in _READ)
