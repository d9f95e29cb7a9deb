"""Avro bodies in Confluent's wire format: a zero byte, the schema's id in four bytes, the record."""

import io
import struct
from collections.abc import Mapping
from typing import Any, Final, cast

import fastavro
from fastavro.read import LOGICAL_READERS, SchemaResolutionError
from fastavro.validation import ValidationError, validate

from schemas.codec.resolution import guesses, reasons
from schemas.codec.values import native
from schemas.errors import SchemaError, UnreadableError
from schemas.registry.avro_schema import AvroSchema
from schemas.registry.lint import DECIMAL_DIGITS

MAGIC: Final = b"\x00"
"""First byte of the wire format; no JSON text begins with it."""

_DECIMAL_BYTES: Final = DECIMAL_DIGITS * 10 // 24 + 1
"""What so many digits need, at most: a byte holds 2.4 of them."""

_PREFIX: Final = struct.Struct(">bi")
PREFIX_BYTES: Final = _PREFIX.size
"""The length of what stands in front of a record."""
_DECODE_ERRORS: Final = (
    EOFError,
    IndexError,
    KeyError,
    ValueError,
    TypeError,
    OverflowError,
    ArithmeticError,
    MemoryError,
)
"""What fastavro raises for bytes that were not written with the schema."""
_ENCODE_ERRORS: Final = (ValueError, TypeError, KeyError, AttributeError, OverflowError, ArithmeticError)


def _bounded(read_decimal: Any) -> Any:
    """Let a decimal be read only if it is short: 1 MB of digits keeps the whole process busy for a minute and a half."""

    def read(data: bytes, *about: Any) -> Any:
        if len(data) > _DECIMAL_BYTES:
            raise ValueError(f"a decimal of {len(data)} bytes, the limit is {_DECIMAL_BYTES}")
        return read_decimal(data, *about)

    return read


# fastavro's own place for other readers of logical types; it is one for the whole process.
LOGICAL_READERS.update({kind: _bounded(LOGICAL_READERS[kind]) for kind in ("bytes-decimal", "fixed-decimal")})


def prefix(schema_id: int) -> bytes:
    """Return the five bytes in front of a record written with this schema."""
    return _PREFIX.pack(0, schema_id)


def schema_id_of(body: bytes) -> int:
    """Return the id in a body's prefix.

    Raises:
        UnreadableError: there is no such prefix.
    """
    if len(body) < _PREFIX.size or body[:1] != MAGIC:
        raise UnreadableError("the Avro body has no schema id in front (a zero byte and four bytes of id)")
    return int(_PREFIX.unpack_from(body)[1])


def read(
    body: bytes, schema: AvroSchema, *, start: int = PREFIX_BYTES, reader: AvroSchema | None = None
) -> dict[str, Any]:
    """Decode a body with the schema it was written with, from `start` on; times and decimals stay Python's.

    With a reader's schema, the record is resolved to it: fields that it lacks are left out, missing ones have their defaults. Both
    have passed the lint, so work and memory grow at most linearly with the body (and with the reader's number of defaults).

    Raises:
        UnreadableError: the bytes are cut, go on after the record, or were not written with this schema, or the record cannot
            be resolved without guessing.
    """
    if reader is not None and (problem := guesses(reader, schema)):
        raise UnreadableError(f"what is written as {schema.name} cannot be read as the route says: {problem}")
    stream = io.BytesIO(body)
    stream.seek(start)
    resolved = cast("dict[str, Any]", reader.parsed) if reader is not None else None
    try:
        payload = fastavro.schemaless_reader(stream, cast("dict[str, Any]", schema.parsed), resolved)
    except (SchemaResolutionError, *_DECODE_ERRORS) as error:
        said = f"{type(error).__name__}: {error}"
        if reader is None:
            raise UnreadableError(f"the Avro body does not fit its schema {schema.name}: {said}") from error
        read(body, schema, start=start)  # where the bytes are at fault, this says so
        why = reasons(reader, schema) or said
        raise UnreadableError(
            f"this record of {schema.name} cannot be read as the route says: {why}"
        ) from error
    if stream.tell() != len(body):
        raise UnreadableError(
            f"{len(body) - stream.tell()} bytes follow the Avro record of schema {schema.name}"
        )
    return cast("dict[str, Any]", payload)


def write(front: bytes, schema: AvroSchema, fields: Mapping[str, Any]) -> bytes:
    """Encode fields that are Avro's own kinds of value already, behind the prefix `front`.

    Raises:
        SchemaError: a field is missing, unknown or of the wrong type.
    """
    stream = io.BytesIO()
    stream.write(front)
    try:
        fastavro.schemaless_writer(
            stream, cast("dict[str, Any]", schema.parsed), fields, strict_allow_default=True
        )
    except _ENCODE_ERRORS as error:
        raise SchemaError(f"the fields do not fit the schema {schema.name}: {error}") from error
    return stream.getvalue()


def write_payload(front: bytes, schema: AvroSchema, payload: Mapping[str, Any]) -> bytes:
    """Encode a JSON-like payload after checking every field of it; slower than `write`.

    Raises:
        SchemaError: a field is missing, unknown or of the wrong type; names the field.
    """
    fields = native(payload, schema.parsed) if schema.logical else dict(payload)
    try:
        validate(fields, cast("dict[str, Any]", schema.parsed))
    except ValidationError as error:
        # Field and expected type only: the value may be personal, and messages end in logs.
        fields_wrong = ", ".join(f"{each.field} (expected {each.schema})" for each in error.errors)
        raise SchemaError(f"the payload does not fit the schema {schema.name}: {fields_wrong}") from None
    return write(front, schema, fields)
