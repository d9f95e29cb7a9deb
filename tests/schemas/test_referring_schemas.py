"""A registry whose schemas refer to others: all that a schema needs is fetched once, within bounds, and pinned as a whole."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from schemas.errors import ChangedSchemaError, RegistryError, UnknownSchemaError
from schemas.registry import confluent
from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.references import REFERENCE_DEPTH, REFERENCES
from schemas.registry.rest import Endpoint
from tests.schemas.evolution_pairs import field, record
from tests.schemas.stand_in import StandIn

GUID = UUID("89791762-2336-186f-9674-299b90a802e2")


def text(name: str, *fields: Any) -> str:
    return orjson.dumps(record(*fields, name=name)).decode()


def to(*subjects: str, version: int = 1) -> list[dict[str, object]]:
    return [{"name": each, "subject": each, "version": version} for each in subjects]


@pytest.fixture
async def registry(stand_in: StandIn) -> AsyncIterator[ConfluentRegistry]:
    made = ConfluentRegistry(Endpoint((stand_in.url,), timeout_s=5))
    yield made
    await made.close()


@pytest.fixture
def order(stand_in: StandIn) -> int:
    """An order with lines with a price; the price is referred to twice."""
    stand_in.hold("shop.Price", text("shop.Price", field("units", "long")))
    stand_in.hold("shop.Line", text("shop.Line", field("price", "shop.Price")), references=to("shop.Price"))
    fields = (field("line", "shop.Line"), field("sum", "shop.Price"))
    return stand_in.hold("orders", text("shop.Order", *fields), references=to("shop.Line", "shop.Price"))


async def test_what_a_schema_refers_to_is_fetched_once(
    registry: ConfluentRegistry, stand_in: StandIn, order: int
) -> None:
    first = await registry.schema_of(order)
    assert await registry.schema_of(order) is first
    assert first.schema.name == "shop.Order"
    assert stand_in.requests == [
        f"GET /base/schemas/ids/{order}",
        "GET /base/subjects/shop.Line/versions/1",
        "GET /base/subjects/shop.Price/versions/1",
    ]


async def test_versions_of_a_subject_are_whole_too(registry: ConfluentRegistry, order: int) -> None:
    (found,) = await registry.versions_of("orders")
    assert found.schema == (await registry.schema_of(order)).schema


async def test_a_schema_is_found_by_its_guid(
    registry: ConfluentRegistry, stand_in: StandIn, order: int
) -> None:
    stand_in.guids[str(GUID)] = order
    assert await registry.schema_of_guid(GUID) == (await registry.schema_of(order)).schema
    await registry.schema_of_guid(GUID)
    assert stand_in.requests.count(f"GET /base/schemas/guids/{GUID}") == 1


async def test_a_guid_that_means_another_schema_later_is_refused(stand_in: StandIn, order: int) -> None:
    stand_in.guids[str(GUID)] = order
    registry = ConfluentRegistry(Endpoint((stand_in.url,)), remembered=1)
    await registry.schema_of_guid(GUID)
    stand_in.guids |= {str(UUID(int=1)): order, str(GUID): 1}
    await registry.schema_of_guid(UUID(int=1))
    with pytest.raises(ChangedSchemaError, match=f"schema id {GUID}"):
        await registry.schema_of_guid(GUID)
    await registry.close()


async def test_another_meaning_of_what_is_referred_to_is_another_meaning_of_the_id(
    stand_in: StandIn, order: int
) -> None:
    first = ConfluentRegistry(Endpoint((stand_in.url,)))
    pin = (await first.schema_of(order)).schema.digest
    await first.close()
    stand_in.schemas[1] = text("shop.Price", field("units", "string"))
    later = ConfluentRegistry(Endpoint((stand_in.url,)), pins={order: pin})
    with pytest.raises(ChangedSchemaError, match=f"its pin is {pin}"):
        await later.schema_of(order)
    await later.close()


async def test_references_in_a_circle_are_refused(registry: ConfluentRegistry, stand_in: StandIn) -> None:
    stand_in.hold("a", text("A", field("b", "B")), references=to("b"))
    stand_in.hold("b", text("B", field("a", "A")), references=to("a"))
    with pytest.raises(UnknownSchemaError, match="its references go in a circle"):
        await registry.schema_of(1)


async def test_what_is_referred_to_and_not_there_is_named(
    registry: ConfluentRegistry, stand_in: StandIn
) -> None:
    schema_id = stand_in.hold("a", text("A", field("b", "B")), references=to("b"))
    with pytest.raises(UnknownSchemaError, match="subject b, version 1: the registry does not know it"):
        await registry.schema_of(schema_id)


async def test_references_nested_too_deep_are_refused(registry: ConfluentRegistry, stand_in: StandIn) -> None:
    for number in range(REFERENCE_DEPTH + 2):
        stand_in.hold(f"s{number}", text(f"T{number}"), references=to(f"s{number + 1}"))
    with pytest.raises(UnknownSchemaError, match=f"nested deeper than {REFERENCE_DEPTH} levels"):
        await registry.schema_of(1)
    assert len(stand_in.requests) == REFERENCE_DEPTH + 1


async def test_too_many_references_are_refused(registry: ConfluentRegistry, stand_in: StandIn) -> None:
    for number in range(REFERENCES + 1):
        stand_in.hold(f"s{number}", text(f"T{number}"))
    first = [f"s{number}" for number in range(REFERENCES)]
    stand_in.references[1] = to(f"s{REFERENCES}")
    schema_id = stand_in.hold("orders", text("Order"), references=to(*first))
    with pytest.raises(UnknownSchemaError, match=f"refers to more than {REFERENCES} schemas"):
        await registry.schema_of(schema_id)


async def test_references_of_very_many_characters_are_refused(
    registry: ConfluentRegistry, stand_in: StandIn
) -> None:
    for name in "ab":
        stand_in.hold(name, text(name, {**field("f", "int"), "doc": "x" * 200_000}))
    schema_id = stand_in.hold("orders", text("Order"), references=to("a", "b"))
    with pytest.raises(UnknownSchemaError, match="refers to more than 262144 characters"):
        await registry.schema_of(schema_id)


async def test_references_that_do_not_come_in_time_may_come_later(
    registry: ConfluentRegistry, stand_in: StandIn, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confluent, "REFERENCES_S", 0.05)
    stand_in.slow = {"/base/subjects/shop.Price/versions/1"}
    stand_in.gate.clear()
    with pytest.raises(
        RegistryError, match=rf"schema id {order}: what it refers to was not there within 0\.05 s"
    ):
        await registry.schema_of(order)
    stand_in.gate.set()
    monkeypatch.undo()
    assert (await registry.schema_of(order)).schema.name == "shop.Order"
