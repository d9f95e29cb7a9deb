"""Who an event is, where its headers alone say it: for those who look up what became of many, and need no payload."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.codec.cloudevents import SPEC_VERSION, STRUCTURED
from schemas.codec.headers import CONTENT_TYPE
from schemas.envelope import run_id_of
from schemas.record import Record

_READ: Final[Mapping[str, str]] = {
    "ce_specversion": "version",
    "ce_id": "id",
    "ce_source": "source",
    "ce_sessionid": "session",
    CONTENT_TYPE: "content",
}
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
    found: dict[str, bytes] = {}
    for name, value in record.headers:
        known = _READ.get(name)
        if known is None:
            if name.lower() in _READ:
                return None
        elif known in found:
            return None
        else:
            found[known] = value
    try:
        if found["version"] != _VERSION or found.get("content", b"").lower().startswith(_STRUCTURED):
            return None
        session_id, source, event_id = (found[name].decode() for name in ("session", "source", "id"))
    except (KeyError, UnicodeDecodeError):
        return None
    if not (session_id and source and event_id):
        return None
    return Identity(tenant, session_id, run_id_of(tenant, source, event_id))
