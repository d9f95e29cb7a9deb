"""`tryton-erp` and `tryton-crm` against a real Tryton 8.2: each effect once, and the way back from each state."""

import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from connectors import testing
from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import FailedError, InDoubtError
from connectors.perform import perform
from connectors.rpc.settings import LoginSettings
from connectors.testing import Trial
from connectors.tryton import sales
from connectors.tryton.kind import build_crm, build_erp
from connectors.tryton.settings import TrytonSettings
from connectors.tryton.system import Tryton, open_tryton
from tests.counterparts.started import counterpart

ORDER = {"customer_id": "C-100", "product_id": "P-100", "quantity": 2, "priority": "standard"}
WAIT_S = 30.0


@pytest.fixture(scope="module")
def running() -> Generator[dict[str, Any]]:
    with counterpart("tryton") as said:
        yield said


@pytest.fixture
def settings(running: dict[str, Any]) -> TrytonSettings:
    return settings_of(running)


def settings_of(running: dict[str, Any], **changed: Any) -> TrytonSettings:
    login = LoginSettings(user=running["user"], password=SecretStr(running["password"]))
    own = {"base_url": running["url"], "database": running["database"], "login": login, "timeout_s": WAIT_S}
    return TrytonSettings.model_validate({**own, **changed})


@pytest.fixture
async def tryton(settings: TrytonSettings) -> AsyncGenerator[Tryton]:
    async with open_tryton(settings) as opened:
        yield opened


@pytest.fixture
def erp(settings: TrytonSettings) -> Connector[Tryton]:
    return build_erp("erp", settings)


@pytest.fixture
def crm(settings: TrytonSettings) -> Connector[Tryton]:
    return build_crm("crm", settings)


async def act(
    connector: Connector[Tryton], client: Tryton, verb: str, key: str = "", **arguments: Any
) -> Any:
    action = connector.actions[f"{connector.name}.{verb}"]
    call = Call(client, key=key or str(uuid4()), timeout_s=WAIT_S, tenant="test", run_id="test")
    return await perform(action, call, action.arguments.model_validate(arguments))


async def available(erp: Connector[Tryton], client: Tryton, product_id: str = "P-100") -> int:
    return (await act(erp, client, "check_stock", product_id=product_id))["available"]


def test_both_connectors_declare_what_the_contract_asks_for(
    erp: Connector[Tryton], crm: Connector[Tryton]
) -> None:
    for connector in (erp, crm):
        testing.check_declarations(connector, erp if connector is crm else crm)
        testing.check_tools(connector)
        testing.check_unknown_arguments(connector)
        testing.check_settings(connector)


async def test_a_customer_is_found_with_tier_credit_and_address(
    crm: Connector[Tryton], tryton: Tryton
) -> None:
    assert await act(crm, tryton, "get_customer", customer_id="C-200") == {
        "customer_id": "C-200",
        "name": "Birch & Sons",
        "tier": "vip",
        "credit_status": "approved",
        "credit_limit": 0.0,
        "address": "3 Quay Street, Bristol",
    }
    for customer_id, status in (("C-300", "blocked"), ("C-400", "review")):
        assert (await act(crm, tryton, "get_customer", customer_id=customer_id))["credit_status"] == status
    with pytest.raises(FailedError) as error:
        await act(crm, tryton, "get_customer", customer_id="C-404")
    assert error.value.code == "not_found"


async def test_reads_may_run_at_once(erp: Connector[Tryton], crm: Connector[Tryton], tryton: Tryton) -> None:
    await testing.check_read(crm, tryton, Trial("crm.get_customer", {"customer_id": "C-100"}, WAIT_S))
    await testing.check_read(erp, tryton, Trial("erp.check_stock", {"product_id": "P-500"}, WAIT_S))
    await testing.check_read(erp, tryton, Trial("erp.get_order", {"order_id": "O-1000"}, WAIT_S))
    await testing.check_read(crm, tryton, Trial("crm.get_case", {"case_ref": "K-1000"}, WAIT_S))


async def test_an_order_takes_its_quantity_from_the_stock_and_cancelling_gives_it_back(
    erp: Connector[Tryton], tryton: Tryton
) -> None:
    before = await available(erp, tryton)
    order = await act(erp, tryton, "create_order", **ORDER)
    assert order | {"order_id": ""} == {
        **ORDER,
        "order_id": "",
        "status": "confirmed",
        "unit_price": 40.0,
        "total": 80.0,
        "refunded": 0.0,
    }
    assert await available(erp, tryton) == before - 2
    assert await act(erp, tryton, "get_order", order_id=order["order_id"]) == order
    cancelled = await act(erp, tryton, "cancel_order", order_id=order["order_id"])
    assert cancelled == {**order, "status": "cancelled"}
    assert await available(erp, tryton) == before


async def test_the_same_key_twice_gives_one_order(
    erp: Connector[Tryton], tryton: Tryton, running: dict[str, Any]
) -> None:
    async def count() -> int:
        with closing(sqlite3.connect(f"file:{running['file']}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM sale_sale").fetchone()[0]

    for verb in ("create_order", "create_backorder"):
        await testing.check_key(erp, tryton, Trial(f"erp.{verb}", ORDER, WAIT_S), count=count)
        await testing.check_undo(erp, tryton, Trial(f"erp.{verb}", ORDER, WAIT_S))
