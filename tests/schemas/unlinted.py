"""Schemas without the lint, which lets no record hold itself: for what is compared and never read with."""

from typing import Any

import fastavro
import orjson

from schemas.registry.avro_schema import AvroSchema


def unlinted(source: Any) -> AvroSchema:
    """Return a schema from its JSON."""
    parsed: Any = fastavro.parse_schema(orjson.loads(orjson.dumps(source)))
    return AvroSchema(parsed["name"], orjson.dumps(source).decode(), "", parsed, logical=False)
