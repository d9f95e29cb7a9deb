"""The verdict on two schemas is what a reader then does: each pair is read with fastavro, where that keeps to the specification."""

import io
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, assume, event, given, settings

from schemas.registry.avro_schema import AvroSchema
from schemas.registry.compatibility import FINDINGS, incompatibilities
from schemas.registry.misfits import Kind
from tests.schemas.bodies import bodies
from tests.schemas.evolution_pairs import PAIRS, Pair, enum, field, fixed, record
from tests.schemas.evolving import evolutions
from tests.schemas.unlinted import unlinted


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
    found = incompatibilities(unlinted(pair.reader), unlinted(pair.writer))
    assert tuple(each.kind for each in found) == pair.kinds, list(map(str, found))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_the_verdict_is_what_fastavro_does_unless_the_table_says_why_not(pair: Pair) -> None:
    problem = unreadable(unlinted(pair.reader), unlinted(pair.writer))
    assert bool(problem) is (bool(pair.kinds) is not bool(pair.fastavro)), problem


FAULTS = ("TypeError: unhashable type: 'dict'", "TypeError: string indices must be integers")
"""How fastavro fails where a union holds a name and the writer a definition, or the other way: REFERENCES has both."""


@given(evolutions())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_verdict_on_random_changes_is_what_fastavro_does(pair: tuple[Any, Any]) -> None:
    writer, reader = map(unlinted, pair)
    problem, found = unreadable(reader, writer), incompatibilities(reader, writer)
    event("readable" if not found else "not readable")
    assume(found or not problem.startswith(FAULTS))
    assert bool(problem) is bool(found), (problem, list(map(str, found)))


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_every_schema_reads_its_own_records(pair: Pair) -> None:
    """But for a union of two records whose last names are the same: by the specification the first is taken for either."""
    for each in (pair.reader, pair.writer):
        found = incompatibilities(unlinted(each), unlinted(each))
        assert found == () or pair.name == "first record that matches by its last name, and does not fit"


def test_the_table_has_pairs_of_every_kind_and_says_where_fastavro_differs() -> None:
    assert len(PAIRS) >= 150
    assert {kind for pair in PAIRS for kind in pair.kinds} == set(Kind) - {
        Kind.TOO_LARGE,
        Kind.LOST,
        Kind.REFUSED,
        Kind.NOT_TAKEN,
    }
    assert len({pair.name for pair in PAIRS}) == len(PAIRS)


def test_a_finding_names_the_place_the_types_and_the_way_out() -> None:
    inner = record(field("price", "int"), field("unit", "string"), name="shop.Line")
    reader = record(field("lines", {"type": "array", "items": inner}))
    changed = record(field("price", "string"), name="shop.Line")
    writer = record(field("lines", {"type": "array", "items": changed}))
    assert [str(each) for each in incompatibilities(unlinted(reader), unlinted(writer))] == [
        "lines[].price: written as string, read as int",
        "lines[].unit: is not written, and the reader has no default for it: give it one",
    ]


def test_two_unions_of_very_many_branches_are_given_up_and_count_as_incompatible() -> None:
    def union(start: int) -> AvroSchema:
        branches = [fixed(1, f"F{start + place}") for place in range(1000)]
        return unlinted(record(field("f", branches)))

    (*_, last) = incompatibilities(union(0), union(2000))
    assert last.kind is Kind.TOO_LARGE


def test_very_deep_schemas_are_given_up_and_count_as_incompatible() -> None:
    deep: object = "int"
    for _ in range(200):
        deep = {"type": "array", "items": deep}
    (found,) = incompatibilities(unlinted(record(field("f", deep))), unlinted(record(field("f", deep))))
    assert found.kind is Kind.TOO_LARGE
    assert "nested deeper than 192 levels" in found.message


def test_of_very_many_findings_the_first_are_told() -> None:
    reader = record(*(field(f"f{place}", "int") for place in range(FINDINGS + 50)))
    found = incompatibilities(unlinted(reader), unlinted(record()))
    assert len(found) == FINDINGS + 1
    assert found[-1].kind is Kind.TOO_LARGE


def test_aliases_that_are_no_list_are_no_aliases() -> None:
    reader = record(field("f", enum("A", name="E2", aliases=5)))
    (found,) = incompatibilities(unlinted(reader), unlinted(record(field("f", enum("A")))))
    assert found.kind is Kind.NAME
