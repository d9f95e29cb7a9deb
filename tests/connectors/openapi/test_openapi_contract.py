"""The sandbox, described by its own document and no code, holds the contract that coded connectors are held to."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from yarl import URL

from connectors import testing, testing_faults
from connectors.connector import Connector
from connectors.http import HttpClient
from connectors.openapi.settings import OpenApiSettings
from connectors.sandbox.crm import crm as coded_crm
from connectors.sandbox.erp import erp as coded_erp
from connectors.sandbox.service.server import Sandbox, serve
from connectors.testing_link import FaultyLink
from connectors.testing_losses import Loss, check_each_loss
from tests.connectors.openapi.sandbox_sections import sandbox_connector, sandbox_settings

TOKEN = "sandbox-test-token"
ORDER = testing.Trial("erp.create_order", {"customer_id": "C-100", "product_id": "P-100", "quantity": 2})
BACKORDER = testing.Trial(
    "erp.create_backorder", {"customer_id": "C-200", "product_id": "P-200", "quantity": 2}
)
SHIPMENT = testing.Trial("erp.schedule_shipment", {"order_id": "O-1000"})
NOTE = testing.Trial("crm.add_case_note", {"case_ref": "K-1000", "text": "Called back."})
RESOLUTION = testing.Trial("crm.resolve_case", {"case_ref": "K-1000", "resolution": "Replaced."})
STOCK = testing.Trial("erp.check_stock", {"product_id": "P-100"})

Connectors = dict[str, Connector[HttpClient]]


@pytest.fixture
def connectors(tmp_path: Path) -> Connectors:
    return {name: sandbox_connector(name, tmp_path) for name in ("erp", "crm")}


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    running = await serve(tmp_path / "sandbox.db", token=TOKEN)
    yield running
    await running.close()


@pytest.fixture
async def client(sandbox: Sandbox, connectors: Connectors, tmp_path: Path) -> AsyncIterator[HttpClient]:
    settings = sandbox_settings("erp", tmp_path, sandbox.address, TOKEN)
    async with connectors["erp"].open(settings) as opened:
        yield opened


@pytest.mark.parametrize("name", ["erp", "crm"])
def test_a_described_connector_holds_the_contract(connectors: Connectors, name: str) -> None:
    testing.check_declarations(connectors[name])
    testing.check_tools(connectors[name])
    testing.check_unknown_arguments(connectors[name])
    testing.check_settings(connectors[name])


@pytest.mark.parametrize("coded", [coded_erp, coded_crm], ids=["erp", "crm"])
def test_a_described_action_takes_and_returns_what_the_coded_one_does(
    connectors: Connectors, coded: Connector[HttpClient]
) -> None:
    for name, action in connectors[coded.name].actions.items():
        other = coded.actions[name]
        mine = action.tool["function"]["parameters"]["properties"]
        theirs = other.tool["function"]["parameters"]["properties"]
        assert {each: said["type"] for each, said in mine.items()} == {
            each: said["type"] for each, said in theirs.items()
        }
        assert (action.effect, action.compensate) == (other.effect, other.compensate)
        if name != "crm.get_case":  # of which less is shown
            assert action.result is not None
            assert other.result is not None
            assert action.result.model_fields.keys() == other.result.model_fields.keys()


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
async def test_described_reads_may_be_repeated(
    connectors: Connectors, client: HttpClient, trial: testing.Trial
) -> None:
    await testing.check_read(connectors[trial.action[:3]], client, trial)


@pytest.mark.parametrize(
    "trial", [ORDER, BACKORDER, SHIPMENT, NOTE, RESOLUTION], ids=lambda trial: trial.action
)
async def test_a_described_write_never_happens_twice_with_its_key(
    connectors: Connectors, client: HttpClient, trial: testing.Trial
) -> None:
    async def effects() -> int:
        return len(await client.get("ledger"))

    await testing.check_key(connectors[trial.action[:3]], client, trial, count=effects)


@pytest.mark.parametrize("trial", [ORDER, BACKORDER, SHIPMENT, RESOLUTION], ids=lambda trial: trial.action)
async def test_a_described_write_is_undone_and_may_be_undone_again(
    connectors: Connectors, client: HttpClient, trial: testing.Trial
) -> None:
    await testing.check_undo(connectors[trial.action[:3]], client, trial)


@pytest.mark.parametrize("trial", [STOCK, ORDER], ids=lambda trial: trial.action)
async def test_an_unreachable_system_was_sent_nothing_by_a_described_action(
    connectors: Connectors, tmp_path: Path, trial: testing.Trial
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        settings = sandbox_settings("erp", tmp_path, address, TOKEN)
        await testing.check_unreachable(connectors["erp"], settings, trial)


@pytest.fixture
async def link(sandbox: Sandbox) -> AsyncIterator[FaultyLink]:
    url = URL(sandbox.address)
    async with FaultyLink.to(url.host or "", url.port or 0) as opened:
        yield opened


def through(link: FaultyLink, folder: Path) -> OpenApiSettings:
    return sandbox_settings("erp", folder, f"http://{link.host}:{link.port}", TOKEN)


@pytest.mark.parametrize("lost", ["replies", "requests"])
@pytest.mark.parametrize("trial", [ORDER, BACKORDER], ids=lambda trial: trial.action)
async def test_a_described_write_whose_request_or_reply_is_lost_happens_once(
    connectors: Connectors,
    client: HttpClient,
    link: FaultyLink,
    tmp_path: Path,
    trial: testing.Trial,
    lost: Literal["replies", "requests"],
) -> None:
    async def effects() -> int:
        return len(await client.get("ledger"))

    erp = connectors["erp"]
    async with erp.open(through(link, tmp_path)) as lossy:
        losses = await check_each_loss(erp, lossy, link, trial, count=effects, lost=lost)
    assert losses == [Loss("in doubt", 1 if lost == "replies" else 0)]


@pytest.mark.parametrize("trial", [STOCK, ORDER], ids=lambda trial: trial.action)
async def test_a_silent_system_is_given_up_in_time_by_a_described_action(
    connectors: Connectors, link: FaultyLink, tmp_path: Path, trial: testing.Trial
) -> None:
    async with connectors["erp"].open(through(link, tmp_path)) as client:
        await testing_faults.check_silence(connectors["erp"], client, link, trial)


async def test_no_secret_of_a_section_shows_whatever_happens(
    connectors: Connectors, link: FaultyLink, tmp_path: Path
) -> None:
    await testing_faults.check_secrets_stay(connectors["erp"], through(link, tmp_path), link, ORDER)


async def test_a_refusal_of_a_described_action_says_why(connectors: Connectors, client: HttpClient) -> None:
    unknown = testing.Trial("erp.get_order", {"order_id": "O-9999"})
    await testing_faults.check_refused(connectors["erp"], client, unknown, code="unknown_order")


async def test_an_answer_above_the_cap_of_a_section_is_refused(
    connectors: Connectors, sandbox: Sandbox, tmp_path: Path
) -> None:
    settings = sandbox_settings("erp", tmp_path, sandbox.address, TOKEN).model_copy(
        update={"answer_bytes": 10}
    )
    async with connectors["erp"].open(settings) as client:
        await testing_faults.check_too_large(connectors["erp"], client, STOCK)
