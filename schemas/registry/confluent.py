"""A schema registry that speaks Confluent's REST interface: Confluent's own, Karapace, Apicurio, Redpanda."""

import base64
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import quote
from uuid import UUID

import aiohttp
import orjson
from yarl import URL

from schemas.errors import ChangedSchemaError, RegistryError, SchemaError, UnknownSchemaError
from schemas.registry.avro_schema import SCHEMA_BYTES, AvroSchema, avro_schema
from schemas.registry.port import WriterSchema
from schemas.registry.remembered import Remembered

_MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"
_ANSWER_BYTES: Final = 4 * SCHEMA_BYTES
"""The longest answer that is read: a schema, escaped, and what stands around it."""

_SEEN: Final = 10_000
"""Of so many ids it is remembered what they meant, long after the schemas themselves were pushed out."""

_REFUSALS: Final = {
    401: "check the user name and password",
    403: "the user may not do this",
    409: "the schema is incompatible with the versions before it",
    422: "the schema is invalid there",
}
"""Answers that stay the same until a person changes something."""


VERSIONS: Final = 500
"""Of one subject; each is a request."""


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """One version of a subject.

    Attributes:
        number: as the registry counts, from 1, with gaps where versions were deleted.
        id: of its schema.
        schema: what it says, or None where Pointsman reads nothing that was written with it.
        problem: why not.
    """

    number: int
    id: int
    schema: AvroSchema | None
    problem: str = ""


class _NotThereError(UnknownSchemaError):
    """The registry answered that it does not know what was asked for."""


class ConfluentRegistry:
    """Asks a registry over HTTP, remembers what it said, and never asks twice at once for one thing.

    Schemas behind an id never change, so they are remembered until newer ones push them out, and an id that means
    another one later is refused. Redirects are not followed. Create and use it inside one event loop.
    """

    def __init__(
        self,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        timeout_s: float = 10.0,
        remembered: int = 1000,
        pins: Mapping[int, str] | None = None,
    ) -> None:
        """Connect lazily.

        Args:
            url: base address, a path in it is kept.
            username: for basic authentication, or None for none.
            password: never logged.
            timeout_s: for one request as a whole.
            remembered: how many schemas to keep in memory.
            pins: the digest of the schema that an id must mean; of others, what they meant first in this process.
        """
        self._pins = dict(pins or {})
        self._seen: OrderedDict[int | UUID, str] = OrderedDict()
        self._url = url.rstrip("/")
        self._headers = {"Accept": f"{_MEDIA_TYPE}, application/json", "Content-Type": _MEDIA_TYPE}
        if username is not None:
            pair = base64.b64encode(f"{username}:{password or ''}".encode()).decode()
            self._headers["Authorization"] = f"Basic {pair}"
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._schemas: Remembered[int, WriterSchema] = Remembered(remembered)
        self._by_guid: Remembered[UUID, AvroSchema] = Remembered(remembered)
        self._ids: Remembered[tuple[str, str], int] = Remembered(remembered)
        self._session: aiohttp.ClientSession | None = None

    async def schema_of(self, schema_id: int) -> WriterSchema:
        """Return the schema with this id; see `Registry`."""
        return await self._schemas.get(schema_id, lambda: self._fetch(schema_id))

    async def schema_of_guid(self, guid: UUID) -> AvroSchema:
        """Return the schema with this GUID; see `Registry`."""
        return await self._by_guid.get(guid, lambda: self._fetch_guid(guid))

    async def id_of(self, subject: str, schema: AvroSchema) -> int:
        """Register a schema under a subject, or find it there; see `Registry`."""
        return await self._ids.get((subject, schema.text), lambda: self._register(subject, schema))

    async def versions_of(self, subject: str) -> tuple[RegisteredVersion, ...]:
        """Return the versions of a subject, the oldest first, and none where the registry has no such subject.

        Asked anew each time, one version after the other.

        Raises:
            ChangedSchemaError: an id means something else than its pin says, or than before.
            RegistryError: the registry did not answer; trying again may help.
            SchemaError: it refuses to say, or there are more than VERSIONS.
        """
        what, path = f"subject {subject}", f"/subjects/{quote(subject, safe='')}/versions"
        try:
            numbers = await self._ask("GET", path, what=what)
        except _NotThereError:
            return ()
        if not isinstance(numbers, list) or not all(isinstance(n, int) for n in cast("list[Any]", numbers)):
            raise RegistryError(f"{what}: the registry answered with something that is no list of versions")
        if len(cast("list[int]", numbers)) > VERSIONS:
            raise SchemaError(f"{what}: {len(cast('list[int]', numbers))} versions, the limit is {VERSIONS}")
        return tuple(
            [await self._version(path, number, what) for number in sorted(cast("list[int]", numbers))]
        )

    async def close(self) -> None:
        """End what is under way and close the connections."""
        await self._schemas.close()
        await self._by_guid.close()
        await self._ids.close()
        if self._session is not None:
            await self._session.close()

    async def _fetch(self, schema_id: int) -> WriterSchema:
        what = f"schema id {schema_id}"
        answer = _object(await self._ask("GET", f"/schemas/ids/{schema_id}", what=what), what)
        return WriterSchema(schema_id, self._schema(answer, schema_id, what))

    async def _fetch_guid(self, guid: UUID) -> AvroSchema:
        what = f"schema GUID {guid}"
        answer = _object(await self._ask("GET", f"/schemas/guids/{guid}", what=what), what)
        return self._schema(answer, guid, what)

    async def _version(self, path: str, number: int, what: str) -> RegisteredVersion:
        what = f"{what}, version {number}"
        answer = _object(await self._ask("GET", f"{path}/{number}", what=what), what)
        schema_id = answer.get("id")
        if not isinstance(schema_id, int):
            raise RegistryError(f"{what}: the registry answered without an id")
        try:
            return RegisteredVersion(number, schema_id, self._schema(answer, schema_id, what))
        except UnknownSchemaError as error:
            return RegisteredVersion(number, schema_id, None, str(error))

    def _schema(self, answer: Mapping[str, Any], schema_id: int | UUID, what: str) -> AvroSchema:
        kind = answer.get("schemaType", "AVRO")
        if kind != "AVRO" or answer.get("references"):
            raise UnknownSchemaError(
                f"{what} is a {kind} schema or refers to others; only whole Avro schemas are read"
            )
        try:
            schema = avro_schema(str(answer.get("schema")))
        except SchemaError as error:
            raise UnknownSchemaError(f"{what}: {error}") from error
        self._check(schema_id, schema.digest)
        return schema

    def _check(self, schema_id: int | UUID, digest: str) -> None:
        """Refuse an id that means something else than its pin says, or than it did before."""
        if isinstance(schema_id, int) and schema_id in self._pins:
            expected, whose = self._pins[schema_id], "its pin is"
        else:
            expected, whose = self._seen.setdefault(schema_id, digest), "it was"
            self._seen.move_to_end(schema_id)
            if len(self._seen) > _SEEN:
                self._seen.popitem(last=False)
        if digest != expected:
            raise ChangedSchemaError(
                f"schema id {schema_id}: the registry answers with a schema whose SHA-256 is {digest}, {whose} {expected}; "
                "nothing is read with it: find out who changed the registry"
            )

    async def _register(self, subject: str, schema: AvroSchema) -> int:
        body = orjson.dumps({"schema": schema.text, "schemaType": "AVRO"})
        path = f"/subjects/{quote(subject, safe='')}/versions"
        what = f"subject {subject}"
        answer = _object(await self._ask("POST", path, what=what, body=body), what)
        schema_id = answer.get("id")
        if not isinstance(schema_id, int):
            raise RegistryError(f"{what}: the registry answered without an id")
        return schema_id

    async def _ask(self, method: str, path: str, *, what: str, body: bytes | None = None) -> object:
        url = URL(self._url + path, encoded=True)
        try:
            async with self._open().request(method, url, data=body, allow_redirects=False) as response:
                status, text = response.status, await _capped(response, what)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise RegistryError(f"{what}: the registry did not answer: {type(error).__name__}") from error
        _raise_for(status, what)
        return _json(text, what)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, headers=self._headers)
        return self._session


async def _capped(response: aiohttp.ClientResponse, what: str) -> bytes:
    text = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        text += chunk
        if len(text) > _ANSWER_BYTES:
            raise UnknownSchemaError(f"{what}: the registry's answer is longer than {_ANSWER_BYTES} bytes")
    return bytes(text)


def _raise_for(status: int, what: str) -> None:
    """Sort statuses by who must act; the registry's own words stay out, they may echo what we sent."""
    if status == HTTPStatus.OK:
        return
    if status == HTTPStatus.NOT_FOUND:
        raise _NotThereError(f"{what}: the registry does not know it")
    if status in _REFUSALS:
        raise SchemaError(f"{what}: the registry answered {status}: {_REFUSALS[status]}")
    raise RegistryError(f"{what}: the registry answered {status}")


def _json(text: bytes, what: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RegistryError(f"{what}: the registry answered with something that is no JSON") from error


def _object(answer: object, what: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise RegistryError(f"{what}: the registry answered with JSON that is no object")
    return cast("dict[str, Any]", answer)
