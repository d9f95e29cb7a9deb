"""A registry in memory, for records that tests write themselves."""

from dataclasses import dataclass, field
from uuid import UUID

from schemas.errors import UnknownSchemaError
from schemas.registry.avro_schema import AvroSchema
from schemas.registry.port import WriterSchema


@dataclass
class KnownSchemas:
    """Knows the schemas it was given, by id and by GUID."""

    by_id: dict[int, AvroSchema] = field(default_factory=dict[int, AvroSchema])
    by_guid: dict[UUID, AvroSchema] = field(default_factory=dict[UUID, AvroSchema])

    async def schema_of(self, schema_id: int) -> WriterSchema:
        if schema_id not in self.by_id:
            raise UnknownSchemaError(f"schema id {schema_id} is not known")
        return WriterSchema(schema_id, self.by_id[schema_id])

    async def schema_of_guid(self, guid: UUID) -> AvroSchema:
        if guid not in self.by_guid:
            raise UnknownSchemaError(f"schema GUID {guid} is not known")
        return self.by_guid[guid]

    async def id_of(self, subject: str, schema: AvroSchema) -> int:
        return next(number for number, each in self.by_id.items() if each.text == schema.text)

    async def close(self) -> None:
        """Hold nothing."""
