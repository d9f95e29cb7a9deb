"""The dialect `odoo`, by either protocol, against a server that answers as Odoo's documentation says."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import pytest

from connectors import testing
from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import BusyError, FailedError, InDoubtError, NotSentError
from connectors.perform import perform
from connectors.rpc.client import RpcClient
from connectors.rpc.kind import build_rpc
from connectors.rpc.settings import RpcSettings
from connectors.secret import Secret
from connectors.testing import Trial
from tests.connectors.rpc.odoo import DATABASE, USER, Odoo, odoo

ACTIONS: dict[str, Any] = {
    "find_partner": {
        "description": "Find the partner of this event.",
        "method": "res.partner.search_read",
        "effect": "read",
        "parameters": [[["ref", "=", {"key": True}]]],
        "keywords": {"fields": ["name"], "limit": 1},
        "returns": {"name": "partner", "type": "object", "first": True},
    },
    "create_partner": {
        "description": "Create a partner.",
        "method": "res.partner.create",
        "effect": "write",
        "idempotency": "none",
        "reconcile": "shop.find_partner",
        "parameters": [{"name": {"argument": "name"}, "ref": {"key": True}}],
        "arguments": {
            "type": "object",
            "properties": {"name": {"type": "string", "description": "The name."}},
        },
        "returns": {"name": "partner", "type": "integer"},
    },
    "crash": {
        "description": "Work, then fail.",
        "method": "res.partner.crash",
        "effect": "write",
        "idempotency": "natural",
    },
}


class Rotated:
    """A password that is looked up, and changed while the worker runs."""

    reference = "{env: ODOO}"

    def __init__(self, value: str) -> None:
        self.value = value
        self.next = value

    async def fetch(self) -> str:
        return self.value

    def at_hand(self) -> str:
        return self.value

    def forget(self) -> None:
        self.value = self.next


@pytest.fixture
async def served() -> AsyncGenerator[tuple[Odoo, str]]:
    async with odoo() as found:
        yield found


@pytest.fixture
def source(served: tuple[Odoo, str]) -> Rotated:
    return Rotated(served[0].password)


@pytest.fixture(params=["json-rpc", "xml-rpc"])
async def shop(
    request: pytest.FixtureRequest, served: tuple[Odoo, str], source: Rotated
) -> AsyncGenerator[tuple[Connector[RpcClient], RpcClient]]:
    login = {"user": USER, "password": Secret(source)}
    given = {
        "base_url": served[1],
        "dialect": "odoo",
        "database": DATABASE,
        "login": login,
        "actions": ACTIONS,
    }
    settings = RpcSettings.model_validate(given)
    connector = build_rpc(request.param, "shop", settings)
    async with connector.open(settings) as client:
        yield connector, client


async def act(
    shop: tuple[Connector[RpcClient], RpcClient], verb: str, key: str = "k", **arguments: Any
) -> Any:
    connector, client = shop
    action = connector.actions[f"shop.{verb}"]
    call = Call(client, key=key, timeout_s=5.0, tenant="test", run_id="test")
    return await perform(action, call, action.arguments.model_validate(arguments))


async def test_one_login_serves_all_calls(
    shop: tuple[Connector[RpcClient], RpcClient], served: tuple[Odoo, str]
) -> None:
    testing.check_declarations(shop[0])
    assert await act(shop, "create_partner", name="Gorse") == {"partner": 1}
    assert await act(shop, "find_partner") == {"partner": {"id": 1, "name": "Gorse"}}
    assert await act(shop, "find_partner", key=str(uuid4())) is None
    assert served[0].calls.count("authenticate") == 1
    await testing.check_read(*shop, Trial("shop.find_partner", {}))


async def test_errors_inside_of_http_200_are_told_apart(
    shop: tuple[Connector[RpcClient], RpcClient], served: tuple[Odoo, str]
) -> None:
    with pytest.raises(FailedError, match="require a name") as refused:
        await act(shop, "create_partner", name="")
    assert refused.value.code in {"user_error", "refused"}
    with pytest.raises(InDoubtError) as doubt:
        await act(shop, "crash")
    assert "secret" not in str(doubt.value)
    assert len(served[0].partners) == 1


async def test_a_password_that_was_rotated_is_fetched_anew_and_the_call_sent_once_more(
    shop: tuple[Connector[RpcClient], RpcClient], served: tuple[Odoo, str], source: Rotated
) -> None:
    await act(shop, "find_partner")
    served[0].password = source.next = "api key 2"
    assert await act(shop, "create_partner", name="Gorse") == {"partner": 1}
    assert served[0].calls.count("res.partner.create") == 2
    assert len(served[0].partners) == 1


async def test_a_login_that_is_refused_pauses(
    shop: tuple[Connector[RpcClient], RpcClient], served: tuple[Odoo, str]
) -> None:
    served[0].password = "another"
    with pytest.raises(NotSentError, match=USER):
        await act(shop, "create_partner", name="Gorse")
    knocked = served[0].calls.count("authenticate")
    for _ in range(5):
        with pytest.raises(BusyError) as error:
            await act(shop, "create_partner", name="Gorse")
        assert error.value.retry_after_s is not None
    assert served[0].calls.count("authenticate") == knocked
    assert served[0].partners == []
