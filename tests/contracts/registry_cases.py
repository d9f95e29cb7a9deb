"""What every registry promises, whatever is behind it. A module of tests takes these by name and brings the fixture `registry`.

The fixture gives a registry that has the packaged schemas under the names of their records, and nothing else that is asked for here.
"""

import asyncio
from uuid import UUID

import pytest

from schemas.errors import UnknownSchemaError
from schemas.registry.avro_schema import avro_schema
from schemas.registry.files import packaged_schemas
from schemas.registry.port import Registry

ORDER = next(file.schema for file in packaged_schemas() if file.type == "order.requested")
CASE = next(file.schema for file in packaged_schemas() if file.type == "case.opened")
STRANGER = avro_schema('{"type":"record","name":"Stranger","namespace":"pointsman","fields":[]}')


class RegistryCases:
    """The suite; a subclass named `Test…` runs it."""

    async def test_a_schema_comes_back_under_the_id_it_was_given(self, registry: Registry) -> None:
        schema_id = await registry.id_of(ORDER.name, ORDER)
        found = await registry.schema_of(schema_id)
        assert found.id == schema_id
        assert found.schema.canonical == ORDER.canonical
        assert found.schema.name == "pointsman.OrderRequested"

    async def test_what_the_canonical_form_leaves_out_comes_back_too(self, registry: Registry) -> None:
        found = await registry.schema_of(await registry.id_of(ORDER.name, ORDER))
        assert found.schema.digest == ORDER.digest

    async def test_every_packaged_schema_comes_back(self, registry: Registry) -> None:
        for file in packaged_schemas():
            found = await registry.schema_of(await registry.id_of(file.schema.name, file.schema))
            assert found.schema.digest == file.schema.digest

    async def test_asking_again_gives_the_same_id(self, registry: Registry) -> None:
        assert await registry.id_of(ORDER.name, ORDER) == await registry.id_of(ORDER.name, ORDER)

    async def test_two_schemas_have_two_ids(self, registry: Registry) -> None:
        assert await registry.id_of(ORDER.name, ORDER) != await registry.id_of(CASE.name, CASE)

    async def test_ids_fit_four_signed_bytes(self, registry: Registry) -> None:
        assert 0 <= await registry.id_of(ORDER.name, ORDER) < 2**31

    async def test_an_id_nobody_gave_out_is_unknown(self, registry: Registry) -> None:
        with pytest.raises(UnknownSchemaError, match="987654"):
            await registry.schema_of(987654)

    async def test_a_guid_nobody_gave_out_is_unknown(self, registry: Registry) -> None:
        with pytest.raises(UnknownSchemaError, match="89791762"):
            await registry.schema_of_guid(UUID("89791762-2336-186f-9674-299b90a802e2"))

    async def test_a_schema_that_is_not_there_is_unknown_and_is_not_put_there(
        self, registry: Registry
    ) -> None:
        for _ in range(2):
            with pytest.raises(UnknownSchemaError, match=r"pointsman\.Stranger"):
                await registry.id_of(STRANGER.name, STRANGER)

    async def test_many_tasks_may_ask_at_once(self, registry: Registry) -> None:
        schema_id = await registry.id_of(ORDER.name, ORDER)
        found = await asyncio.gather(*(registry.schema_of(schema_id) for _ in range(50)))
        assert {each.schema.name for each in found} == {ORDER.name}

    async def test_closing_twice_is_harmless(self, registry: Registry) -> None:
        await registry.close()
        await registry.close()
