from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from connectors.action import Call
from connectors.signature import DefinitionError, read_signature


class Parcel(BaseModel):
    parcel_id: str


async def send_google(call: Call[None], address: str, weight: Annotated[float, Field(gt=0)] = 1.0) -> Parcel:
    """Send a parcel
    to an address.

    Not for the model.

    Args:
        call: the call.
        address: where to,
            street and town.
        weight (float): in kilograms.
    """
    return Parcel(parcel_id=address * int(weight))


async def send_numpy(call: Call[None], address: str, weight: float = 1.0) -> Parcel:
    """Send a parcel to an address.

    Parameters
    ----------
    address : str
        where to, street and town.
    weight
        in kilograms.
    """
    return Parcel(parcel_id=address * int(weight))


async def send_sphinx(call: Call[None], address: str, weight: float = 1.0) -> Parcel:
    """Send a parcel to an address.

    :param address: where to, street and town.
    :param weight: in kilograms.
    """
    return Parcel(parcel_id=address * int(weight))


@pytest.mark.parametrize("function", [send_google, send_numpy, send_sphinx])
def test_descriptions_come_from_each_docstring_style(function: Any) -> None:
    signature = read_signature(function, name="post.send")

    fields = signature.arguments.model_fields
    assert signature.description == "Send a parcel to an address."
    assert fields["address"].description == "where to, street and town."
    assert fields["weight"].description == "in kilograms."


def test_the_call_is_no_argument_and_defaults_are_optional() -> None:
    fields = read_signature(send_google, name="post.send").arguments.model_fields

    assert list(fields) == ["address", "weight"]
    assert fields["address"].is_required()
    assert not fields["weight"].is_required()


def test_the_result_is_a_model_or_nothing() -> None:
    async def count(call: Call[None]) -> int: ...

    assert read_signature(send_google, name="post.send").result is Parcel
    assert read_signature(count, name="post.count").result is None


def test_an_annotated_description_survives_a_silent_docstring() -> None:
    async def send(call: Call[None], address: Annotated[str, Field(description="where to")]) -> None:
        """Send."""

    fields = read_signature(send, name="post.send").arguments.model_fields
    assert fields["address"].description == "where to"


def test_the_place_of_the_function_is_known() -> None:
    file, _, line = read_signature(send_numpy, name="post.send").where.rpartition(":")

    assert file == __file__
    assert int(line) == send_numpy.__code__.co_firstlineno


def blocking(call: Call[None]) -> None: ...
async def without_call(address: str) -> None: ...
async def without_parameters() -> None: ...
async def with_star(call: Call[None], *addresses: str) -> None: ...
async def with_keywords(call: Call[None], **addresses: str) -> None: ...
async def by_position(call: Call[None], address: str, /) -> None: ...
async def untyped(call: Call[None], address) -> None: ...  # noqa: ANN001  # pyright: ignore[reportUnknownParameterType, reportMissingParameterType]
async def reserved(call: Call[None], model_dump: str) -> None: ...
async def private(call: Call[None], _address: str) -> None: ...
async def field_default(call: Call[None], address: str = Field(min_length=1)) -> None: ...
async def not_validatable(call: Call[None], address: "Opaque") -> None: ...


class Opaque:
    """Pydantic knows no schema for it."""


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (blocking, "async def"),
        (without_call, "call first"),
        (without_parameters, "call first"),
        (with_star, "star argument"),
        (with_keywords, "star argument"),
        (by_position, "by position"),
        (untyped, "`address` without a type"),
        (reserved, "`model_dump`, a name pydantic keeps"),
        (private, "`_address`, a name pydantic keeps"),
        (field_default, "Annotated"),
        (not_validatable, "cannot validate"),
    ],
)
def test_a_signature_that_cannot_work_is_refused_with_action_place_and_fix(
    function: Any, problem: str
) -> None:
    with pytest.raises(DefinitionError, match=problem) as raised:
        read_signature(function, name="post.send")

    assert "post.send" in str(raised.value)
    assert f"{__file__}:" in str(raised.value)
