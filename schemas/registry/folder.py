"""The registry without a service: schemas from files, ids computed from what the schemas say."""

from pathlib import Path
from typing import Final
from uuid import UUID

from schemas.errors import SchemaError, UnknownSchemaError
from schemas.registry.avro_schema import AvroSchema
from schemas.registry.files import packaged_schemas, schemas_in
from schemas.registry.port import WriterSchema

_ID_BITS: Final = 0x7FFF_FFFF
"""Ids are signed 32-bit numbers for most clients, so the top bit stays clear."""


class FolderRegistry:
    """Serves the packaged schemas and those of one more folder; knows nothing else, and never waits.

    Every process with the same files computes the same ids, so producers and consumers need not talk.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Read all schemas now.

        Args:
            folder: schemas of your own events, or None.

        Raises:
            SchemaError: a file is wrong, or two schemas would share an id.
        """
        self._schemas: dict[int, WriterSchema] = {}
        for file in (*packaged_schemas(), *(schemas_in(folder) if folder else ())):
            self._add(file.schema)

    async def schema_of(self, schema_id: int) -> WriterSchema:
        """Return the schema with this id, or raise UnknownSchemaError."""
        found = self._schemas.get(schema_id)
        if found is None:
            raise UnknownSchemaError(
                f"schema id {schema_id} belongs to no schema file here; "
                "add the publisher's .avsc file, or configure the registry that gave out the id"
            )
        return found

    async def schema_of_guid(self, guid: UUID) -> AvroSchema:
        """Raise UnknownSchemaError: GUIDs are given out by registries, and no file says which is whose."""
        raise UnknownSchemaError(
            f"schema GUID {guid} was given out by a registry; configure it in `registry.url`"
        )

    async def id_of(self, subject: str, schema: AvroSchema) -> int:
        """Return the id of a schema that was read from a file, or raise UnknownSchemaError."""
        schema_id = folder_id(schema)
        if schema_id not in self._schemas:
            raise UnknownSchemaError(f"{subject}: no schema file holds it; add it to the folder of schemas")
        return schema_id

    async def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

    def _add(self, schema: AvroSchema) -> None:
        schema_id = folder_id(schema)
        there = self._schemas.setdefault(schema_id, WriterSchema(schema_id, schema))
        if there.schema.text != schema.text:
            # Also two files that differ only in docs, defaults or logical types: the ids could not tell them apart.
            raise SchemaError(
                f"the schemas {there.schema.name} and {schema.name} share the id {schema_id} but differ; "
                "keep one of the files"
            )


def folder_id(schema: AvroSchema) -> int:
    """Return the id a FolderRegistry gives a schema: the start of its fingerprint."""
    return int.from_bytes(schema.fingerprint[:4]) & _ID_BITS
