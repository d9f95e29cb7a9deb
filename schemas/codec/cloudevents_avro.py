"""CloudEvents in Avro's own event format (`application/cloudevents+avro`): attributes and data in one record, no schema's id.

https://github.com/cloudevents/spec/blob/main/cloudevents/formats/avro-format.md. Its schema is recursive, and with a
recursive schema a few bytes overflow the decoder's stack. What the recursion is for, objects and lists inside the data,
is read only from bytes of JSON, as publishers that set `datacontenttype` send it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, cast

import orjson

from schemas.codec import avro
from schemas.codec.cloudevents import Attributes, structured_attributes
from schemas.codec.json import read_object
from schemas.errors import UnreadableError
from schemas.registry.avro_schema import AvroSchema, avro_schema

_NESTED: Final = {"type": "fixed", "name": "Nested", "size": 1}
"""Stands where the format has nested data: a byte of it is read, and seen to be no value."""
_FIELDS: Final = (
    {
        "name": "attribute",
        "type": {"type": "map", "values": ["null", "boolean", "int", "string", "bytes"]},
    },
    {
        "name": "data",
        "type": [
            "bytes",
            "null",
            "boolean",
            {"type": "map", "values": ["null", "boolean", _NESTED, "double", "string"]},
            "Nested",
            "double",
            "string",
        ],
    },
)


def structured_avro_event(
    body: bytes, *, traceparent: str | None = None
) -> tuple[Attributes, dict[str, Any]]:
    """Take an event in Avro's event format apart into attributes and data.

    Args:
        body: the record's value, already capped.
        traceparent: the record's header, used where the event itself has none.

    Raises:
        UnreadableError: it is no such event, no CloudEvent, or its data is no JSON object.
    """
    event = avro.read(body, _schema(), start=0)
    attributes = structured_attributes(event["attribute"], traceparent=traceparent)
    data = event["data"]
    if isinstance(data, bytes):
        return attributes, read_object(data)
    if not isinstance(data, Mapping):
        raise UnreadableError("the structured CloudEvent has no data, or it is no JSON object")
    members = cast("Mapping[str, Any]", data)
    for name, value in members.items():
        if isinstance(value, bytes):
            raise UnreadableError(
                f"field {name}: data in Avro's event format may hold no objects or lists; send it as bytes of JSON"
            )
    return attributes, dict(members)


@cache
def _schema() -> AvroSchema:
    record = {"type": "record", "name": "CloudEvent", "namespace": "io.cloudevents", "fields": _FIELDS}
    return avro_schema(orjson.dumps(record).decode())
