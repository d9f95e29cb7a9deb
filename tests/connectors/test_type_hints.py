"""Each kind of type hint, through the strict tool schema and through validation."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal, NewType, Optional, Union
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, ValidationError

from connectors.action import Call
from connectors.bounds import INTEGER_LIMIT, TEXT_LIMIT
from connectors.signature import read_signature
from connectors.strict_schema import strict_schema

Colour = StrEnum("Colour", {"RED": "red", "BLUE": "blue"})


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(Enum):
    ONE = 1
    MANY = "many"


class Geo(BaseModel):
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: float


class Address(BaseModel):
    street: Annotated[str, Field(min_length=1, description="with its number")]
    geo: Geo | None = None
    tags: list[str] = []


class Cash(BaseModel):
    kind: Literal["cash"]


class Card(BaseModel):
    kind: Literal["card"]
    number: Annotated[str, Field(pattern=r"^\d+$")]


Payment = Annotated[Union[Cash, Card], Field(discriminator="kind")]  # noqa: UP007 - what others write
CustomerId = NewType("CustomerId", str)
TEXT = {"type": "string", "maxLength": TEXT_LIMIT}
INTEGER = {"type": "integer", "minimum": -INTEGER_LIMIT, "maximum": INTEGER_LIMIT}
GEO: dict[str, Any] = {
    "type": "object",
    "properties": {"lat": {"minimum": -90, "maximum": 90, "type": "number"}, "lon": {"type": "number"}},
    "required": ["lat", "lon"],
    "additionalProperties": False,
}
ADDRESS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "street": {
            "description": "with its number",
            "minLength": 1,
            "type": "string",
            "maxLength": TEXT_LIMIT,
        },
        "geo": {"anyOf": [GEO, {"type": "null"}]},
        "tags": {"maxItems": 1000, "type": ["array", "null"], "items": TEXT, "description": "Default: []."},
    },
    "required": ["street", "geo", "tags"],
    "additionalProperties": False,
}
CASH: dict[str, Any] = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["cash"]}},
    "required": ["kind"],
    "additionalProperties": False,
}

CASES: list[tuple[Any, dict[str, Any], list[tuple[Any, Any]], list[Any]]] = [
    (str, TEXT, [("x", "x")], [1, None, ["x"]]),
    (CustomerId, TEXT, [("C-1", "C-1")], [1]),
    (bool, {"type": "boolean"}, [(True, True)], [1, "true", None]),
    (int, INTEGER, [(5, 5)], ["5", 5.0, True]),
    (float, {"type": "number"}, [(5, 5.0), (0.5, 0.5)], ["5", True]),
    (
        Annotated[int, Field(ge=1, lt=10, multiple_of=3)],
        {"type": "integer", "minimum": 1, "exclusiveMaximum": 10, "multipleOf": 3},
        [(9, 9)],
        [0, 10, 4],
    ),
    (
        Annotated[str, Field(min_length=2, max_length=3, pattern="^[a-z]+$")],
        {"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^[a-z]+$"},
        [("ab", "ab")],
        ["a", "abcd", "AB"],
    ),
    (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}, [("a", "a")], ["c", 1]),
    (Literal[1, 2], {"type": "integer", "enum": [1, 2]}, [(1, 1)], [3, "1", True, 1.0]),
    (Literal["only"], {"type": "string", "enum": ["only"]}, [("only", "only")], ["other"]),
    (Colour, {"type": "string", "enum": ["red", "blue"]}, [("red", Colour("red"))], ["RED", 1]),
    (Level, {"type": "integer", "enum": [1, 2]}, [(2, Level.HIGH)], [3, "2", True]),
    (Mixed, {"enum": [1, "many"]}, [(1, Mixed.ONE), ("many", Mixed.MANY)], [2, "1", True]),
    (
        Decimal,
        {"anyOf": [{"type": "number"}, TEXT]},
        [("1.20", Decimal("1.20")), (1.5, Decimal("1.5")), (3, Decimal(3))],
        ["one", True, "NaN"],
    ),
    (
        Annotated[Decimal, Field(ge=0, max_digits=6, decimal_places=2)],
        {"anyOf": [{"type": "number", "minimum": 0}, TEXT]},
        [("1.20", Decimal("1.20"))],
        ["-1", "1.234", "123456.00"],
    ),
    (
        datetime,
        {"type": "string", "format": "date-time"},
        [("2024-05-01T10:00:00Z", datetime(2024, 5, 1, 10, tzinfo=UTC))],
        [1714557600, "yesterday", "2024-13-01T00:00:00Z"],
    ),
    (date, {"type": "string", "format": "date"}, [("2024-02-29", date(2024, 2, 29))], ["2023-02-29", 19000]),
    (time, {"type": "string", "format": "time"}, [("10:30:00", time(10, 30))], ["25:00", 5]),
    (timedelta, {"type": "string", "format": "duration"}, [("PT5M", timedelta(minutes=5))], ["soon", 5]),
    (UUID, {"type": "string", "format": "uuid"}, [(str(UUID(int=7)), UUID(int=7))], ["7", 7]),
    (list[int], {"maxItems": 1000, "type": "array", "items": INTEGER}, [([1], [1])], [["1"], 1, {}]),
    (
        Annotated[list[Annotated[str, Field(max_length=5)]], Field(min_length=1, max_length=2)],
        {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string", "maxLength": 5}},
        [(["a"], ["a"])],
        [[], ["a", "b", "c"], ["123456"]],
    ),
    (
        tuple[int, ...],
        {"maxItems": 1000, "type": "array", "items": INTEGER},
        [([1, 2], (1, 2))],
        [["1"]],
    ),
    (str | None, {"anyOf": [TEXT, {"type": "null"}]}, [(None, None), ("x", "x")], [1]),
    (
        Optional[Level],  # noqa: UP045 - what others write
        {"anyOf": [{"type": "integer", "enum": [1, 2]}, {"type": "null"}]},
        [(None, None)],
        [3],
    ),
    (int | str, {"anyOf": [INTEGER, TEXT]}, [(1, 1), ("1", "1")], [1.5, True, None]),
    (
        Address,
        ADDRESS,
        [
            ({"street": "x", "geo": None, "tags": None}, Address(street="x")),
            ({"street": "x", "geo": {"lat": 1, "lon": 2}}, Address(street="x", geo=Geo(lat=1, lon=2))),
        ],
        [{}, {"street": ""}, {"street": "x", "geo": {"lat": 91, "lon": 0}}, {"street": "x", "door": 1}],
    ),
    (
        Address | None,
        {"anyOf": [ADDRESS, {"type": "null"}]},
        [(None, None), ({"street": "x", "tags": None}, Address(street="x"))],
        ["x"],
    ),
    (list[Geo], {"maxItems": 1000, "type": "array", "items": GEO}, [([], [])], [[{"lat": 0}]]),
    (
        Payment,
        {
            "anyOf": [
                CASH,
                {
                    "type": "object",
                    "properties": {
                        "kind": {"type": "string", "enum": ["card"]},
                        "number": {"pattern": r"^\d+$", "type": "string", "maxLength": TEXT_LIMIT},
                    },
                    "required": ["kind", "number"],
                    "additionalProperties": False,
                },
            ]
        },
        [
            ({"kind": "card", "number": "1"}, Card(kind="card", number="1")),
            ({"kind": "cash"}, Cash(kind="cash")),
        ],
        [{"kind": "card"}, {"kind": "cash", "number": "1"}, {"kind": "cheque"}, {"number": "1"}],
    ),
]


def arguments_of(hint: Any) -> Any:
    async def act(call: Call[None], value: Any) -> None: ...

    act.__annotations__["value"] = hint
    return read_signature(act, name="t.act").arguments


@pytest.mark.parametrize(("hint", "schema", "right", "wrong"), CASES, ids=lambda value: str(value)[:40])
def test_each_hint_says_in_its_schema_what_its_validation_holds_to(
    hint: Any, schema: dict[str, Any], right: list[tuple[Any, Any]], wrong: list[Any]
) -> None:
    arguments = arguments_of(hint)

    assert strict_schema(arguments)["properties"]["value"] == schema
    for sent, meaning in right:
        validated = arguments.model_validate({"value": sent})
        assert (type(validated.value), validated.value) == (type(meaning), meaning)
        assert arguments.model_validate(validated.model_dump(mode="json")) == validated
    for sent in wrong:
        with pytest.raises(ValidationError) as raised:
            arguments.model_validate({"value": sent})
        assert raised.value.errors()[0]["loc"][0] == "value", sent
