"""A SOAP service that spyne makes of its own WSDL: every effect as promised, also where replies are lost, late or odd."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from yarl import URL

from connectors import testing, testing_faults
from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import FailedError, InDoubtError, UnusableResultError
from connectors.perform import perform
from connectors.soap.kind import build_soap
from connectors.soap.settings import SoapSettings
from connectors.testing_link import FaultyLink
from connectors.testing_losses import check_each_loss
from tests.counterparts.spyne_section import OPERATIONS
from tests.counterparts.started import counterpart
from tests.repository.documents import Document

ORDER: dict[str, Any] = {
    "customer_id": "C-100",
    "due": "2026-12-24",
    "priority": "expedited",
    "lines": {
        "Line": [
            {"sku": "P-100", "quantity": 2, "price": "12.50"},
            {"sku": "P-100", "quantity": 1, "price": "0.05"},
        ]
    },
}
CREATE_ORDER = testing.Trial("shop.create_order", {"order": ORDER})
CREATE_ONCE = testing.Trial("shop.create_once", {"order": ORDER})


@pytest.fixture(scope="module")
def spyne() -> Iterator[dict[str, Any]]:
    with counterpart("spyne") as said:
        yield said


@pytest.fixture(params=["11", "12"])
def settings(spyne: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest) -> SoapSettings:
    return made(spyne, tmp_path, request.param)


def made(spyne: dict[str, Any], folder: Path, version: str = "11", **others: Any) -> SoapSettings:
    file = folder / "orders.wsdl"
    file.write_text(spyne[f"wsdl{version}"], encoding="utf-8")
    values = {"wsdl": file, "base_url": spyne[f"soap{version}"], "operations": OPERATIONS, **others}
    return SoapSettings.model_validate(values)


@asynccontextmanager
async def opened(settings: SoapSettings) -> AsyncGenerator[tuple[Connector[Any], Any]]:
    connector = build_soap("shop", settings)
    async with connector.open(settings) as client:
        yield connector, client


async def asked(
    settings: SoapSettings, verb: str, *, key: str = "", timeout_s: float = 10, **arguments: Any
) -> Any:
    async with opened(settings) as (connector, client):
        action = connector.actions[f"shop.{verb}"]
        call = Call(client, key=key or str(uuid4()), timeout_s=timeout_s, tenant="acme", run_id="run")
        return await perform(action, call, action.arguments.model_validate(arguments))


async def orders(settings: SoapSettings) -> int:
    return (await asked(settings, "count_orders"))["CountOrdersResult"]


async def test_it_holds_the_contract(settings: SoapSettings) -> None:
    async with opened(settings) as (connector, client):
        testing.check_declarations(connector)
        testing.check_tools(connector)
        testing.check_unknown_arguments(connector)
        testing.check_settings(connector)
        await testing.check_read(
            connector, client, testing.Trial("shop.find_customer", {"customer_id": "C-100"})
        )
        await testing.check_key(connector, client, CREATE_ORDER, count=lambda: orders(settings))
        await testing.check_undo(connector, client, CREATE_ORDER)
        nowhere = settings.model_copy(update={"base_url": "http://127.0.0.1:9/11"})
        await testing.check_unreachable(connector, nowhere, CREATE_ORDER)
        unknown = testing.Trial("shop.cancel_order", {"order_id": "O-1"})
        await testing_faults.check_refused(connector, client, unknown, code="not_found")
        await testing_faults.check_nothing_found(connector, client, CREATE_ONCE)


async def test_it_holds_the_contract_where_the_network_fails(settings: SoapSettings) -> None:
    async with linked(settings) as (link, through), opened(through) as (connector, client):
        for trial in (CREATE_ORDER, CREATE_ONCE):
            for lost in ("replies", "requests"):
                await check_each_loss(
                    connector, client, link, trial, count=lambda: orders(settings), lost=lost
                )
            await testing_faults.check_silence(connector, client, link, trial)
        await testing_faults.check_silence(connector, client, link, testing.Trial("shop.count_orders", {}))


async def test_the_example_of_the_readme_works_against_it(spyne: dict[str, Any], tmp_path: Path) -> None:
    fences = Document.read("connectors/soap/README.md").fences("yaml")
    section = yaml.safe_load(fences[0])["connectors"]["desk"]
    login = {"user": spyne["user"], "password": spyne["password"], "digest": True}
    settings = made(spyne, tmp_path, operations=section["operations"], ws_security=login)
    order = {"customer_id": "C-100", "lines": {"Line": [{"sku": "P-100", "quantity": 2, "price": "12.50"}]}}
    trial = testing.Trial("desk.place_order", order)
    desk = build_soap("desk", settings)
    async with linked(settings) as (link, through), desk.open(through) as client:
        await testing.check_undo(desk, client, trial)
        await testing_faults.check_nothing_found(desk, client, trial)
        counted = made(spyne, tmp_path)
        await testing_faults.check_lost_reply(desk, client, link, trial, count=lambda: orders(counted))
        call = Call(client, key="any", timeout_s=5, tenant="acme", run_id="run")
        find = desk.actions["desk.find_customer"]
        found = await perform(find, call, find.arguments.model_validate({"customer_id": "C-100"}))
        assert found == {
            "name": "Anna & <Partners>",
            "credit_limit": "25000.50",
            "cities": ["Bergen", "Oslo"],
        }


async def test_decimals_dates_attributes_lists_and_markup_come_as_they_are(settings: SoapSettings) -> None:
    assert await asked(settings, "find_customer", customer_id="C-100") == {
        "customer_id": "C-100",
        "name": "Anna & <Partners>",
        "credit_limit": "25000.50",
        "since": "2019-02-28",
        "addresses": {
            "Address": [
                {"kind": "billing", "street": "Harbour 1", "city": "Bergen"},
                {"kind": "delivery", "city": "Oslo"},
            ]
        },
    }
    assert await asked(settings, "check_stock", sku="P-100") == {"StockResult": 500}
    assert await asked(settings, "check_stock", sku="P-9") == {}


@pytest.mark.parametrize(
    "note", ["</note><status>cancelled</status>", "]]> <!-- --> &amp; &lt;", "\"'\t\u00e9\U0001f4e6"]
)
async def test_markup_in_a_value_stays_a_value(settings: SoapSettings, note: str) -> None:
    key = str(uuid4())
    await asked(settings, "create_once", key=key, order={**ORDER, "note": note})
    found = await asked(settings, "find_order", key=key)
    assert (found["status"], found["note"]) == ("confirmed", note)


async def test_a_key_is_the_reference_and_is_nothing_the_model_sets(settings: SoapSettings) -> None:
    connector = build_soap("shop", settings)
    parameters = connector.actions["shop.create_order"].tool["function"]["parameters"]
    assert "reference" not in parameters["properties"]["order"]["properties"]
    assert connector.actions["shop.find_order"].tool["function"]["parameters"]["properties"] == {}


async def test_what_is_not_there_is_a_refusal_or_nothing_as_the_section_says(settings: SoapSettings) -> None:
    with pytest.raises(FailedError, match="no customer C-7") as refused:
        await asked(settings, "find_customer", customer_id="C-7")
    assert refused.value.code == "not_found"
    assert await asked(settings, "find_maybe", customer_id="C-7") is None
    assert await asked(settings, "find_order") is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"price": "1234567890.12"}, "order.lines.Line.price is a number of too many digits"),
        ({"note": "a null \x00 byte"}, "a character that XML cannot say"),
    ],
)
async def test_arguments_that_break_the_schema_never_leave(
    settings: SoapSettings, change: dict[str, str], says: str
) -> None:
    before = await orders(settings)
    line = {**ORDER["lines"]["Line"][0], **{name: change[name] for name in ("price",) if name in change}}
    order = {**ORDER, **change, "lines": {"Line": [line]}}
    order.pop("price", None)
    with pytest.raises(FailedError, match=says) as refused:
        await asked(settings, "create_order", order=order)
    assert refused.value.code == "invalid_arguments"
    assert not any(value in str(refused.value) for value in change.values())
    assert await orders(settings) == before


async def test_a_server_fault_of_a_write_is_doubt_unless_the_section_knows_it(settings: SoapSettings) -> None:
    sold_out = {**ORDER, "lines": {"Line": [{"sku": "P-200", "quantity": 1, "price": "1.00"}]}}
    with pytest.raises(InDoubtError, match="out of stock"):
        await asked(settings, "create_order", order=sold_out)
    with pytest.raises(FailedError, match="out of stock") as refused:
        await asked(settings, "create_once", order=sold_out)
    assert refused.value.code == "out_of_stock"
    for fault in ("Server", "Server.Database", "Odd"):
        with pytest.raises(InDoubtError):
            await asked(settings, "create_and_fail", order=ORDER, fault=fault)
    with pytest.raises(FailedError):
        await asked(settings, "create_refused", order=ORDER, fault="Server.Known")
    with pytest.raises(FailedError):
        await asked(settings, "create_and_fail", order=ORDER, fault="Client.Whatever")


async def test_a_reply_that_breaks_the_wsdl_after_a_write_leaves_its_outcome_open(
    settings: SoapSettings,
) -> None:
    key = str(uuid4())
    with pytest.raises(UnusableResultError, match="status is none of the values") as odd:
        await asked(settings, "create_oddly", key=key, order=ORDER)
    assert not odd.value.executed
    assert "almost" not in str(odd.value)
    assert (await asked(settings, "find_order", key=key))["status"] == "confirmed"


async def test_a_late_reply_leaves_the_outcome_open_and_the_same_key_finds_it(settings: SoapSettings) -> None:
    key = str(uuid4())
    before = await orders(settings)
    with pytest.raises(InDoubtError, match="no answer within"):
        await asked(settings, "create_slowly", key=key, timeout_s=0.5, order=ORDER)
    found = await asked(settings, "find_order", key=key)
    again = await asked(settings, "create_order", key=key, order=ORDER)
    assert again["order_id"] == found["order_id"]
    assert await orders(settings) == before + 1


async def test_a_large_reply_is_read_beside_other_work_and_a_larger_one_refused(
    spyne: dict[str, Any], tmp_path: Path
) -> None:
    settings = made(spyne, tmp_path)
    lines = await asked(settings, "many_lines", count=4000)
    assert len(lines) == 4000
    assert lines[3999] == {"sku": "P-3999", "quantity": 1, "price": "1.10"}
    small = settings.model_copy(update={"reply_bytes": 10_000})
    async with opened(small) as (connector, client):
        await testing_faults.check_too_large(
            connector, client, testing.Trial("shop.many_lines", {"count": 4000})
        )


@pytest.mark.parametrize("digest", [False, True])
@pytest.mark.parametrize("version", ["11", "12"])
async def test_a_username_token_is_in_the_header_and_its_password_nowhere_else(
    spyne: dict[str, Any], tmp_path: Path, version: str, digest: bool
) -> None:
    login = {"user": spyne["user"], "password": spyne["password"], "digest": digest}
    settings = made(spyne, tmp_path, version, ws_security=login)
    assert await asked(settings, "who_am_i") == {"WhoAmIResult": spyne["user"]}
    wrong = made(spyne, tmp_path, version, ws_security={**login, "password": "never-shown"})
    with pytest.raises(FailedError) as refused:
        await asked(wrong, "who_am_i")
    assert refused.value.code == "failed_authentication"
    assert "never-shown" not in f"{refused.value!r} {wrong!r}"
    async with linked(settings) as (link, through):
        connector = build_soap("shop", through)
        trial = testing.Trial("shop.who_am_i", {})
        await testing_faults.check_secrets_stay(connector, through, link, trial)
        async with connector.open(through) as client:
            await testing_faults.check_rehearsal(
                connector, client, CREATE_ONCE, settings=through, count=lambda: orders(settings)
            )


@asynccontextmanager
async def linked(settings: SoapSettings) -> AsyncGenerator[tuple[FaultyLink, SoapSettings]]:
    """Put a link in front of the service."""
    url = URL(settings.base_url)
    async with FaultyLink.to("127.0.0.1", url.port or 0) as link:
        yield link, settings.model_copy(update={"base_url": str(url.with_port(link.port))})
