from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from connectors.action import Call
from connectors.bounds import INTEGER_LIMIT, ITEMS_LIMIT, TEXT_LIMIT
from connectors.signature import read_signature
from connectors.strict_schema import strict_schema


class Line(BaseModel):
    sku: str
    pieces: int = 1
    note: str | None = "none"
    level: Literal[1, 2] = 1


class Letter(BaseModel):
    kind: Literal["letter"]
    weight: int = 20


class Parcel(BaseModel):
    kind: Literal["parcel"]
    weight: int | None


LETTER = Letter(kind="letter")


async def pack(
    call: Call[None],
    *,
    address: str = "here",
    long: Annotated[str, Field(max_length=50_000)] = "",
    count: int = 0,
    positive: Annotated[int, Field(ge=1)] = 1,
    wide: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] = 0,
    stamps: list[str] = [],  # noqa: B006 - pydantic copies it
    lines: list[Line] = [],  # noqa: B006 - the same
    first: Line | None = None,
    post: Annotated[Letter | Parcel, Field(discriminator="kind")] = LETTER,
    either: Letter | Parcel = LETTER,
    code: Literal[1, "one"] = 1,
    shape: str = "round",
) -> None: ...


Arguments = read_signature(pack, name="t.pack").arguments
PROPERTIES = strict_schema(Arguments)["properties"]


@pytest.mark.parametrize(
    ("name", "most", "too_much"),
    [
        ("address", "x" * TEXT_LIMIT, "x" * (TEXT_LIMIT + 1)),
        ("long", "x" * 50_000, "x" * 50_001),
        ("count", INTEGER_LIMIT, INTEGER_LIMIT + 1),
        ("count", -INTEGER_LIMIT, -INTEGER_LIMIT - 1),
        ("positive", INTEGER_LIMIT, INTEGER_LIMIT + 1),
        ("wide", 2**63 - 1, 2**63),
        ("stamps", ["x"] * ITEMS_LIMIT, ["x"] * (ITEMS_LIMIT + 1)),
        ("stamps", ["x" * TEXT_LIMIT], ["x" * (TEXT_LIMIT + 1)]),
        ("lines", [{"sku": "x", "pieces": INTEGER_LIMIT}], [{"sku": "x", "pieces": INTEGER_LIMIT + 1}]),
    ],
)
def test_what_the_author_did_not_bound_is_bounded_and_what_he_did_is_left_to_him(
    name: str, most: Any, too_much: Any
) -> None:
    Arguments.model_validate({name: most})

    with pytest.raises(ValidationError) as raised:
        Arguments.model_validate({name: too_much})
    assert raised.value.errors()[0]["loc"][0] == name


def test_a_refusal_names_the_whole_path_and_the_bound_and_does_not_repeat_the_value() -> None:
    with pytest.raises(ValidationError) as raised:
        Arguments.model_validate({"lines": [{"sku": "a"}, {"sku": "x" * (TEXT_LIMIT + 1)}]})

    (error,) = raised.value.errors()
    assert error["loc"] == ("lines", 1, "sku")
    assert error["msg"] == f"Input should be at most {TEXT_LIMIT} characters"
    assert "xxx" not in str(raised.value)


def test_the_tool_schema_says_the_bounds_that_are_checked() -> None:
    assert PROPERTIES["address"]["maxLength"] == TEXT_LIMIT
    assert PROPERTIES["long"]["maxLength"] == 50_000
    assert (PROPERTIES["count"]["minimum"], PROPERTIES["count"]["maximum"]) == (-INTEGER_LIMIT, INTEGER_LIMIT)
    assert (PROPERTIES["positive"]["minimum"], PROPERTIES["positive"]["maximum"]) == (1, INTEGER_LIMIT)
    assert PROPERTIES["stamps"]["maxItems"] == ITEMS_LIMIT
    assert "maximum" not in PROPERTIES["code"]


def test_null_means_the_default_inside_objects_too_where_null_is_no_value() -> None:
    validated: Any = Arguments.model_validate(
        {"lines": [{"sku": "a", "pieces": None, "note": None, "level": None}], "first": None, "shape": None}
    )

    assert validated.lines == [Line(sku="a", pieces=1, note=None, level=1)]
    assert validated.shape == "round"


@pytest.mark.parametrize("name", ["post", "either"])
def test_null_in_a_choice_is_left_out_only_where_no_branch_has_it_as_a_value(name: str) -> None:
    parcel: Any = Arguments.model_validate({name: {"kind": "parcel", "weight": None}})

    assert getattr(parcel, name) == Parcel(kind="parcel", weight=None)
    with pytest.raises(ValidationError):
        Arguments.model_validate({name: {"kind": "letter", "weight": None}})


@pytest.mark.parametrize("value", [True, 1.0, "1"])
def test_a_choice_of_numbers_tells_them_from_booleans_and_texts(value: Any) -> None:
    with pytest.raises(ValidationError):
        Arguments.model_validate({"lines": [{"sku": "a", "level": value}]})
    with pytest.raises(ValidationError):
        Arguments.model_validate({"code": value})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*PROPERTIES, "stranger"]), json_values))
def test_no_json_makes_validation_fail_in_any_other_way_than_by_a_refusal(sent: dict[str, Any]) -> None:
    try:
        validated = Arguments.model_validate(sent)
    except ValidationError:
        return
    journaled = validated.model_dump(mode="json")
    assert Arguments.model_validate(journaled) == validated
