from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from connectors.action import Call
from connectors.bounds import INTEGER_LIMIT
from connectors.perform import argument_values
from connectors.signature import read_signature


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    sku: str
    pieces: Annotated[int, Field(ge=1)]


async def everything(
    call: Call[None],
    *,
    name: str,
    count: int = 1,
    price: Decimal = Decimal("9.99"),
    ratio: float = 0.5,
    urgent: bool = False,
    colour: Colour = Colour.RED,
    speed: Literal["slow", "fast"] = "slow",
    at: datetime | None = None,
    day: date = date(2024, 2, 29),
    lines: list[Line] = [],  # noqa: B006 - pydantic copies it
    note: str | None = "none",
) -> None: ...


Arguments = read_signature(everything, name="t.everything").arguments


def validated(**arguments: Any) -> Any:
    return Arguments.model_validate({"name": "x", **arguments})


@pytest.mark.parametrize(
    ("name", "value", "meaning"),
    [
        ("price", "1.20", Decimal("1.20")),
        ("price", 1.5, Decimal("1.5")),
        ("ratio", 1, 1.0),
        ("colour", "blue", Colour.BLUE),
        ("at", "2024-05-01T10:00:00Z", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("day", "2024-05-01", date(2024, 5, 1)),
        ("lines", [{"sku": "a", "pieces": 2}], [Line(sku="a", pieces=2)]),
        ("note", None, None),
        ("note", "hello", "hello"),
    ],
)
def test_values_are_accepted_in_the_form_json_has_for_them(name: str, value: Any, meaning: Any) -> None:
    assert getattr(validated(**{name: value}), name) == meaning


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", 5),
        ("name", None),
        ("count", "5"),
        ("count", 5.0),
        ("count", True),
        ("ratio", "0.5"),
        ("ratio", float("nan")),
        ("ratio", float("inf")),
        ("urgent", 1),
        ("urgent", "true"),
        ("colour", "green"),
        ("speed", "warp"),
        ("at", 1714557600),
        ("at", "yesterday"),
        ("lines", {"sku": "a", "pieces": 2}),
        ("lines", [{"sku": "a", "pieces": "2"}]),
        ("lines", [{"sku": "a", "pieces": 0}]),
        ("lines", [{"sku": "a", "pieces": 1, "price": 0}]),
        ("discount", 100),
    ],
)
def test_a_wrong_type_or_an_unknown_field_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        validated(**{name: value})


@pytest.mark.parametrize("value", [[], "x", None, 5])
def test_only_an_object_can_be_arguments(value: Any) -> None:
    with pytest.raises(ValidationError):
        Arguments.model_validate(value)


@pytest.mark.parametrize("name", ["count", "price", "ratio", "urgent", "colour", "speed", "day", "lines"])
def test_null_means_the_default_where_null_is_no_value(name: str) -> None:
    assert getattr(validated(**{name: None}), name) == getattr(validated(), name)


def test_text_is_held_to_the_same_rules_as_a_dict() -> None:
    assert Arguments.model_validate_json('{"name": "x", "count": null}') == validated()
    with pytest.raises(ValidationError):
        Arguments.model_validate_json('{"name": "x", "lines": [{"sku": "a", "pieces": "2"}]}')
    with pytest.raises(ValueError, match=r"JSON|EOF"):
        Arguments.model_validate_json('{"name": ')


def test_arguments_cannot_be_changed_after_validation() -> None:
    with pytest.raises(ValidationError):
        validated().count = 7


@given(
    st.fixed_dictionaries(
        {"name": st.text()},
        optional={
            "count": st.integers(-INTEGER_LIMIT, INTEGER_LIMIT) | st.none(),
            "price": st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
            "ratio": st.floats(allow_nan=False, allow_infinity=False),
            "urgent": st.booleans(),
            "colour": st.sampled_from(["red", "blue"]),
            "at": st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | st.none(),
            "lines": st.lists(
                st.fixed_dictionaries({"sku": st.text(), "pieces": st.integers(1, 9)}), max_size=3
            ),
        },
    )
)
def test_what_is_journaled_validates_to_the_same_arguments_again(sent: dict[str, Any]) -> None:
    first = Arguments.model_validate(sent)

    values = argument_values(first)
    assert Arguments.model_validate(values) == first
    assert argument_values(Arguments.model_validate(values)) == values


def test_journaled_arguments_are_json() -> None:
    values = argument_values(validated(at="2024-05-01T10:00:00Z", lines=[{"sku": "a", "pieces": 2}]))

    assert orjson.loads(orjson.dumps(values)) == values
