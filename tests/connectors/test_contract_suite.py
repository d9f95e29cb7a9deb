"""The contract suite finds what it is there to find."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import BaseModel

from connectors import testing
from connectors.action import Call
from connectors.connector import Connector


class Counter:
    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        self.last += 1
        return self.last


class Careless(BaseModel):
    api_token: str = ""


class Ticket(BaseModel):
    ticket: int


@asynccontextmanager
async def open_counter(_: Careless) -> AsyncGenerator[Counter]:
    yield Counter()


desk = Connector[Counter]("desk", "Ignores keys.", settings=Careless, open=open_counter)


@desk.action(effect="write", idempotency="provider-key", window="24h", compensate="desk.void")
async def draw(call: Call[Counter]) -> Ticket:
    """Draw a ticket."""
    return Ticket(ticket=call.client.next())


@desk.action(effect="write", idempotency="natural")
async def void(call: Call[Counter], ticket: int) -> int:
    """Void a ticket.

    Args:
        ticket: which.
    """
    return ticket + call.client.next()


@desk.action(effect="read")
async def peek(call: Call[Counter]) -> int:
    """Look at the next ticket, and spoil it."""
    return call.client.next()


DRAW = testing.Trial("desk.draw", {})


async def check(rule: Any, trial: testing.Trial, **options: Any) -> None:
    async with desk.open(Careless()) as client:
        await rule(desk, client, trial, **options)


async def test_a_key_that_is_not_honoured_is_found() -> None:
    with pytest.raises(testing.ContractError, match="the same key gave"):
        await check(testing.check_key, DRAW)


async def test_a_compensation_that_cannot_be_repeated_is_found() -> None:
    with pytest.raises(testing.ContractError, match=r"desk\.void: undoing twice"):
        await check(testing.check_undo, DRAW)


async def test_a_read_that_changes_something_is_found() -> None:
    with pytest.raises(testing.ContractError, match="two reads at once"):
        await check(testing.check_read, testing.Trial("desk.peek", {}))


async def test_a_check_for_writes_refuses_a_read() -> None:
    with pytest.raises(testing.ContractError, match="is a read, this checks a write"):
        await check(testing.check_key, testing.Trial("desk.peek", {}))


def test_a_secret_in_plain_text_is_found() -> None:
    with pytest.raises(testing.ContractError, match="api_token must be a SecretStr"):
        testing.check_settings(desk)


async def test_an_action_that_answers_from_nowhere_is_found() -> None:
    with pytest.raises(testing.ContractError, match="it gave a result"):
        await testing.check_unreachable(desk, Careless(), DRAW)


def test_a_lint_finding_fails_the_declarations() -> None:
    shop = Connector("shop", "Says nothing.")

    @shop.action(effect="write")
    async def sell(call: Call[None]) -> None: ...

    assert sell is not None
    with pytest.raises(testing.ContractError, match=r"shop\.sell has no docstring"):
        testing.check_declarations(shop)


class Odd(BaseModel):
    properties: Ticket
    items: list[Ticket]


def test_a_property_that_is_called_like_a_keyword_is_none_in_a_tool_schema() -> None:
    made = Connector("shop", "Takes odd things.")

    @made.action(effect="read")
    async def look(call: Call[None], odd: Odd) -> None:
        """Look at an odd thing.

        Args:
            odd: which.
        """

    assert look is not None
    testing.check_tools(made)
    tool = made.actions["shop.look"].tool["function"]["parameters"]
    tool["properties"]["odd"]["properties"]["items"]["items"]["additionalProperties"] = True
    with pytest.raises(testing.ContractError, match=r"shop\.look: an object in its tool schema is open"):
        testing.check_tools(made)
