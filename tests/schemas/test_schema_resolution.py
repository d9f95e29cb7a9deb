"""The verdict on two schemas is what a reader then does: each pair is read with fastavro, where that keeps to the specification."""

import io
from typing import Any

import fastavro
import orjson
import pytest
from hypothesis import given, settings

from schemas.registry.avro_schema import AvroSchema
from schemas.registry.compatibility import incompatibilities
from tests.schemas.bodies import bodies
from tests.schemas.evolution_pairs import PAIRS, Pair
from tests.schemas.evolving import evolutions


def schema(source: Any) -> AvroSchema:
    """Return a schema without the lint, which lets no record hold itself."""
    parsed: Any = fastavro.parse_schema(orjson.loads(orjson.dumps(source)))
    return AvroSchema(parsed["name"], orjson.dumps(source).decode(), "", parsed, logical=False)


def unreadable(reader: AvroSchema, writer: AvroSchema) -> str:
    """Return why fastavro cannot read some record of the writer with the reader's schema; empty if it reads all."""
    for body in bodies(writer.parsed):
        stream = io.BytesIO(body)
        try:
            fastavro.schemaless_reader(stream, dict(writer.parsed), dict(reader.parsed))
        except Exception as error:  # noqa: BLE001 - whatever fastavro raises, it did not read
            return f"{type(error).__name__}: {error}"
        assert stream.tell() == len(body)
    return ""


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_verdict_names_what_does_not_fit(pair: Pair) -> None:
    found = incompatibilities(schema(pair.reader), schema(pair.writer))
    assert tuple(each.kind for each in found) == pair.kinds, list(map(str, found))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_verdict_is_what_fastavro_does_unless_the_table_says_why_not(pair: Pair) -> None:
    problem = unreadable(schema(pair.reader), schema(pair.writer))
    assert bool(problem) is (bool(pair.kinds) is not bool(pair.fastavro)), problem


@given(evolutions())
@settings(max_examples=500, deadline=None)
def test_the_verdict_on_random_changes_is_what_fastavro_does(pair: tuple[Any, Any]) -> None:
    writer, reader = map(schema, pair)
    problem, found = unreadable(reader, writer), incompatibilities(reader, writer)
    assert bool(problem) is bool(found), (problem, list(map(str, found)))
