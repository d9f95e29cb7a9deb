"""What a record's value is, by its headers, its first byte and what is declared; where they disagree, an error. Pure."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final
from uuid import UUID

from schemas.codec import avro
from schemas.codec.cloudevents import STRUCTURED, STRUCTURED_AVRO, STRUCTURED_JSON, is_binary
from schemas.codec.formats import Format
from schemas.codec.headers import CONTENT_TYPE, ID, VALUE_SCHEMA_ID
from schemas.errors import UnreadableError

AVRO_TYPE: Final = "application/avro"
JSON_TYPE: Final = "application/json"

_AVRO_TYPES: Final = frozenset(
    {AVRO_TYPE, "application/vnd.confluent.avro", "application/vnd.apache.avro", "avro/binary"}
)
_JSON_TYPES: Final = frozenset({JSON_TYPE, "text/json"})
_ID: Final = struct.Struct(">bi")
_GUID_BYTES: Final = 17
"""A byte that says 1, and a GUID."""


class Form(Enum):
    """How a value is to be taken apart."""

    AVRO = "Avro"
    JSON = "JSON"
    STRUCTURED_JSON = "a structured CloudEvent in JSON"
    STRUCTURED_AVRO = "a structured CloudEvent in Avro"


@dataclass(frozen=True, slots=True)
class Wire:
    """What was found out about a record's value.

    Attributes:
        form: how it is to be taken apart.
        schema: with Avro, the schema's id or GUID.
        start: with Avro, where the body begins in the value.
    """

    form: Form
    schema: int | UUID | None = None
    start: int = 0


def wire_of(value: bytes, headers: Mapping[str, str], declared: Format | None) -> Wire:
    """Find out what a value is.

    Args:
        value: of the record.
        headers: as `read_headers` returns them.
        declared: what the configuration says its topic holds, or None.

    Raises:
        UnreadableError: headers, bytes and declaration contradict each other; says what was declared and what was found.
    """
    found = _found(value, headers)
    if declared is not None and (problem := _contradiction(declared, found, headers)):
        raise UnreadableError(
            f"the topic is declared `format: {declared}`, and this record {problem}; "
            "mend the publisher, or the declaration"
        )
    return found


def _found(value: bytes, headers: Mapping[str, str]) -> Wire:
    content_type = headers.get(CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if content_type.startswith(STRUCTURED):
        return _structured(content_type, headers)
    says_json = content_type in _JSON_TYPES or content_type.endswith("+json")
    if VALUE_SCHEMA_ID in headers:
        if says_json:
            raise UnreadableError(
                f"the content type is {content_type}, and header {VALUE_SCHEMA_ID} names a schema; "
                "of values with a schema's id, only Avro is read"
            )
        return Wire(Form.AVRO, _header_id(headers[VALUE_SCHEMA_ID]))
    begins_as_avro = value[:1] == avro.MAGIC
    if content_type in _AVRO_TYPES or (begins_as_avro and not says_json):
        return Wire(Form.AVRO, avro.schema_id_of(value), avro.PREFIX_BYTES)
    if begins_as_avro:
        raise UnreadableError(
            f"the content type is {content_type}, and the value begins with a zero byte, as Avro with a schema's id does; "
            "mend the publisher's content type"
        )
    return Wire(Form.JSON)


def _structured(content_type: str, headers: Mapping[str, str]) -> Wire:
    if content_type not in {STRUCTURED_JSON, STRUCTURED_AVRO}:
        raise UnreadableError(
            f"content type {content_type[:100]} is not read; use {STRUCTURED_JSON} or {STRUCTURED_AVRO}"
        )
    if is_binary(headers):
        raise UnreadableError(
            f"the content type is {content_type}, and there are headers ce_…: a CloudEvent is in one mode, not in both"
        )
    if content_type == STRUCTURED_JSON:
        return Wire(Form.STRUCTURED_JSON)
    return Wire(Form.STRUCTURED_AVRO)


def _header_id(text: str) -> int | UUID:
    """Return what a header of Confluent's newer serializers names: 0 and an id, or 1 and a GUID."""
    value = bytes.fromhex(text)
    if len(value) == _ID.size and value[0] == 0:
        return int(_ID.unpack(value)[1])
    if len(value) == _GUID_BYTES and value[0] == 1:
        return UUID(bytes=value[1:])
    raise UnreadableError(
        f"header {VALUE_SCHEMA_ID} is neither a zero byte and four bytes of id, nor a byte 1 and sixteen of a GUID"
    )


def _contradiction(declared: Format, found: Wire, headers: Mapping[str, str]) -> str | None:
    """Return what a record is instead of what is declared, or None where both agree."""
    form, cloud_event = found.form, is_binary(headers)
    structured = form in {Form.STRUCTURED_JSON, Form.STRUCTURED_AVRO}
    match declared:
        case Format.CONFLUENT_AVRO if form is not Form.AVRO:
            return f"is {'JSON, or no Avro with the id of its schema' if form is Form.JSON else form.value}"
        case Format.JSON if form is not Form.JSON:
            return f"is {form.value}{'' if structured else ' with the id of its schema'}"
        case Format.CLOUDEVENTS if not structured and not cloud_event:
            return "has neither headers ce_specversion and ce_id nor a content type of structured mode"
        case Format.DEBEZIUM | Format.DEBEZIUM_OUTBOX if structured or cloud_event:
            return f"is {form.value if structured else 'a CloudEvent, by its headers ce_…'}"
        case Format.DEBEZIUM_OUTBOX if not headers.get(ID):
            return "has no header `id`, where the outbox event router puts the event's"
        case _:
            return None
