"""What every registry promises; each adapter passes the same suite."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from schemas.errors import UnknownSchemaError
from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.files import packaged_schemas
from schemas.registry.folder import FolderRegistry
from schemas.registry.port import Registry

ORDER = next(file.schema for file in packaged_schemas() if file.type == "order.requested")
CASE = next(file.schema for file in packaged_schemas() if file.type == "case.opened")


@pytest.fixture(params=["folder", "confluent"])
async def registry(request: pytest.FixtureRequest, stand_in: Any) -> AsyncIterator[Registry]:
    made: Registry = (
        FolderRegistry() if request.param == "folder" else ConfluentRegistry(stand_in.url, timeout_s=5)
    )
    yield made
    await made.close()


async def test_a_schema_comes_back_under_the_id_it_was_given(registry: Registry) -> None:
    schema_id = await registry.id_of(ORDER.name, ORDER)
    found = await registry.schema_of(schema_id)
    assert found.id == schema_id
    assert found.schema.canonical == ORDER.canonical
    assert found.schema.name == "pointsman.OrderRequested"


async def test_asking_again_gives_the_same_id(registry: Registry) -> None:
    assert await registry.id_of(ORDER.name, ORDER) == await registry.id_of(ORDER.name, ORDER)


async def test_two_schemas_have_two_ids(registry: Registry) -> None:
    assert await registry.id_of(ORDER.name, ORDER) != await registry.id_of(CASE.name, CASE)


async def test_ids_fit_four_signed_bytes(registry: Registry) -> None:
    assert 0 <= await registry.id_of(ORDER.name, ORDER) < 2**31


async def test_an_id_nobody_gave_out_is_unknown(registry: Registry) -> None:
    with pytest.raises(UnknownSchemaError, match="987654"):
        await registry.schema_of(987654)


async def test_many_tasks_may_ask_at_once(registry: Registry) -> None:
    schema_id = await registry.id_of(ORDER.name, ORDER)
    found = await asyncio.gather(*(registry.schema_of(schema_id) for _ in range(50)))
    assert {each.schema.name for each in found} == {ORDER.name}


async def test_closing_twice_is_harmless(registry: Registry) -> None:
    await registry.close()
    await registry.close()
