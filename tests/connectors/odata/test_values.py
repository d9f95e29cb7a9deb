"""Values keep what they are on their way to a service and back."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import FailedError
from connectors.json_schema import arguments_from_schema
from connectors.odata.edm import Complex, EdmError, Enumeration, Many, Primitive, Property, Version
from connectors.odata.schemas import object_schema, property_schema, type_schema
from connectors.odata.values import from_wire, same, to_wire

VERSIONS: tuple[Version, ...] = ("v4", "v2")
PRICE = Primitive("Edm.Decimal", precision=9, scale=2)
HUGE = Primitive("Edm.Decimal", precision=28, scale=8)
AT = Primitive("Edm.DateTimeOffset")


@given(cents=st.integers(-999_999_999, 999_999_999), version=st.sampled_from(VERSIONS))
def test_a_decimal_of_few_digits_is_a_number_and_loses_nothing(cents: int, version: Version) -> None:
    sent = to_wire(PRICE, cents / 100, version, "price")
    assert Decimal(sent) == Decimal(cents) / 100
    assert from_wire(PRICE, sent, version) == cents / 100


@given(value=st.decimals(min_value=-(10**19), max_value=10**19, places=8), version=st.sampled_from(VERSIONS))
def test_a_decimal_of_many_digits_is_a_text_and_loses_nothing(value: Decimal, version: Version) -> None:
    text = f"{value:f}"
    assert Decimal(to_wire(HUGE, text, version, "rate")) == value
    assert from_wire(HUGE, text, version) == text


@pytest.mark.parametrize("value", [1.005, 10_000_000.0, -12_345_678.9])
def test_digits_that_a_decimal_does_not_hold_are_refused_and_not_rounded(value: float) -> None:
    with pytest.raises(FailedError, match="price: at most") as error:
        to_wire(PRICE, value, "v4", "price")
    assert error.value.code == "invalid_argument"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_long_integer_is_a_text_on_the_wire_and_an_integer_here(version: Version) -> None:
    kind = Primitive("Edm.Int64")
    assert to_wire(kind, 2**63 - 1, version, "id") == "9223372036854775807"
    assert from_wire(kind, "9223372036854775807", version) == 2**63 - 1


@given(
    at=st.integers(-2_000_000_000, 7_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
)
def test_a_moment_of_v2_goes_as_ticks_and_comes_back(at: datetime) -> None:
    said = at.isoformat().replace("+00:00", "Z")
    assert from_wire(AT, to_wire(AT, said, "v2", "at"), "v2") == said


@pytest.mark.parametrize(
    ("kind", "said", "wire"),
    [
        (Primitive("Edm.DateTime", date_only=True), "2019-03-01", "/Date(1551398400000)/"),
        (Primitive("Edm.DateTime"), "2019-03-01T10:30:00", "/Date(1551436200000)/"),
        (Primitive("Edm.DateTime"), "1969-12-31T23:59:59", "/Date(-1000)/"),
        (Primitive("Edm.Time"), "08:30:00", "PT08H30M00S"),
        (Primitive("Edm.Double"), 1.25, "1.25"),
    ],
)
def test_v2_says_times_and_fractions_in_its_own_way(kind: Primitive, said: Any, wire: str) -> None:
    assert to_wire(kind, said, "v2", "x") == wire
    assert from_wire(kind, wire, "v2") == said


def test_what_a_service_says_in_another_form_is_left_as_it_is() -> None:
    assert from_wire(Primitive("Edm.Int64"), "many", "v4") == "many"
    assert from_wire(AT, "/Date(99999999999999999)/", "v2") == "/Date(99999999999999999)/"
    assert from_wire(Primitive("Edm.Double"), "INF", "v4") == "INF"
    assert from_wire(Complex("S.A", {}), "text", "v4") == "text"
    assert from_wire(PRICE, None, "v4") is None


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (PRICE, "49.9", "49.90"),
        (HUGE, "1.5", "1.50000000"),
        (AT, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00.000+01:00"),
        (Primitive("Edm.TimeOfDay"), "10:30:00", "10:30:00.000"),
        (
            Primitive("Edm.Guid"),
            "0B0C6C0E-7A5C-4D5E-9D2F-3A8F6F1B2C3D",
            "0b0c6c0e-7a5c-4d5e-9d2f-3a8f6f1b2c3d",
        ),
        (Many(PRICE), ["1.0"], ["1.00"]),
    ],
)
def test_two_ways_to_write_a_value_are_one_value(kind: Any, one: Any, other: Any) -> None:
    assert same(kind, one, other, "v4")
    assert not same(kind, one, None, "v4")


ADDRESS = Complex(
    "Sales.Address",
    {
        "street": Property("street", Primitive("Edm.String", max_length=5), required=True),
        "rates": Property("rates", Many(HUGE)),
        "tier": Property("tier", Enumeration("Sales.Tier", ("vip", "standard"))),
    },
)


def test_facets_become_bounds_that_are_held() -> None:
    fields = {
        "address": Property("address", ADDRESS, required=True),
        "price": Property("price", PRICE),
        "small": Property("small", Primitive("Edm.Byte")),
        "on": Property("on", Primitive("Edm.Date")),
    }
    model = arguments_from_schema("sales.change", object_schema(fields.values()))
    model.model_validate(
        {
            "address": {"street": "Quay", "rates": ["1.5", "-2"], "tier": "vip"},
            "price": 9.5,
            "small": 255,
            "on": "2024-02-29",
        }
    )
    street: dict[str, Any] = {"street": "Quay"}
    for wrong in (
        {"address": {"street": "Quayside"}},
        {"address": {"street": "Quay", "tier": "other"}},
        {"address": {"street": "Quay", "rates": ["1.123456789"]}},
        {"address": {"street": "Quay", "rates": ["1e5"]}},
        {"address": {}},
        {"address": street, "price": 10_000_000.0},
        {"address": street, "small": 256},
        {"address": street, "on": "2026-02-29"},
        {"address": street, "other": 1},
    ):
        with pytest.raises(ValueError, match="validation error"):
            model.model_validate(wrong)


def test_an_object_and_a_list_are_written_member_by_member() -> None:
    assert to_wire(ADDRESS, {"street": "Quay", "rates": ["1.5"], "tier": "vip"}, "v4", "address") == {
        "street": "Quay",
        "rates": ["1.5"],
        "tier": "vip",
    }
    answered = {"street": "Quay", "rates": {"results": ["1.5"]}, "unknown": 1}
    assert from_wire(ADDRESS, answered, "v2") == {"street": "Quay", "rates": ["1.5"]}


@pytest.mark.parametrize("name", ["Edm.Binary", "Edm.Stream", "Edm.GeographyPoint"])
def test_a_type_that_cannot_be_said_is_a_mistake(name: str) -> None:
    with pytest.raises(EdmError, match=f"{name} cannot be used; leave it out"):
        type_schema(Primitive(name))


def test_a_property_without_a_description_is_described_by_its_name() -> None:
    assert property_schema(Property("unit_price", PRICE))["description"] == "unit price"
    assert property_schema(Property("unit_price", PRICE), "In euro.")["description"] == "In euro."
