"""An Avro schema that is safe to decode with: parsed, named and linted."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import fastavro
import orjson
from fastavro.schema import SchemaParseException, UnknownType, to_parsing_canonical_form

from schemas.errors import SchemaError
from schemas.registry.lint import has_logical_types, lint, lint_source

SCHEMA_BYTES: Final = 256 * 1024
"""The longest schema text that is parsed."""

_PARSE_ERRORS: Final = (SchemaParseException, UnknownType, KeyError, TypeError, ValueError, AttributeError)
"""What fastavro raises for a text that is JSON but no Avro schema."""


@dataclass(frozen=True, slots=True)
class AvroSchema:
    """A record schema that passed the lint. Build it with `avro_schema`.

    Attributes:
        name: full name, such as `pointsman.OrderRequested`.
        text: the JSON text it was made from.
        canonical: its Parsing Canonical Form; equal forms read and write the same bytes.
        parsed: what fastavro reads and writes with.
        logical: whether it holds dates, times, decimals or other logical types.
    """

    name: str
    text: str
    canonical: str
    parsed: Mapping[str, Any]
    logical: bool

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the canonical form."""
        return hashlib.sha256(self.canonical.encode()).digest()

    @property
    def digest(self) -> str:
        """SHA-256 of all that the text says, in hexadecimal; only its spaces and the order of members do not count.

        The fingerprint is the same for a decimal of another scale: the canonical form has no logical types.
        """
        said = orjson.dumps(orjson.loads(self.text), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(said).hexdigest()


def avro_schema(text: str) -> AvroSchema:
    """Parse and lint one schema text; the text may come from outside.

    Raises:
        SchemaError: it is too long, no JSON, no Avro record, or could turn few bytes into many values.
    """
    if len(text) > SCHEMA_BYTES:
        raise SchemaError(f"the schema has {len(text)} characters, the limit is {SCHEMA_BYTES}")
    try:
        source: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise SchemaError(f"the schema is no JSON: {error}") from error
    if not isinstance(source, dict) or source.get("type") != "record":  # pyright: ignore[reportUnknownMemberType] # any JSON
        raise SchemaError("the schema is no Avro record; an event is a record with fields")
    parsed = _parsed(source)  # pyright: ignore[reportUnknownArgumentType] # any JSON object
    name = str(parsed["name"])
    return AvroSchema(name, text, to_parsing_canonical_form(parsed), parsed, has_logical_types(parsed))


def _parsed(source: dict[str, Any]) -> dict[str, Any]:
    lint_source(source)
    try:
        parsed: Any = fastavro.parse_schema(source)
    except _PARSE_ERRORS as error:
        raise SchemaError(f"the schema is no valid Avro: {error}") from error
    lint(parsed)
    return parsed
