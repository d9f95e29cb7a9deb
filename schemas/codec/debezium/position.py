"""Where in its database's log a change stands: what makes it the same event wherever its record is copied to. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from schemas.canonical import canonical_json
from schemas.errors import UnreadableError

POSITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "postgresql": ("lsn", "txId"),
    "mysql": ("gtid", "file", "pos", "row"),
    "mariadb": ("gtid", "file", "pos", "row"),
    "sqlserver": ("commit_lsn", "change_lsn", "event_serial_no"),
    "oracle": ("commit_scn", "scn", "txId", "lcr_position", "rs_id", "ssn", "redo_thread", "row_id"),
    "db2": ("commit_lsn", "change_lsn"),
    "informix": ("commit_lsn", "change_lsn", "txId"),
    "mongodb": ("ord", "h", "lsid", "txnNumber"),
}
"""Fields of `source` by connector: those that are read from the log, and so say the same when it is read again."""

_NAMED: Final = ("connector", "name", "db", "schema", "table", "collection", "ts_ms")
"""Whose change it is, and when it was committed: after a log is reset or restored, positions are used again."""
_SHOWN: Final = 200


def event_id(
    op: str,
    source: Mapping[str, Any],
    key: Any,
    content: Any,
    position: tuple[str, ...] | None = None,
) -> str:
    """Return the id of a change: its position for people, and a digest of all that tells it from others.

    Args:
        op: what was done; an update of a key is a deletion and a creation at one position.
        source: the change's own.
        key: of the record; rows that were written at once may share a position.
        content: what tells apart changes that all this does not, or None.
        position: fields of `source` that the configuration names, or None for those known of the connector.

    Raises:
        UnreadableError: it has no position; an id is never invented.
    """
    connector = str(source.get("connector", ""))
    fields = POSITIONS.get(connector) if position is None else position
    if fields is None:
        raise UnreadableError(
            f"what tells the position of a change by the connector {connector[:100]!r} is not known; "
            "name the fields of `source` in `position`, or put the event's id in a header `id`"
        )
    place = {name: source[name] for name in fields if source.get(name) is not None}
    # A row of an incremental snapshot has none; when it was read, and its key, tell it.
    if not place and op != "r":
        raise UnreadableError(
            f"the change has no position in its database: `source` has none of {', '.join(fields)}; ids are never invented"
        )
    whose = {name: source.get(name) for name in _NAMED}
    digest = hashlib.sha256(canonical_json([whose, place, op, key, content])).hexdigest()[:32]
    shown = ",".join(f"{name}={place[name]}" for name in fields if name in place)
    return f"{shown}/{digest}" if shown and len(shown) <= _SHOWN else digest
