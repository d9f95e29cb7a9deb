"""Versions of a schema beside each other: who has to read whom, and who does."""

from itertools import groupby

import orjson
import pytest

from schemas.codec.avro import prefix, read
from schemas.registry.avro_schema import avro_schema
from schemas.registry.files import SchemaFile, packaged_schemas
from schemas.registry.misfits import Kind
from schemas.registry.versions import Break, Mode, Version, breaks, compared
from tests.schemas.bodies import bodies
from tests.schemas.evolution_pairs import enum, field, record


def version(name: str, *fields: object) -> Version:
    return Version(name, avro_schema(orjson.dumps(record(*fields)).decode()))


ID = field("id", "string")
V1 = version("v1", ID, field("note", "string"))
V2 = version("v2", ID)
V3 = version("v3", ID, field("note", ["null", "string"], default=None), field("kind", enum("A", "B")))
"""What v1 wrote lacks `kind`, what v2 wrote as well; who reads with v1 misses `note` in v2's and fails at v3's null."""


def pairs(found: tuple[Break, ...]) -> list[tuple[str, str]]:
    return [(each.reader, each.writer) for each in found]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode.BACKWARD, [("v3", "v2")]),
        (Mode.BACKWARD_TRANSITIVE, [("v3", "v1"), ("v3", "v2")]),
        (Mode.FORWARD, []),
        (Mode.FORWARD_TRANSITIVE, [("v1", "v3")]),
        (Mode.FULL, [("v3", "v2")]),
        (Mode.FULL_TRANSITIVE, [("v3", "v1"), ("v1", "v3"), ("v3", "v2")]),
    ],
)
def test_a_mode_says_who_must_read_whom(mode: Mode, expected: list[tuple[str, str]]) -> None:
    assert pairs(breaks(V3, [V1, V2], mode)) == expected


def test_a_break_says_for_whom() -> None:
    (found,) = breaks(V2, [V1], Mode.FORWARD)
    assert found.whom == "who reads with v1 what was written with v2"
    assert [each.kind for each in found.problems] == [Kind.NO_DEFAULT]


def test_the_first_version_breaks_nobody() -> None:
    for mode in Mode:
        assert breaks(V1, [], mode) == ()


def test_a_version_that_says_the_same_is_not_the_one_before() -> None:
    again = Version("version 3 in the registry", V3.schema)
    assert compared(V3, [V1, V2, again], Mode.BACKWARD) == (V2,)


PACKAGED = {
    event_type: [Version(f"{file.type}.v{file.version}", file.schema) for file in files]
    for event_type, files in groupby(packaged_schemas(), key=lambda file: file.type)
}


@pytest.mark.parametrize("event_type", PACKAGED)
def test_whoever_reads_with_our_newest_version_reads_all_earlier_ones(event_type: str) -> None:
    *earlier, newest = PACKAGED[event_type]
    assert breaks(newest, earlier, Mode.BACKWARD_TRANSITIVE) == ()


def test_readers_of_our_earlier_versions_fail_at_new_symbols_and_at_nothing_else() -> None:
    """An enum without a default symbol: those who are not changed yet cannot read what they do not know."""
    found = {
        (each.reader, each.writer): {problem.kind for problem in each.problems}
        for *earlier, newest in PACKAGED.values()
        for each in breaks(newest, earlier, Mode.FORWARD_TRANSITIVE)
    }
    assert found == {
        ("approval.decided.v1", "approval.decided.v3"): {Kind.SYMBOLS},
        ("approval.decided.v2", "approval.decided.v3"): {Kind.SYMBOLS},
        ("run.finished.v1", "run.finished.v3"): {Kind.SYMBOLS},
        ("step.recorded.v1", "step.recorded.v4"): {Kind.SYMBOLS},
        ("step.recorded.v2", "step.recorded.v4"): {Kind.SYMBOLS},
        ("step.recorded.v3", "step.recorded.v4"): {Kind.SYMBOLS},
    }


@pytest.mark.parametrize("file", packaged_schemas(), ids=lambda file: f"{file.type}.v{file.version}")
def test_records_of_every_version_we_ever_wrote_are_read(file: SchemaFile) -> None:
    for body in bodies(file.schema.parsed):
        payload = read(prefix(0) + body, file.schema)
        assert list(payload) == [each["name"] for each in file.schema.parsed["fields"]]
