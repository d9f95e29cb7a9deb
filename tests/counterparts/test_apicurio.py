"""The client of registries beside a real one: Apicurio Registry, which speaks Confluent's REST interface."""

import asyncio
import io
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import fastavro
import orjson
import pytest

from consumers.app.registry_login import endpoint_of
from consumers.app.registry_section import Registry
from schemas.codec.records import RecordCodec
from schemas.errors import RegistryError, SchemaError, UnknownSchemaError
from schemas.record import Record
from schemas.registry.avro_schema import AvroSchema, avro_schema
from schemas.registry.compatibility import incompatibilities
from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.files import packaged_schemas
from schemas.registry.misfits import Kind
from schemas.registry.port import Registry as RegistryPort
from schemas.registry.rest import Endpoint
from tests.consumers.adapters.sessions.tls_door import Papers, tls_door
from tests.contracts.registry_cases import RegistryCases
from tests.counterparts.started import counterpart
from tests.schemas.evolution_pairs import PAIRS, field, record
from tests.schemas.unlinted import unlinted

ADDRESS = {
    "type": "record",
    "name": "Address",
    "namespace": "shop.places",
    "fields": [
        {"name": "street", "type": "string"},
        {"name": "country", "type": {"type": "enum", "name": "Country", "symbols": ["CH", "DE"]}},
    ],
}
CUSTOMER = {
    "type": "record",
    "name": "Customer",
    "namespace": "shop",
    "fields": [{"name": "name", "type": "string"}, {"name": "home", "type": "shop.places.Address"}],
}
ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "buyer", "type": "Customer"},
        {"name": "to", "type": ["null", "shop.places.Address"], "default": None},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
    ],
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with counterpart("apicurio") as said:
        yield said["url"]


@pytest.fixture
async def client(url: str) -> AsyncIterator[ConfluentRegistry]:
    made = ConfluentRegistry(Endpoint((url,)))
    yield made
    await made.close()


class Publisher:
    """Somebody else who registers and sets levels, by the interface as it is documented, without our client."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def register(self, subject: str, schema: Any, *references: tuple[str, str]) -> int:
        body = {
            "schemaType": "AVRO",
            "schema": orjson.dumps(schema).decode(),
            "references": [{"name": name, "subject": at, "version": 1} for name, at in references],
        }
        return (await self._send("POST", f"/subjects/{subject}/versions", body))["id"]

    async def level(self, subject: str, level: str) -> None:
        await self._send("PUT", f"/config/{subject}", {"compatibility": level})

    async def _send(self, method: str, path: str, body: Any) -> Any:
        headers = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        async with (
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=30)) as session,
            session.request(method, self._url + path, data=orjson.dumps(body)) as response,
        ):
            assert response.status == 200, await response.text()
            return orjson.loads(await response.read())


@pytest.fixture
def publisher(url: str) -> Publisher:
    return Publisher(url)


def fresh(name: str) -> str:
    """Return a subject of this test alone."""
    return f"{name}-{uuid4().hex[:8]}"


def schema(*fields: object) -> AvroSchema:
    return avro_schema(orjson.dumps(record(*fields, name="shop.OrderPaid")).decode())


class TestContract(RegistryCases):
    @pytest.fixture
    async def registry(self, client: ConfluentRegistry) -> RegistryPort:
        for file in packaged_schemas():
            await client.register(file.schema.name, file.schema)
        return client


async def test_versions_of_a_subject_come_with_their_ids(client: ConfluentRegistry) -> None:
    subject = fresh("orders")
    versions = [schema(field("id", "string")), schema(field("id", "string"), field("note", "string"))]
    ids = [await client.register(subject, each) for each in versions]
    assert await client.register(subject, versions[0]) == ids[0]
    found = await client.versions_of(subject)
    assert [(each.number, each.id) for each in found] == [(1, ids[0]), (2, ids[1])]
    assert [each.schema and each.schema.canonical for each in found] == [each.canonical for each in versions]
    assert [await client.id_of(subject, each) for each in versions] == ids


async def test_a_subject_that_nobody_made_has_no_versions_and_takes_a_first(
    client: ConfluentRegistry,
) -> None:
    subject = fresh("a/b c?d")
    assert await client.versions_of(subject) == ()
    assert (await client.verdict(subject, schema(field("id", "string")))).compatible
    assert await client.versions_of(subject) == ()
    await client.register(subject, schema(field("id", "string")))
    assert len(await client.versions_of(subject)) == 1


async def test_the_registrys_own_check_is_asked_by_its_level(
    client: ConfluentRegistry, publisher: Publisher
) -> None:
    subject = fresh("orders")
    await client.register(subject, schema(field("id", "string")))
    breaking = schema(field("id", "string"), field("note", "string"))
    assert (await client.verdict(subject, breaking)).compatible
    await publisher.level(subject, "BACKWARD_TRANSITIVE")
    verdict = await client.verdict(subject, breaking)
    assert (verdict.level, verdict.compatible) == ("BACKWARD_TRANSITIVE", False)
    with pytest.raises(
        SchemaError, match=f"subject {subject}: the registry answered 409: the schema is incompat"
    ):
        await client.register(subject, breaking)
    mended = schema(field("id", "string"), field("note", ["null", "string"], default=None))
    assert (await client.verdict(subject, mended)).compatible
    await client.register(subject, mended)


async def test_a_record_with_references_in_references_is_read(
    client: ConfluentRegistry, publisher: Publisher
) -> None:
    places, customers, orders = (fresh(each) for each in ("places", "customers", "orders"))
    await publisher.register(places, ADDRESS)
    await publisher.register(customers, CUSTOMER, ("shop.places.Address", places))
    references = (("shop.Customer", customers), ("shop.places.Address", places))
    schema_id = await publisher.register(orders, ORDER, *references)
    home = {"street": "Bahnhofstrasse 1", "country": "CH"}
    written = written_by_others(
        schema_id,
        [ADDRESS, CUSTOMER, ORDER],
        {"buyer": {"name": "Ann", "home": home}, "to": home, "amount": b"\x04\xd2"},
    )
    envelope = await RecordCodec(client).decode(
        Record("orders", 0, 0, 1_700_000_000_000, b"k", written, (("id", b"o-1"),)),
        tenant="t",
        default_type="order.placed",
    )
    assert envelope.schema == "shop.Order"
    assert envelope.payload == {"buyer": {"name": "Ann", "home": home}, "to": home, "amount": "12.34"}


def written_by_others(schema_id: int, schemas: list[Any], fields: dict[str, Any]) -> bytes:
    """Return a record as a serializer of Confluent's frames it; nothing of ours writes it."""
    named: dict[str, Any] = {}
    parsed = [fastavro.parse_schema(each, named_schemas=named) for each in schemas]
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, parsed[-1], fields)
    return struct.pack(">bI", 0, schema_id) + stream.getvalue()


async def test_a_registry_without_our_schemas_is_said_at_the_start(client: ConfluentRegistry) -> None:
    strange = schema(field(fresh("f").replace("-", "_"), "string"))
    codec = RecordCodec(client, schemas={"order.strange": strange})
    with pytest.raises(UnknownSchemaError, match="`pointsman topics register` registers it"):
        await codec.ready()


async def test_a_client_certificate_is_shown_where_one_is_asked_for(url: str, tmp_path: Path) -> None:
    """By a door in front of the registry: it cannot ask for one itself without being built anew."""
    papers, port = Papers.issued(tmp_path / "papers"), urlsplit(url).port
    assert port is not None
    shown = {"cert_file": papers.folder / "client.pem", "key_file": papers.folder / "client.key"}
    with tls_door(port, papers) as door:
        section = {
            "url": f"https://127.0.0.1:{door}{urlsplit(url).path}",
            "ca_file": papers.folder / "ca.pem",
        }
        for certificate in (shown, {}):
            registry = ConfluentRegistry(endpoint_of(Registry.model_validate(section | certificate)))
            if certificate:
                assert await registry.versions_of(fresh("nothing")) == ()
            else:
                with pytest.raises(RegistryError, match="did not answer"):
                    await registry.versions_of(fresh("nothing"))
            await registry.close()


LAXER = {
    "two fields with one alias": "takes the last field, and nothing says which is meant",
    "first record that matches by its last name, and does not fit": "takes the branch that fits, and not the first by name",
}
"""Pairs that the registry takes and we do not, beside those of other logical types, which it does not look at."""
NOT_TAKEN = {
    "alias and name are both written, the name first",
    "alias and name are both written, the alias first",
}
"""Readers that the registry calls invalid, where we see two fields of the writer claimed by one."""


async def test_our_verdicts_are_the_registrys_but_for_those_where_ours_is_stricter_and_says_why(
    client: ConfluentRegistry, publisher: Publisher
) -> None:
    at_once = asyncio.Semaphore(8)

    async def theirs(number: int) -> str:
        subject, pair = fresh(f"pair-{number}"), PAIRS[number]
        async with at_once:
            await client.register(subject, unlinted(pair.writer))
            await publisher.level(subject, "BACKWARD")
            if pair.name in NOT_TAKEN:
                with pytest.raises(SchemaError, match="answered 422"):
                    await client.verdict(subject, unlinted(pair.reader))
                return "not taken"
            verdict = await client.verdict(subject, unlinted(pair.reader))
        return "fits" if verdict.compatible else "breaks"

    verdicts = await asyncio.gather(*map(theirs, range(len(PAIRS))))
    for pair, said in zip(PAIRS, verdicts, strict=True):
        stricter = pair.name in LAXER or set(pair.kinds) & {Kind.LOGICAL_TYPE, Kind.DECIMAL}
        expected = "fits" if not pair.kinds or stricter else "breaks"
        assert said == ("not taken" if pair.name in NOT_TAKEN else expected), pair.name
        assert bool(incompatibilities(unlinted(pair.reader), unlinted(pair.writer))) is bool(pair.kinds)
    counted = Counter(verdicts)
    assert (len(PAIRS), counted["not taken"]) == (183, 2)
