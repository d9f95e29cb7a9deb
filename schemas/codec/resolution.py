"""Reading a record as another version of its schema: Avro's "Schema Resolution", where nothing is left to guess."""

from functools import lru_cache
from typing import Final

from schemas.registry.avro_schema import AvroSchema, avro_schema
from schemas.registry.compatibility import Incompatibility, incompatibilities
from schemas.registry.misfits import Kind

_GUESSES: Final = frozenset({Kind.NAME, Kind.ALIAS, Kind.DECIMAL, Kind.LOGICAL_TYPE, Kind.TOO_LARGE})
"""What a library reads all the same, as something that was not written: another type, another field, another unit."""
_TOLD: Final = 3
_PAIRS: Final = 1024
"""Of a reader's and a writer's schema whose comparison is remembered."""


def guesses(reader: AvroSchema, writer: AvroSchema) -> str:
    """Return why no record of the writer may be read as the reader's schema; empty where each record shows by itself."""
    return _told([each for each in _compared(reader.text, writer.text) if each.kind in _GUESSES])


def reasons(reader: AvroSchema, writer: AvroSchema) -> str:
    """Return what the reader's schema cannot read of the writer's, for a record that could not be read; may be empty."""
    return _told(list(_compared(reader.text, writer.text)))


def _told(found: list[Incompatibility]) -> str:
    more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return "; ".join(map(str, found[:_TOLD])) + more


@lru_cache(maxsize=_PAIRS)
def _compared(reader: str, writer: str) -> tuple[Incompatibility, ...]:
    return incompatibilities(avro_schema(reader), avro_schema(writer))
