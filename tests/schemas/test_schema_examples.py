"""The examples are structured CloudEvents: each one is decoded, encoded as Avro and decoded again."""

from dataclasses import replace
from importlib import resources
from importlib.resources.abc import Traversable

import pytest

from schemas.codec.cloudevents import STRUCTURED_JSON
from schemas.codec.records import RecordCodec
from schemas.record import Record
from schemas.registry.files import packaged_schemas

FILES = sorted((resources.files("schemas") / "examples").iterdir(), key=lambda file: file.name)
TYPES = {file.type for file in packaged_schemas()}


def type_of(name: str) -> str:
    """`order.requested.in-stock.json` is of type `order.requested`."""
    return name.removesuffix(".json").rpartition(".")[0]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
async def test_an_example_survives_avro(codec: RecordCodec, file: Traversable) -> None:
    headers = (("content-type", STRUCTURED_JSON.encode()),)
    event = await codec.decode(Record("t", 0, 0, 0, None, file.read_bytes(), headers), tenant="acme")
    encoded = codec.encode(event)
    again = await codec.decode(
        Record("t", 0, 1, 1, encoded.key, encoded.value, encoded.headers), tenant="acme"
    )
    assert replace(again, schema=None) == event
    assert event.type == type_of(file.name)


def test_every_schema_has_an_example_and_every_example_a_schema() -> None:
    assert {type_of(file.name) for file in FILES} == TYPES
