from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from connectors.action import Call
from connectors.connector import Connector
from connectors.returns import RETURNS_LIMIT, describe_returns
from connectors.signature import read_signature
from connectors.tool import DESCRIPTION_LIMIT, describe


class Line(BaseModel):
    sku: str
    price: float | None


class Order(BaseModel):
    order_id: Annotated[str, Field(description="the order,\n as people say it.")]
    status: Literal["open", "closed"]
    lines: list[Line]


class Wide(BaseModel):
    """Has more fields than there is room for."""

    __annotations__ = {f"a_field_with_a_long_name_{number}": str for number in range(40)}


FULL = (
    "{order_id: string (the order, as people say it), status: open|closed, "
    "lines: [{sku: string, price: number or null}]}"
)


def test_a_returned_model_is_described_with_fewer_words_each_time() -> None:
    assert describe_returns(Order, "the order.") == (
        f"Returns: the order. {FULL}",
        "Returns: the order. {order_id: string, status: open|closed, lines: [{sku: string, price: number or null}]}",
        "Returns: the order. {order_id, status, lines}",
        "Returns: the order. {order_id, status and 1 more}",
        "Returns: the order. {order_id and 2 more}",
        "Returns: the order.",
    )


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (list[Order], f"Returns: [{FULL}]"),
        (Order | None, f"Returns: {FULL} or null"),
        (int, "Returns: integer"),
        (list[str], "Returns: [string]"),
        (dict[str, Any], "Returns: object"),
    ],
)
def test_other_results_are_described_as_far_as_their_type_says(hint: Any, text: str) -> None:
    assert describe_returns(hint, "")[0] == text


@pytest.mark.parametrize("hint", [None, Any, object(), type("Opaque", (), {})])
def test_nothing_is_said_of_what_is_not_known(hint: Any) -> None:
    assert describe_returns(hint, "") == ()
    assert describe_returns(hint, "a number.") == ("Returns: a number.",)


def test_many_fields_are_counted_within_the_limit() -> None:
    longest = describe_returns(Wide, "")[0]

    assert len(longest) <= RETURNS_LIMIT
    assert longest.endswith(" more}")


def test_the_description_takes_the_longest_text_there_is_room_for_and_shortens_nothing_else() -> None:
    texts = describe_returns(Order, "")
    told = [
        describe("Get.", constraints=["x" * length], examples=[], returns=texts)
        for length in range(DESCRIPTION_LIMIT - 220, DESCRIPTION_LIMIT)
    ]

    for text in told:
        assert text.startswith("Get.\n\n")
        assert "Constraints:\n- xxx" in text
    lengths = [len(text.split("Constraints:")[0]) for text in told]
    assert lengths == sorted(lengths, reverse=True)
    assert {texts[0] in told[0], texts[-1] in told[-1]} == {True, False}
    assert all(len(text) <= DESCRIPTION_LIMIT for text in told if "Returns:" in text)


async def look_up_google(call: Call[None]) -> Order:
    """Look up.

    Returns:
        The order
        as it is now.
    """
    raise AssertionError("only its signature is read")


async def look_up_numpy(call: Call[None]) -> Order:
    """Look up.

    Returns
    -------
    Order
        The order as it is now.
    """
    raise AssertionError("only its signature is read")


async def look_up_sphinx(call: Call[None]) -> Order:
    """Look up.

    :returns: The order as it is now.
    """
    raise AssertionError("only its signature is read")


@pytest.mark.parametrize("function", [look_up_google, look_up_numpy, look_up_sphinx])
def test_each_docstring_style_says_what_is_returned(function: Any) -> None:
    signature = read_signature(function, name="shop.look_up")

    assert signature.returns[0] == f"Returns: The order as it is now. {FULL}"


def test_the_model_is_shown_what_is_returned_before_constraints_and_examples() -> None:
    shop = Connector("shop", "A shop.")
    shop.action(effect="read", constraints=["Once"])(look_up_google)

    shown = shop.actions["shop.look_up_google"].tool["function"]["description"]
    assert shown == f"Look up.\n\nReturns: The order as it is now. {FULL}\n\nConstraints:\n- Once"
