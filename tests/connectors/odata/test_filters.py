"""Whatever a value is, the filter that is sent has the structure of its conditions, and holds that value in its place."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import FailedError
from connectors.odata.edm import EdmError, Enumeration, Primitive, Property, Version
from connectors.odata.filters import Condition, Operator, condition, filter_text
from connectors.odata.literals import literal

TOKEN = re.compile(
    r"\s+|(?P<text>'(?:[^']|'')*')|(?P<sign>[(),])|(?P<word>[^\s'(),]+(?:'[^']*')?)",
)
"""Texts, signs and words of a filter, by OData's grammar and not by how the filter was made."""

VERSIONS: tuple[Version, ...] = ("v4", "v2")


def tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match, f"{text[at:]!r} is nothing that a filter is made of"
        if match.lastgroup:
            found.append((match.lastgroup, match[0]))
        at = match.end()
    return found


def structure(text: str) -> list[str]:
    """Return a filter with its values left out."""
    return ["text" if kind == "text" else said for kind, said in tokens(text)]


def texts(text: str) -> list[str]:
    return [said[1:-1].replace("''", "'") for kind, said in tokens(text) if kind == "text"]


def prop(name: str, kind: str, **facets: Any) -> Property:
    return Property(name, Primitive(kind, **facets))


NAME = prop("name", "Edm.String")
SAYABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


@given(
    is_=SAYABLE,
    contains=SAYABLE,
    several=st.lists(SAYABLE, min_size=1, max_size=4),
    version=st.sampled_from(VERSIONS),
)
def test_no_text_can_leave_its_place(is_: str, contains: str, several: list[str], version: Version) -> None:
    operators: tuple[Operator, ...] = ("is", "contains", "starts", "in")
    conditions = [condition(NAME, each) for each in operators]
    said = {"name": is_, "name_contains": contains, "name_starts": is_, "name_in": several}
    made = filter_text(conditions, said, version)
    plain = filter_text(
        conditions,
        {"name": "a", "name_contains": "b", "name_starts": "a", "name_in": ["c"] * len(several)},
        version,
    )
    assert made is not None
    assert plain is not None
    assert structure(made) == structure(plain)
    assert texts(made) == [is_, contains, is_, *several]


@given(value=SAYABLE)
def test_a_filter_arrives_as_it_was_made(value: str) -> None:
    made = filter_text([condition(NAME, "is")], {"name": value}, "v4")
    assert made is not None
    query = urlencode([("$filter", made)], quote_via=quote, safe="")
    assert "+" not in query
    assert parse_qsl(query, keep_blank_values=True, strict_parsing=True) == [("$filter", made)]


@pytest.mark.parametrize(
    ("kind", "value", "v4", "v2"),
    [
        ("Edm.String", "O'Neill", "'O''Neill'", "'O''Neill'"),
        ("Edm.Boolean", True, "true", "true"),
        ("Edm.Int32", -5, "-5", "-5"),
        ("Edm.Int64", 2**53 + 1, "9007199254740993", "9007199254740993L"),
        ("Edm.Double", 1.5, "1.5", "1.5d"),
        ("Edm.Single", 1.5, "1.5", "1.5f"),
        (
            "Edm.Guid",
            "0B0C6C0E-7A5C-4D5E-9D2F-3A8F6F1B2C3D",
            "0b0c6c0e-7a5c-4d5e-9d2f-3a8f6f1b2c3d",
            "guid'0b0c6c0e-7a5c-4d5e-9d2f-3a8f6f1b2c3d'",
        ),
        (
            "Edm.DateTimeOffset",
            "2026-05-31T10:30:00+02:00",
            "2026-05-31T08:30:00Z",
            "datetimeoffset'2026-05-31T08:30:00Z'",
        ),
    ],
)
def test_a_literal_is_written_as_each_version_writes_it(kind: str, value: Any, v4: str, v2: str) -> None:
    assert literal(Primitive(kind), value, "v4", "x") == v4
    assert literal(Primitive(kind), value, "v2", "x") == v2


def test_types_of_one_version_are_written_there() -> None:
    assert literal(Primitive("Edm.Date"), "2026-05-31", "v4", "x") == "2026-05-31"
    assert literal(Primitive("Edm.TimeOfDay"), "10:30:00", "v4", "x") == "10:30:00"
    assert literal(Primitive("Edm.Duration"), "P1DT2H", "v4", "x") == "duration'P1DT2H'"
    assert (
        literal(Primitive("Edm.DateTime"), "2026-05-31T10:30:00", "v2", "x")
        == "datetime'2026-05-31T10:30:00'"
    )
    assert (
        literal(Primitive("Edm.DateTime", date_only=True), "2026-05-31", "v2", "x")
        == "datetime'2026-05-31T00:00:00'"
    )
    assert literal(Primitive("Edm.Time"), "10:30:00", "v2", "x") == "time'PT10H30M00S'"
    assert literal(Enumeration("Sales.Tier", ("vip",)), "vip", "v4", "x") == "Sales.Tier'vip'"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Edm.Guid", "x' or 1 eq 1"),
        ("Edm.Date", "2026-05-31' or"),
        ("Edm.DateTimeOffset", "2026-13-31T00:00:00Z"),
        ("Edm.DateTime", "2026-05-31T00:00:00' or '"),
        ("Edm.TimeOfDay", "10:30:00) or (1 eq 1"),
        ("Edm.Time", "25:00:00"),
        ("Edm.Duration", "P1D' or '"),
        ("Edm.Decimal", "1 or 1 eq 1"),
        ("Edm.Decimal", "NaN"),
        ("Edm.String", "line\nbreak"),
        ("Edm.Binary", "AAAA"),
        ("Edm.DateTimeOffset", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_what_is_no_value_of_its_type_is_refused(version: Version, kind: str, value: str) -> None:
    with pytest.raises(FailedError) as error:
        literal(Primitive(kind), value, version, "field")
    assert error.value.code == "invalid_argument"
    assert "field" in str(error.value)


@given(
    amount=st.decimals(min_value=-(10**9), max_value=10**9, places=2).map(float),
    at=st.integers(-2_000_000_000, 7_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    version=st.sampled_from(VERSIONS),
)
def test_ranges_are_two_comparisons_whatever_they_hold(amount: float, at: datetime, version: Version) -> None:
    decimal, moment = prop("price", "Edm.Decimal", precision=12, scale=2), prop("at", "Edm.DateTimeOffset")
    conditions = [condition(decimal, "from"), condition(decimal, "to"), condition(moment, "from")]
    said = {"price_from": amount, "price_to": amount, "at_from": at.isoformat()}
    made = filter_text(conditions, said, version)
    assert made is not None
    words = [word for kind, word in tokens(made) if kind == "word"]
    assert [word for word in words if word in {"price", "at", "ge", "le", "and"}] == [
        *("price", "ge", "and", "price", "le", "and", "at", "ge"),
    ]
    assert len(tokens(made)) == 11


def test_conditions_that_nobody_gave_are_left_out() -> None:
    conditions = [condition(NAME, "is"), condition(NAME, "contains")]
    assert filter_text(conditions, {}, "v4") is None
    assert filter_text(conditions, {"name_contains": "x"}, "v2") == "substringof('x',name)"


def test_a_filter_that_is_too_long_for_a_url_is_refused() -> None:
    with pytest.raises(FailedError, match="4000 characters"):
        filter_text([condition(NAME, "in")], {"name_in": ["x" * 100] * 50}, "v4")


@pytest.mark.parametrize(
    ("found", "operator"),
    [
        (prop("ID", "Edm.Guid"), "from"),
        (prop("price", "Edm.Decimal"), "contains"),
        (Property("tier", Enumeration("Sales.Tier", ("vip",))), "to"),
        (prop("credit", "Edm.String", choices=("approved",)), "starts"),
    ],
)
def test_a_comparison_that_means_nothing_is_a_mistake(found: Property, operator: Operator) -> None:
    with pytest.raises(EdmError, match=found.name):
        condition(found, operator)


def test_a_condition_tells_what_it_compares_and_how() -> None:
    assert Condition("name_in", NAME, "in", "What it is called.").schema() == {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
        "maxItems": 50,
        "description": "What it is called: one of these.",
    }
