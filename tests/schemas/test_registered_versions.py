"""The versions of a subject, as a registry tells them."""

from collections.abc import AsyncIterator

import orjson
import pytest

from schemas.errors import ChangedSchemaError, RegistryError, SchemaError
from schemas.registry.avro_schema import AvroSchema, avro_schema
from schemas.registry.confluent import VERSIONS, ConfluentRegistry
from schemas.registry.rest import Endpoint
from tests.schemas.evolution_pairs import field, record
from tests.schemas.stand_in import StandIn


def schema(*fields: object) -> AvroSchema:
    return avro_schema(orjson.dumps(record(*fields, name="shop.OrderPaid")).decode())


FIRST, SECOND = schema(field("id", "string")), schema(field("id", "string"), field("note", "string"))


@pytest.fixture
async def registry(stand_in: StandIn) -> AsyncIterator[ConfluentRegistry]:
    made = ConfluentRegistry(Endpoint((stand_in.url,), timeout_s=5))
    yield made
    await made.close()


async def test_versions_come_in_their_order(registry: ConfluentRegistry) -> None:
    ids = [await registry.register("orders-value", each) for each in (FIRST, SECOND)]
    found = await registry.versions_of("orders-value")
    assert [(each.number, each.id) for each in found] == list(enumerate(ids, start=1))
    assert [each.schema and each.schema.canonical for each in found] == [FIRST.canonical, SECOND.canonical]


async def test_a_subject_that_is_not_there_has_no_versions(registry: ConfluentRegistry) -> None:
    assert await registry.versions_of("nowhere") == ()


async def test_a_subject_is_one_part_of_the_address(registry: ConfluentRegistry, stand_in: StandIn) -> None:
    assert await registry.versions_of("../ids/1?x#y") == ()
    assert stand_in.requests == ["GET /base/subjects/../ids/1?x#y/versions"]


async def test_a_version_that_is_no_schema_we_accept_says_why(
    registry: ConfluentRegistry, stand_in: StandIn
) -> None:
    await registry.register("orders-value", FIRST)
    stand_in.schemas[1] = orjson.dumps(record(field("next", ["null", "R"]))).decode()
    (found,) = await registry.versions_of("orders-value")
    assert found.schema is None
    assert "orders-value, version 1: the schema is recursive" in found.problem


async def test_a_version_of_another_kind_says_so(registry: ConfluentRegistry, stand_in: StandIn) -> None:
    await registry.register("orders-value", FIRST)
    stand_in.extra = {"schemaType": "PROTOBUF"}
    (found,) = await registry.versions_of("orders-value")
    assert "is a PROTOBUF schema" in found.problem


async def test_a_version_whose_id_meant_something_else_is_refused(
    registry: ConfluentRegistry, stand_in: StandIn
) -> None:
    await registry.register("orders-value", FIRST)
    await registry.versions_of("orders-value")
    stand_in.schemas[1] = SECOND.text
    with pytest.raises(ChangedSchemaError):
        await registry.versions_of("orders-value")


@pytest.mark.parametrize("answer", [b'{"versions": []}', b'["1"]', b"<html>"])
async def test_an_answer_that_is_no_list_of_versions_is_the_registrys_fault(
    registry: ConfluentRegistry, stand_in: StandIn, answer: bytes
) -> None:
    stand_in.raw = answer
    with pytest.raises(RegistryError, match="subject orders-value: the registry answered with something"):
        await registry.versions_of("orders-value")


async def test_a_version_without_an_id_is_the_registrys_fault(
    registry: ConfluentRegistry, stand_in: StandIn
) -> None:
    await registry.register("orders-value", FIRST)
    stand_in.extra = {"id": None}
    with pytest.raises(RegistryError, match="version 1: the registry answered without an id"):
        await registry.versions_of("orders-value")


async def test_very_many_versions_are_refused_before_the_first_is_asked_for(
    registry: ConfluentRegistry, stand_in: StandIn
) -> None:
    stand_in.raw = orjson.dumps(list(range(VERSIONS + 1)))
    with pytest.raises(SchemaError, match=f"{VERSIONS + 1} versions, the limit is"):
        await registry.versions_of("orders-value")
    assert len(stand_in.requests) == 1


async def test_a_registry_that_is_down_is_said(registry: ConfluentRegistry, stand_in: StandIn) -> None:
    stand_in.status = 503
    with pytest.raises(RegistryError, match="answered 503"):
        await registry.versions_of("orders-value")
