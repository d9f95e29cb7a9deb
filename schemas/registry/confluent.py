"""A schema registry that speaks Confluent's REST interface: Confluent's own, Karapace, Apicurio, Redpanda."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import quote
from uuid import UUID

from schemas.errors import RegistryError, SchemaError, UnknownSchemaError
from schemas.registry.avro_schema import SCHEMA_BYTES, AvroSchema, avro_schema
from schemas.registry.pinned import Pinned
from schemas.registry.port import WriterSchema
from schemas.registry.references import (
    REFERENCE_DEPTH,
    REFERENCES,
    Reference,
    Referring,
    inlined,
    references_of,
)
from schemas.registry.registered import RegisteredVersion, Verdict
from schemas.registry.remembered import Remembered
from schemas.registry.rest import Endpoint, NotThereError, RegistryRest, answered_object

VERSIONS: Final = 500
"""Of one subject; each is a request."""
REFERENCES_S: Final = 60.0
"""For all that one schema refers to; each is a request."""
_REASONS: Final = 5
_REASON_CHARACTERS: Final = 300


class ConfluentRegistry:
    """Asks a registry over HTTP, remembers what it said, and never asks twice at once for one thing.

    Schemas behind an id never change, so they are remembered until newer ones push them out, and an id that means
    another one later is refused. Only `register` changes anything there. Create and use it inside one event loop.
    """

    def __init__(
        self, endpoint: Endpoint, *, remembered: int = 1000, pins: Mapping[int, str] | None = None
    ) -> None:
        """Connect lazily.

        Args:
            endpoint: where it is, and how it is asked.
            remembered: how many schemas to keep in memory.
            pins: the digest of the schema that an id must mean; of others, what they meant first in this process.
        """
        self._rest = RegistryRest(endpoint)
        self._pinned = Pinned(pins or {})
        self._schemas: Remembered[int, WriterSchema] = Remembered(remembered)
        self._by_guid: Remembered[UUID, AvroSchema] = Remembered(remembered)
        self._ids: Remembered[tuple[str, str], int] = Remembered(remembered)
        self._referred: Remembered[Reference, Referring] = Remembered(remembered)

    async def schema_of(self, schema_id: int) -> WriterSchema:
        """Return the schema with this id; see `Registry`."""
        return await self._schemas.get(schema_id, lambda: self._fetch(schema_id))

    async def schema_of_guid(self, guid: UUID) -> AvroSchema:
        """Return the schema with this GUID; see `Registry`."""
        return await self._by_guid.get(guid, lambda: self._fetch_guid(guid))

    async def id_of(self, subject: str, schema: AvroSchema) -> int:
        """Find the id of a schema under a subject; see `Registry`."""
        return await self._ids.get((subject, schema.text), lambda: self._find(subject, schema))

    async def register(self, subject: str, schema: AvroSchema) -> int:
        """Register a schema as the next version of a subject and return its id; one that is there keeps its id.

        Raises:
            SchemaError: the registry refused it, for instance as incompatible.
            RegistryError: the registry did not answer; trying again may help.
        """
        what = f"subject {subject}"
        return _id(await self._rest.ask("POST", _versions(subject), what=what, body=_body(schema)), what)

    async def verdict(self, subject: str, schema: AvroSchema) -> Verdict:
        """Ask whether the registry would take a schema as the next version of a subject, by the level that it has for it.

        Raises:
            SchemaError: it refuses to say.
            RegistryError: it did not answer; trying again may help.
        """
        what = f"compatibility of subject {subject}"
        level = await self._level(subject)
        if level == "NONE":  # some judge by another level all the same when they are asked, and then take it
            return Verdict(level, compatible=True)
        path = f"/compatibility{_versions(subject)}?verbose=true"
        try:
            said = answered_object(await self._rest.ask("POST", path, what=what, body=_body(schema)), what)
        except NotThereError:
            return Verdict(level, compatible=True)  # the first version of a subject
        compatible = said.get("is_compatible")
        if not isinstance(compatible, bool):
            raise RegistryError(f"{what}: the registry answered without a verdict")
        return Verdict(level, compatible, () if compatible else _reasons(said.get("messages")))

    async def versions_of(self, subject: str) -> tuple[RegisteredVersion, ...]:
        """Return the versions of a subject, the oldest first, and none where the registry has no such subject.

        Asked anew each time, one version after the other.

        Raises:
            ChangedSchemaError: an id means something else than its pin says, or than before.
            RegistryError: the registry did not answer; trying again may help.
            SchemaError: it refuses to say, or there are more than VERSIONS.
        """
        what = f"subject {subject}"
        try:
            numbers = await self._rest.ask("GET", _versions(subject), what=what)
        except NotThereError:
            return ()
        if not isinstance(numbers, list) or not all(isinstance(n, int) for n in cast("list[Any]", numbers)):
            raise RegistryError(f"{what}: the registry answered with something that is no list of versions")
        if len(cast("list[int]", numbers)) > VERSIONS:
            raise SchemaError(f"{what}: {len(cast('list[int]', numbers))} versions, the limit is {VERSIONS}")
        return tuple([await self._version(subject, number) for number in sorted(cast("list[int]", numbers))])

    async def close(self) -> None:
        """End what is under way and close the connections."""
        for remembered in (self._schemas, self._by_guid, self._ids, self._referred):
            await remembered.close()
        await self._rest.close()

    async def _fetch(self, schema_id: int) -> WriterSchema:
        what = f"schema id {schema_id}"
        answer = answered_object(await self._rest.ask("GET", f"/schemas/ids/{schema_id}", what=what), what)
        return WriterSchema(schema_id, await self._schema(answer, schema_id, what))

    async def _fetch_guid(self, guid: UUID) -> AvroSchema:
        what = f"schema GUID {guid}"
        path = f"/schemas/guids/{guid}"  # of newer registries only
        answer = answered_object(await self._rest.ask("GET", path, what=what, may_lack=True), what)
        return await self._schema(answer, str(guid), what)

    async def _find(self, subject: str, schema: AvroSchema) -> int:
        what = f"subject {subject}"
        try:
            return _id(
                await self._rest.ask("POST", f"/subjects/{_quoted(subject)}", what=what, body=_body(schema)),
                what,
            )
        except NotThereError as error:
            hint = "`pointsman topics register` registers it"
            raise UnknownSchemaError(
                f"{what}: the registry does not have our schema {schema.name}; {hint}"
            ) from error

    async def _version(self, subject: str, number: int) -> RegisteredVersion:
        what = f"subject {subject}, version {number}"
        path = f"{_versions(subject)}/{number}"
        answer = answered_object(await self._rest.ask("GET", path, what=what), what)
        schema_id = _id(answer, what)
        try:
            return RegisteredVersion(number, schema_id, await self._schema(answer, schema_id, what))
        except UnknownSchemaError as error:
            return RegisteredVersion(number, schema_id, None, str(error))

    async def _level(self, subject: str) -> str:
        what = f"compatibility level of subject {subject}"
        for path in (f"/config/{_quoted(subject)}?defaultToGlobal=true", "/config"):
            try:
                answer = answered_object(await self._rest.ask("GET", path, what=what), what)
            except NotThereError:
                continue  # it has none of its own
            return _cut(answer.get("compatibilityLevel"))
        return "unknown"

    async def _schema(self, answer: Mapping[str, Any], schema_id: int | str, what: str) -> AvroSchema:
        try:
            referring = _referring(answer)
            schema = avro_schema(await self._whole(referring))
        except RegistryError as error:
            raise RegistryError(f"{what}: {error}") from error
        except SchemaError as error:
            raise UnknownSchemaError(f"{what}: {error}") from error
        self._pinned.check(schema_id, schema.digest)
        return schema

    async def _whole(self, referring: Referring) -> str:
        """Return the text with all that it refers to, directly or not, in it."""
        if not referring.references:
            return referring.text
        found: dict[Reference, str] = {}
        try:
            async with asyncio.timeout(REFERENCES_S):
                await self._collect(referring, (), found)
        except TimeoutError as error:
            raise RegistryError(f"what it refers to was not there within {REFERENCES_S:g} s") from error
        return inlined(referring.text, list(found.values()))

    async def _collect(
        self, referring: Referring, path: tuple[Reference, ...], found: dict[Reference, str]
    ) -> None:
        if len(path) == REFERENCE_DEPTH:
            raise SchemaError(f"its references are nested deeper than {REFERENCE_DEPTH} levels")
        for reference in referring.references:
            if reference in path:
                raise SchemaError(f"its references go in a circle: {reference} refers to itself")
            if reference in found:
                continue
            if len(found) == REFERENCES:
                raise SchemaError(f"it refers to more than {REFERENCES} schemas")
            referred = await self._referred.get(reference, lambda this=reference: self._fetch_referred(this))
            found[reference] = referred.text
            if sum(map(len, found.values())) > SCHEMA_BYTES:
                raise SchemaError(f"it refers to more than {SCHEMA_BYTES} characters of schemas")
            await self._collect(referred, (*path, reference), found)

    async def _fetch_referred(self, reference: Reference) -> Referring:
        path = f"{_versions(reference.subject)}/{reference.version}"
        return _referring(
            answered_object(await self._rest.ask("GET", path, what=str(reference)), str(reference))
        )


def _referring(answer: Mapping[str, Any]) -> Referring:
    kind = answer.get("schemaType", "AVRO")
    if kind != "AVRO":
        raise SchemaError(f"is a {_cut(kind)} schema; only Avro is read")
    text = answer.get("schema")
    if not isinstance(text, str):
        raise RegistryError("the registry answered without a schema")
    return Referring(text, references_of(answer))


def _body(schema: AvroSchema) -> dict[str, str]:
    return {"schema": schema.text, "schemaType": "AVRO"}


def _versions(subject: str) -> str:
    return f"/subjects/{_quoted(subject)}/versions"


def _quoted(subject: str) -> str:
    return quote(subject, safe="")


def _id(answer: object, what: str) -> int:
    schema_id = answered_object(answer, what).get("id")
    if not isinstance(schema_id, int) or isinstance(schema_id, bool):
        raise RegistryError(f"{what}: the registry answered without an id")
    return schema_id


def _reasons(messages: object) -> tuple[str, ...]:
    said = cast("list[Any]", messages) if isinstance(messages, list) else []
    return tuple(map(_cut, said[:_REASONS]))


def _cut(said: object) -> str:
    """Return words of the registry on one line, so that they cannot pass for ours."""
    return "".join(each if each.isprintable() else " " for each in str(said)[:_REASON_CHARACTERS])
