"""The port: where the codec asks for the schema behind an id, and for the id of a schema."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from schemas.registry.avro_schema import AvroSchema


@dataclass(frozen=True, slots=True)
class WriterSchema:
    """The schema a body was written with, and its id in the registry that was asked."""

    id: int
    schema: AvroSchema


class Registry(Protocol):
    """Schemas by id. One instance may be used by many tasks of one event loop at once."""

    async def schema_of(self, schema_id: int) -> WriterSchema:
        """Return the schema with this id; from memory once it has been seen.

        Raises:
            UnknownSchemaError: nobody knows the id, or what it names is no Avro schema we accept.
            RegistryError: the registry did not answer; trying again may help.
        """
        ...

    async def schema_of_guid(self, guid: UUID) -> AvroSchema:
        """Return the schema with this GUID, by which newer serializers name it in a header; from memory once it has been seen.

        Raises:
            UnknownSchemaError: nobody knows the GUID, or what it names is no Avro schema we accept.
            RegistryError: the registry did not answer; trying again may help.
        """
        ...

    async def id_of(self, subject: str, schema: AvroSchema) -> int:
        """Return the id of a schema under a subject. Nothing is registered. Asking again gives the same id.

        Raises:
            UnknownSchemaError: the schema is not there.
            SchemaError: the registry refuses to say.
            RegistryError: the registry did not answer; trying again may help.
        """
        ...

    async def close(self) -> None:
        """Let go of connections. Closing twice is harmless; nothing may be asked afterwards."""
        ...
