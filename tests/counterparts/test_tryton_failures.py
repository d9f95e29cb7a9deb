"""Tryton behind a network that loses answers, with sessions that end and logins that are throttled."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from connectors import testing, testing_faults
from connectors.connector import Connector
from connectors.errors import ActionError, BusyError, InDoubtError, NotSentError
from connectors.rpc.settings import LoginSettings
from connectors.testing import Trial
from connectors.testing_link import FaultyLink
from connectors.tryton import sales
from connectors.tryton.kind import build_crm, build_erp
from connectors.tryton.system import Tryton, open_tryton
from tests.counterparts.answering_proxy import AnsweringProxy, answering_proxy
from tests.counterparts.started import counterpart
from tests.counterparts.test_tryton import ORDER, WAIT_S, act, available, settings_of

LOGIN = "common.db.login"


@pytest.fixture(scope="module")
def running() -> Generator[dict[str, Any]]:
    with counterpart("tryton") as said:
        yield said


@pytest.fixture
def erp(running: dict[str, Any]) -> Connector[Tryton]:
    return build_erp("erp", settings_of(running))


@pytest.fixture
async def proxy(running: dict[str, Any]) -> AsyncGenerator[AnsweringProxy]:
    async with answering_proxy(running["url"]) as served:
        yield served


@asynccontextmanager
async def opened(running: dict[str, Any], url: str | None = None, **changed: Any) -> AsyncGenerator[Tryton]:
    async with open_tryton(settings_of(running, base_url=url or running["url"], **changed)) as client:
        yield client


def end_sessions(running: dict[str, Any]) -> None:
    """As an administrator does, or time."""
    with closing(sqlite3.connect(running["file"], timeout=10)) as connection, connection:
        connection.execute("DELETE FROM ir_session")


async def test_a_session_that_ends_in_the_middle_is_renewed_by_one_login_for_all(
    erp: Connector[Tryton], running: dict[str, Any], proxy: AnsweringProxy
) -> None:
    async with opened(running, proxy.address) as client:
        await available(erp, client)
        assert len(proxy.saying(LOGIN)) == 1
        end_sessions(running)
        order, *stocks = await asyncio.gather(
            act(erp, client, "create_order", **ORDER), *(available(erp, client, "P-500") for _ in range(10))
        )
        assert order["status"] == "confirmed"
        assert len(set(stocks)) == 1
        assert len(proxy.saying(LOGIN)) == 2


async def test_a_session_that_ends_between_two_steps_of_a_write_does_not_make_it_twice(
    erp: Connector[Tryton], running: dict[str, Any], proxy: AnsweringProxy
) -> None:
    def end_before_confirm(body: bytes) -> None:
        if b"model.sale.sale.confirm" in body and len(proxy.saying("model.sale.sale.confirm")) == 1:
            end_sessions(running)

    async with opened(running, proxy.address) as client:
        proxy.answers = end_before_confirm
        key = str(uuid4())
        await act(erp, client, "create_order", key, **ORDER)
        assert len(proxy.saying("model.sale.sale.confirm")) == 2
        assert len(proxy.saying(LOGIN)) == 2
        assert len(await sales.sales_with(client, key)) == 1


async def test_a_throttled_login_is_busy_and_nobody_hammers(
    erp: Connector[Tryton], running: dict[str, Any], proxy: AnsweringProxy
) -> None:
    def login(password: str) -> LoginSettings:
        return LoginSettings(user=running["throttled_user"], password=SecretStr(password))

    for _ in range(2):  # a wrong password, twice: Tryton throttles this user from now on
        async with opened(running, login=login("wrong")) as client:
            with pytest.raises(NotSentError, match="refused"):
                await available(erp, client)
    async with opened(running, proxy.address, login=login(running["password"])) as client:
        with pytest.raises(BusyError):
            await available(erp, client)
        with pytest.raises(BusyError) as error:
            await available(erp, client)
        assert error.value.retry_after_s is not None
        got = await asyncio.gather(*(available(erp, client) for _ in range(20)), return_exceptions=True)
        assert {type(each) for each in got} == {BusyError}
        assert len(proxy.saying(LOGIN)) == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(429, BusyError), (503, BusyError), (500, InDoubtError), (504, InDoubtError)]
)
async def test_what_http_says_of_a_write_is_what_is_known_of_it(
    erp: Connector[Tryton],
    running: dict[str, Any],
    proxy: AnsweringProxy,
    status: int,
    kind: type[ActionError],
) -> None:
    async with opened(running, proxy.address) as client:
        proxy.answers = lambda body: status if b"model.sale.sale.create" in body else None
        with pytest.raises(kind):
            await act(erp, client, "create_order", **ORDER)
        proxy.answers = lambda _: None
        assert (await act(erp, client, "create_order", **ORDER))["status"] == "confirmed"


async def test_the_contract_holds_where_the_network_fails(running: dict[str, Any]) -> None:
    settings = settings_of(running)
    host, port = settings.base_url.removeprefix("http://").split(":")
    async with FaultyLink.to(host, int(port)) as link:
        linked = settings_of(running, base_url=f"http://{link.host}:{link.port}")
        erp, crm = build_erp("erp", linked), build_crm("crm", linked)
        order = Trial("erp.create_order", ORDER, WAIT_S)
        note = Trial("crm.add_case_note", {"case_ref": "K-1000", "text": "Called back."}, WAIT_S)
        async with open_tryton(linked) as client:
            await testing_faults.check_silence(erp, client, link, order)
            await testing_faults.check_silence(crm, client, link, note)
            missing = Trial("erp.get_order", {"order_id": "O-404"}, WAIT_S)
            await testing_faults.check_refused(erp, client, missing, code="not_found")
        await testing_faults.check_secrets_stay(erp, linked, link, order)
    unused = settings_of(running, base_url=f"http://{link.host}:{link.port}", timeout_s=2.0)
    await testing.check_unreachable(erp, unused, order)
