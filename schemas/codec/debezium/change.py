"""A change event of Debezium as an event: what happened to which row, when, and by which id. Pure.

https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-events
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast
from urllib.parse import quote

from schemas.codec.cloudevents import Attributes
from schemas.codec.debezium.documents import document, plain_key
from schemas.codec.debezium.keys import Key, row_of
from schemas.codec.debezium.naming import CHANGES, HEARTBEAT, SCHEMA_CHANGE, TRANSACTION, named
from schemas.codec.debezium.position import event_id
from schemas.codec.formats import TopicFormat
from schemas.errors import NoEventError, UnreadableError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCKS: Final = frozenset({"ts_ms", "ts_us", "ts_ns"})
_MONGODB: Final = "mongodb"
_DOCUMENTS: Final = ("before", "after")


def is_change(payload: Mapping[str, Any]) -> bool:
    """Return whether a payload is a change event beyond doubt, for topics that nothing is declared of."""
    source: Any = payload.get("source")
    return (
        isinstance(payload.get("op"), str)
        and isinstance(source, Mapping)
        and all(isinstance(source.get(name), str) for name in ("connector", "version", "name"))  # pyright: ignore[reportUnknownMemberType] # any JSON
        and ("before" in payload or "after" in payload)
    )


def with_documents(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return an envelope whose documents are objects: MongoDB's are text in extended JSON.

    Raises:
        UnreadableError: a document is none; names the field.
    """
    read = dict(payload)
    source: Any = payload.get("source")
    if not isinstance(source, Mapping) or source.get("connector") != _MONGODB:  # pyright: ignore[reportUnknownMemberType] # any JSON
        return read
    for name in _DOCUMENTS:
        read[name] = document(payload.get(name), name)
    update: Any = payload.get("updateDescription")
    if isinstance(update, Mapping):
        fields = document(update.get("updatedFields"), "updateDescription.updatedFields")  # pyright: ignore[reportUnknownMemberType] # any JSON
        read["updateDescription"] = {**update, "updatedFields": fields}
    return read


def attributes_of(
    payload: Mapping[str, Any], key: Key, how: TopicFormat, *, header_id: str | None, traceparent: str | None
) -> Attributes:
    """Return what names a change.

    Args:
        payload: the envelope, plain values only, documents read.
        key: of the record.
        how: what is declared of its topic.
        header_id: of the record's header `id`, which wins over all that the change says.
        traceparent: of the record's headers.

    Raises:
        NoEventError: it is of a kind that the topic ignores.
        UnreadableError: it is no change event, contradicts itself, or has no position.
    """
    kind = _kind(payload)
    if kind in how.ignore:
        raise NoEventError(f"a record of the kind `{kind}`, which the topic ignores")
    if "op" not in payload:
        raise UnreadableError(
            f"it is a record of the kind `{kind}`, and no change of a row: name that kind in the topic's `ignore`, "
            "or read another topic"
        )
    op, source = str(payload["op"]), _source(payload)
    _check_rows(op, payload, source, key)
    database, schema = _text(source, "db"), _text(source, "schema")
    table = _text(source, "table") or _text(source, "collection")
    if not table:
        raise UnreadableError("the change names no table: `source` has neither `table` nor `collection`")
    names = {
        "table": table,
        "change": kind,
        "schema": schema,
        "database": database,
        "connector": _text(source, "connector"),
        "name": _text(source, "name"),
        "op": op,
    }
    event_type = named(how.event, names)
    if not event_type:  # else the route's would be taken, whatever happened
        raise UnreadableError(
            f"the type {how.event!r} is empty for this change: its `source` has none of these names"
        )
    named_key = plain_key(key) if names["connector"] == _MONGODB else key
    path = ".".join(filter(None, (database, schema, table)))
    return Attributes(
        id=header_id or event_id(op, source, key, _content(payload, key), how.position),
        source=f"/debezium/{quote(names['connector'], safe='')}/{quote(names['name'], safe='')}",
        type=event_type,
        time=_time(source) or _time(payload),
        subject=None if named_key is None else row_of(path, named_key),
        traceparent=traceparent,
    )


def field_in(payload: Mapping[str, Any], path: str) -> str:
    """Return where a path of a row is found: a deletion has its row in `before`."""
    if path.startswith("after.") and payload.get("after") is None:
        return f"before.{path.removeprefix('after.')}"
    return path


def _kind(payload: Mapping[str, Any]) -> str:
    if "op" in payload:
        op = payload["op"]
        if not isinstance(op, str) or op not in CHANGES:
            raise UnreadableError(f"`op` is {str(op)[:20]!r}; changes of rows are {', '.join(CHANGES)}")
        return CHANGES[op]
    status = payload.get("status")
    if isinstance(status, str) and status in {"BEGIN", "END"} and "id" in payload:
        return TRANSACTION
    if "ddl" in payload or "tableChanges" in payload:
        return SCHEMA_CHANGE
    if payload and payload.keys() <= _CLOCKS:
        return HEARTBEAT
    raise UnreadableError(
        "it is no change event of Debezium, for it has no `op`; what the transformation ExtractNewRecordState "
        "made of one is plain: `format: json` or `confluent-avro`"
    )


def _source(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    source = payload.get("source")
    if not isinstance(source, Mapping):
        raise UnreadableError("the change has no `source`, or it is no object")
    return cast("Mapping[str, Any]", source)


def _check_rows(op: str, payload: Mapping[str, Any], source: Mapping[str, Any], key: Key) -> None:
    """Refuse a change without the row that it must have; MongoDB may send what was updated, or the key, and no document."""
    for name in _DOCUMENTS:
        if not isinstance(payload.get(name), Mapping | None):
            raise UnreadableError(f"`{name}` is neither an object nor null")
    is_document = source.get("connector") == _MONGODB
    needed = {"c": "after", "r": "after", "u": "after", "d": "before"}.get(op)
    if needed is None or payload.get(needed) is not None:
        return
    if is_document and (op == "d" and key is not None):
        return
    if is_document and op == "u" and isinstance(payload.get("updateDescription"), Mapping):
        return
    raise UnreadableError(f"`op` is {op!r}, and `{needed}` is null: the change says nothing of its row")


def _content(payload: Mapping[str, Any], key: Key) -> Any:
    """Return what tells changes apart that share position and key."""
    if payload.get("updateDescription") is not None:  # several of one document in one transaction
        return payload["updateDescription"]
    return None if key is not None else [payload.get(name) for name in _DOCUMENTS]


def _text(source: Mapping[str, Any], name: str) -> str:
    value = source.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableError(f"`source.{name}` is no text")
    return value


def _time(said: Mapping[str, Any]) -> datetime | None:
    at = said.get("ts_ms")
    if at is None:
        return None
    if isinstance(at, bool) or not isinstance(at, int) or at < 0:
        raise UnreadableError("`ts_ms` is no time in milliseconds since 1970")
    try:
        return _EPOCH + timedelta(milliseconds=at)
    except OverflowError as error:
        raise UnreadableError("`ts_ms` is beyond the year 9999") from error
