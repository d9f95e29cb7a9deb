"""The registry over HTTP, against the stand-in server of `conftest.py` (no Confluent code runs here)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from schemas.errors import ChangedSchemaError, RegistryError, SchemaError, UnknownSchemaError
from schemas.registry.avro_schema import avro_schema
from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.files import packaged_schemas
from schemas.registry.pinned import Pinned
from schemas.registry.rest import Endpoint, basic

ORDER = packaged_schemas()[2].schema


@pytest.fixture
async def registry(stand_in: Any) -> AsyncIterator[ConfluentRegistry]:
    stand_in.schemas[7] = ORDER.text
    made = ConfluentRegistry(
        Endpoint((stand_in.url,), authorization=basic("reader", "s3cret"), timeout_s=5), remembered=2
    )
    yield made
    await made.close()


async def test_an_id_is_asked_for_once_however_many_wait(registry: ConfluentRegistry, stand_in: Any) -> None:
    await asyncio.gather(*(registry.schema_of(7) for _ in range(20)))
    await registry.schema_of(7)
    assert stand_in.requests == ["GET /base/schemas/ids/7"]


async def test_a_waiter_that_is_cancelled_does_not_cancel_the_others(
    registry: ConfluentRegistry, stand_in: Any
) -> None:
    stand_in.gate.clear()
    waiters = [asyncio.create_task(registry.schema_of(7)) for _ in range(2)]
    await asyncio.wait_for(stand_in.arrived.wait(), timeout=5)
    waiters[0].cancel()
    stand_in.gate.set()
    assert (await waiters[1]).id == 7
    assert waiters[0].cancelled()
    assert len(stand_in.requests) == 1


async def test_the_memory_is_bounded_and_the_oldest_goes(registry: ConfluentRegistry, stand_in: Any) -> None:
    stand_in.schemas.update({8: ORDER.text, 9: ORDER.text})
    for schema_id in (7, 8, 9, 9, 7):
        await registry.schema_of(schema_id)
    assert stand_in.requests == [f"GET /base/schemas/ids/{n}" for n in (7, 8, 9, 7)]


async def test_an_id_is_looked_up_once_and_nothing_is_registered(
    registry: ConfluentRegistry, stand_in: Any
) -> None:
    stand_in.subjects["pointsman.OrderRequested"] = [7]
    assert await registry.id_of("pointsman.OrderRequested", ORDER) == 7
    assert await registry.id_of("pointsman.OrderRequested", ORDER) == 7
    assert stand_in.requests == ["POST /base/subjects/pointsman.OrderRequested"]


async def test_a_schema_that_is_not_registered_names_the_command_that_does(
    registry: ConfluentRegistry, stand_in: Any
) -> None:
    with pytest.raises(UnknownSchemaError, match=r"subject new: .* `pointsman topics register`"):
        await registry.id_of("new", ORDER)
    assert stand_in.subjects == {}


async def test_only_registering_registers(registry: ConfluentRegistry, stand_in: Any) -> None:
    assert await registry.register("pointsman.OrderRequested", ORDER) == 7
    assert await registry.id_of("pointsman.OrderRequested", ORDER) == 7


async def test_the_user_is_sent_by_basic_authentication(registry: ConfluentRegistry, stand_in: Any) -> None:
    await registry.schema_of(7)
    assert stand_in.expects_user("reader", "s3cret")


@pytest.mark.parametrize("status", [429, 500, 503, 302])
async def test_trouble_may_pass(registry: ConfluentRegistry, stand_in: Any, status: int) -> None:
    stand_in.status = status
    with pytest.raises(RegistryError, match=f"schema id 7: the registry answered {status}"):
        await registry.schema_of(7)


async def test_a_failure_is_not_remembered(registry: ConfluentRegistry, stand_in: Any) -> None:
    stand_in.status = 500
    with pytest.raises(RegistryError):
        await registry.schema_of(7)
    stand_in.status = 200
    assert (await registry.schema_of(7)).id == 7


@pytest.mark.parametrize("status", [401, 403])
async def test_who_is_not_let_in_tries_again_and_judges_no_schema_by_it(
    registry: ConfluentRegistry, stand_in: Any, status: int
) -> None:
    stand_in.status = status
    with pytest.raises(RegistryError, match=f"schema id 7: the registry answered {status}: .* credentials"):
        await registry.schema_of(7)
    stand_in.status = 200
    assert (await registry.schema_of(7)).id == 7


@pytest.mark.parametrize("status", [409, 422])
async def test_a_refusal_needs_a_person(registry: ConfluentRegistry, stand_in: Any, status: int) -> None:
    stand_in.status = status
    with pytest.raises(SchemaError, match=str(status)) as caught:
        await registry.id_of("pointsman.OrderRequested", ORDER)
    assert type(caught.value) is SchemaError


async def test_a_registry_that_hangs_is_given_up(stand_in: Any) -> None:
    stand_in.gate.clear()
    registry = ConfluentRegistry(Endpoint((stand_in.url,), timeout_s=0.05))
    with pytest.raises(RegistryError, match="did not answer"):
        await registry.schema_of(7)
    await registry.close()


async def test_a_registry_that_is_not_there_is_trouble_that_may_pass() -> None:
    registry = ConfluentRegistry(Endpoint(("http://127.0.0.1:1",), timeout_s=5))
    with pytest.raises(RegistryError, match="did not answer"):
        await registry.schema_of(7)
    await registry.close()


async def test_only_avro_schemas_are_read(registry: ConfluentRegistry, stand_in: Any) -> None:
    stand_in.extra = {"schemaType": "PROTOBUF"}
    with pytest.raises(UnknownSchemaError, match="schema id 7: is a PROTOBUF schema; only Avro is read"):
        await registry.schema_of(7)


async def test_a_dangerous_schema_is_refused(registry: ConfluentRegistry, stand_in: Any) -> None:
    stand_in.schemas[7] = (
        '{"type":"record","name":"Bomb","fields":[{"name":"a","type":{"type":"array","items":"null"}}]}'
    )
    with pytest.raises(UnknownSchemaError, match="items take no bytes"):
        await registry.schema_of(7)


@pytest.mark.parametrize("raw", [b"<html>", b"[]", b"", b"{}"])
async def test_an_answer_that_is_no_registrys_is_trouble(
    registry: ConfluentRegistry, stand_in: Any, raw: bytes
) -> None:
    stand_in.raw = raw
    with pytest.raises(RegistryError, match="schema id 7"):
        await registry.schema_of(7)


async def test_an_answer_without_an_end_is_given_up(registry: ConfluentRegistry, stand_in: Any) -> None:
    stand_in.raw = b"x" * 2_000_000
    with pytest.raises(UnknownSchemaError, match="longer than 1048576 bytes"):
        await registry.schema_of(7)


def swapped(text: str) -> str:
    """Return a schema that reads the same bytes, and makes a hundred times as much of a price."""
    assert '"scale":2' in text
    return text.replace('"scale":2', '"scale":0')


PRICE = (
    '{"type":"record","name":"Price","fields":[{"name":"amount",'
    '"type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}}]}'
)


async def test_an_id_that_means_another_schema_later_is_refused_by_both_digests(
    registry: ConfluentRegistry, stand_in: Any
) -> None:
    stand_in.schemas.update({7: PRICE, 8: ORDER.text, 9: ORDER.text})
    first = await registry.schema_of(7)
    for schema_id in (8, 9):  # which push it out of the memory
        await registry.schema_of(schema_id)
    stand_in.schemas[7] = swapped(PRICE)
    other = avro_schema(stand_in.schemas[7])
    assert other.fingerprint == first.schema.fingerprint
    for _ in range(2):
        with pytest.raises(ChangedSchemaError) as caught:
            await registry.schema_of(7)
        for named in ("schema id 7", first.schema.digest, other.digest):
            assert named in str(caught.value)
    stand_in.schemas[7] = PRICE
    assert (await registry.schema_of(7)).schema.digest == first.schema.digest


async def test_a_pin_holds_from_the_first_answer_on(stand_in: Any) -> None:
    pin = avro_schema(PRICE).digest
    registry = ConfluentRegistry(Endpoint((stand_in.url,)), pins={7: pin})
    stand_in.schemas[7] = swapped(PRICE)
    with pytest.raises(ChangedSchemaError, match=f"its pin is {pin}"):
        await registry.schema_of(7)
    stand_in.schemas[7] = PRICE.replace(",", ", ")  # the same, written another way
    assert (await registry.schema_of(7)).schema.digest == pin
    await registry.close()


def test_what_ids_meant_is_remembered_within_a_bound() -> None:
    pinned = Pinned({}, seen=2)
    for schema_id in (7, 8, 9):
        pinned.check(schema_id, "then")
    pinned.check(7, "now")  # so long ago that nobody knows
    with pytest.raises(ChangedSchemaError, match="schema id 9"):
        pinned.check(9, "now")


async def test_closing_ends_what_is_under_way(registry: ConfluentRegistry, stand_in: Any) -> None:
    stand_in.gate.clear()
    waiter = asyncio.create_task(registry.schema_of(7))
    await asyncio.wait_for(stand_in.arrived.wait(), timeout=5)
    await registry.close()
    with pytest.raises(asyncio.CancelledError):
        await waiter
