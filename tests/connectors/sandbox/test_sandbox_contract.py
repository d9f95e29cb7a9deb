"""The sandbox's own connectors hold the contract that third parties are held to."""

import socket
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from pydantic import SecretStr
from yarl import URL

from connectors import testing, testing_faults
from connectors.http import HttpClient
from connectors.sandbox.crm import crm
from connectors.sandbox.erp import erp
from connectors.sandbox.service.server import Sandbox
from connectors.sandbox.settings import SandboxSettings
from connectors.testing_link import FaultyLink
from connectors.testing_losses import Loss, check_each_loss
from tests.connectors.conftest import TOKEN

ORDER = testing.Trial("erp.create_order", {"customer_id": "C-100", "product_id": "P-100", "quantity": 2})
BACKORDER = testing.Trial(
    "erp.create_backorder", {"customer_id": "C-200", "product_id": "P-200", "quantity": 2}
)
SHIPMENT = testing.Trial("erp.schedule_shipment", {"order_id": "O-1000"})
REFUND = testing.Trial("erp.refund_order", {"order_id": "O-1000", "amount": 5.0})
STOCK = testing.Trial("erp.check_stock", {"product_id": "P-100"})
NOTE = testing.Trial("crm.add_case_note", {"case_ref": "K-1000", "text": "Called back."})
RESOLUTION = testing.Trial("crm.resolve_case", {"case_ref": "K-1000", "resolution": "Replaced."})
CASE = testing.Trial("crm.open_case", {"customer_id": "C-100", "subject": "A question"})
CONNECTORS = {"erp": erp, "crm": crm}


@pytest.mark.parametrize("connector", [erp, crm], ids=["erp", "crm"])
def test_the_declarations_hold_the_contract(connector: testing.Connector[HttpClient]) -> None:
    testing.check_declarations(connector)
    testing.check_tools(connector)
    testing.check_unknown_arguments(connector)
    testing.check_settings(connector)


@pytest.mark.parametrize(
    "trial",
    [
        STOCK,
        testing.Trial("erp.get_order", {"order_id": "O-1000"}),
        testing.Trial("crm.get_customer", {"customer_id": "C-100"}),
        testing.Trial("crm.get_case", {"case_ref": "K-1000"}),
    ],
    ids=lambda trial: trial.action,
)
async def test_reads_may_be_repeated(client: HttpClient, trial: testing.Trial) -> None:
    await testing.check_read(CONNECTORS[trial.action[:3]], client, trial)


@pytest.mark.parametrize(
    "trial", [ORDER, BACKORDER, SHIPMENT, REFUND, NOTE, RESOLUTION, CASE], ids=lambda trial: trial.action
)
async def test_the_same_key_never_does_it_twice(client: HttpClient, trial: testing.Trial) -> None:
    async def effects() -> int:
        return len(await client.get("ledger"))

    await testing.check_key(CONNECTORS[trial.action[:3]], client, trial, count=effects)


@pytest.mark.parametrize("trial", [ORDER, BACKORDER, SHIPMENT, RESOLUTION], ids=lambda trial: trial.action)
async def test_what_can_be_undone_is_undone_and_may_be_undone_again(
    client: HttpClient, trial: testing.Trial
) -> None:
    await testing.check_undo(CONNECTORS[trial.action[:3]], client, trial)


@pytest.mark.parametrize("trial", [STOCK, ORDER], ids=lambda trial: trial.action)
async def test_an_unreachable_system_was_sent_nothing(trial: testing.Trial) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        settings = SandboxSettings(base_url=address, token=SecretStr("t"))
        await testing.check_unreachable(erp, settings, trial)


@pytest.fixture
async def link(sandbox: Sandbox) -> AsyncIterator[FaultyLink]:
    url = URL(sandbox.address)
    async with FaultyLink.to(url.host or "", url.port or 0) as opened:
        yield opened


def through(link: FaultyLink) -> SandboxSettings:
    return SandboxSettings(base_url=f"http://{link.host}:{link.port}", token=SecretStr(TOKEN), timeout_s=5)


@pytest.mark.parametrize("lost", ["replies", "requests"])
@pytest.mark.parametrize("trial", [ORDER, BACKORDER, CASE], ids=lambda trial: trial.action)
async def test_a_write_whose_request_or_reply_is_lost_happens_once(
    client: HttpClient, link: FaultyLink, trial: testing.Trial, lost: Literal["replies", "requests"]
) -> None:
    async def effects() -> int:
        return len(await client.get("ledger"))

    connector = CONNECTORS[trial.action[:3]]
    async with connector.open(through(link)) as lossy:
        losses = await check_each_loss(connector, lossy, link, trial, count=effects, lost=lost)
    assert losses == [Loss("in doubt", 1 if lost == "replies" else 0)]


@pytest.mark.parametrize("trial", [STOCK, ORDER], ids=lambda trial: trial.action)
async def test_a_silent_system_is_given_up_in_time(link: FaultyLink, trial: testing.Trial) -> None:
    async with erp.open(through(link)) as client:
        await testing_faults.check_silence(erp, client, link, trial)


async def test_no_secret_shows_whatever_happens(link: FaultyLink) -> None:
    await testing_faults.check_secrets_stay(erp, through(link), link, ORDER)


async def test_a_rehearsal_shows_the_request_and_has_no_effect(sandbox: Sandbox, client: HttpClient) -> None:
    async def effects() -> int:
        return len(await client.get("ledger"))

    settings = SandboxSettings(base_url=sandbox.address, token=SecretStr(TOKEN))
    await testing_faults.check_rehearsal(erp, client, ORDER, settings=settings, count=effects)


async def test_a_refusal_says_why(client: HttpClient) -> None:
    unknown = testing.Trial("erp.get_order", {"order_id": "O-9999"})
    await testing_faults.check_refused(erp, client, unknown, code="unknown_order")
