from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.action import Call
from connectors.connector import Connector, NoSettings
from connectors.declaration import parse_window
from connectors.perform import perform
from connectors.signature import DefinitionError


def test_the_decorator_returns_the_function_and_declares_the_action() -> None:
    shop = Connector("shop", "A shop.")

    async def sell(call: Call[None], item: str) -> str:
        """Sell an item.

        Args:
            item: what.
        """
        return item

    returned = shop.action(
        effect="write",
        idempotency="provider-key",
        window="24h",
        protected={"item"},
        constraints=["One a day"],
    )(sell)

    action = shop.actions["shop.sell"]
    assert returned is sell
    assert (action.name, action.tool_name, action.effect) == ("shop.sell", "shop__sell", "write")
    assert action.window == timedelta(hours=24)
    assert action.protected == {"item"}
    assert action.constraints == ("One a day",)
    assert action.tool["function"]["name"] == "shop__sell"


async def test_a_connector_without_settings_opens_to_no_client() -> None:
    shop = Connector("shop", "A shop.")

    assert shop.settings is NoSettings
    with pytest.raises(ValidationError):
        NoSettings.model_validate({"url": "x"})
    async with shop.open(NoSettings()) as client:
        assert client is None


async def test_performing_takes_validated_arguments_and_returns_json() -> None:
    shop = Connector("shop", "A shop.")

    @shop.action(effect="read")
    async def prices(call: Call[None], items: list[str], currency: str = "EUR") -> dict[str, Any]:
        """Look prices up."""
        return {"currency": currency, "run": call.run_id, "items": tuple(items)}

    action = shop.actions["shop.prices"]
    call = Call(None, key="k", timeout_s=1, tenant="t", run_id="r")
    result = await perform(action, call, action.arguments.model_validate({"items": ["a"], "currency": None}))

    assert prices is action.perform
    assert result == {"currency": "EUR", "run": "r", "items": ["a"]}


async def sell(call: Call[None], item: str) -> None:
    """Sell."""


async def sell__twice(call: Call[None]) -> None: ...
async def sell_something_with_a_name_that_no_model_api_would_ever_accept(call: Call[None]) -> None: ...
async def sell_anything(call: Call[None], item: Any) -> None: ...


@pytest.mark.parametrize("name", ["Shop", "shop.one", "my__shop", "2shop", "", "shop-1", "shop_"])
def test_a_connector_name_that_could_not_be_told_from_its_verbs_is_refused(name: str) -> None:
    with pytest.raises(DefinitionError, match="lower case"):
        Connector(name, "A shop.")


@pytest.mark.parametrize(
    ("function", "options", "problem"),
    [
        (sell, {"protected": {"price"}}, "protects"),
        (sell, {"window": "a day"}, "no duration"),
        (sell, {"window": "0h"}, "no duration"),
        (sell__twice, {}, "single underscores"),
        (sell_something_with_a_name_that_no_model_api_would_ever_accept, {}, "longer than"),
        (sell_anything, {}, "any type"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_at_import(
    function: Any, options: dict[str, Any], problem: str
) -> None:
    shop = Connector("shop", "A shop.")

    with pytest.raises(DefinitionError, match=problem):
        shop.action(effect="write", **options)(function)
    assert not shop.actions


def test_an_action_declared_twice_is_refused() -> None:
    shop = Connector("shop", "A shop.")
    shop.action(effect="write")(sell)

    with pytest.raises(DefinitionError, match="twice"):
        shop.action(effect="read")(sell)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
    ],
)
def test_windows_read_as_people_write_them(text: str, duration: timedelta) -> None:
    assert parse_window(text, name="shop.sell") == duration
