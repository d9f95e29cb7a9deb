"""Every write on Tryton, with each request and each reply of its exchange lost in turn: it says what is true, and a key has one effect."""

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.connector import Connector
from connectors.testing import Trial
from connectors.testing_link import FaultyLink
from connectors.testing_losses import Loss, check_each_loss
from connectors.tryton.kind import build_crm, build_erp
from connectors.tryton.system import Tryton, open_tryton
from tests.counterparts.started import counterpart
from tests.counterparts.test_tryton import ORDER, WAIT_S, act, available, settings_of

SALES = "SELECT count(*) FROM sale_sale"
SHIPMENTS = "SELECT {} FROM stock_shipment_out WHERE state = '{}'"
COMPLAINTS = "SELECT count(*) FROM sale_complaint"


@pytest.fixture(scope="module")
def running() -> Generator[dict[str, Any]]:
    with counterpart("tryton") as said:
        yield said


@dataclass
class Bench:
    """A Tryton behind a link, and beside it."""

    running: dict[str, Any]
    link: FaultyLink
    through: Tryton
    direct: Tryton
    erp: Connector[Tryton]
    crm: Connector[Tryton]

    def counting(self, query: str) -> Callable[[], Awaitable[int]]:
        async def count() -> int:
            with closing(sqlite3.connect(f"file:{self.running['file']}?mode=ro", uri=True)) as connection:
                return connection.execute(query).fetchone()[0]

        return count

    async def order(self) -> dict[str, Any]:
        made = await act(self.erp, self.direct, "create_order", **ORDER)
        return {"order_id": made["order_id"]}

    async def case(self) -> dict[str, Any]:
        made = await act(self.crm, self.direct, "open_case", customer_id="C-100", subject="Broken lamp")
        return {"case_ref": made["case_ref"]}


@pytest.fixture
async def bench(running: dict[str, Any]) -> AsyncGenerator[Bench]:
    host, port = running["url"].removeprefix("http://").split(":")
    async with FaultyLink.to(host, int(port)) as link:
        linked = settings_of(running, base_url=f"http://{link.host}:{link.port}")
        async with open_tryton(settings_of(running)) as direct, open_tryton(linked) as through:
            yield Bench(running, link, through, direct, build_erp("erp", linked), build_crm("crm", linked))


async def order(_: Bench) -> dict[str, Any]:
    return ORDER


async def placed(bench: Bench) -> dict[str, Any]:
    return await bench.order()


async def shipped(bench: Bench) -> dict[str, Any]:
    made = await act(bench.erp, bench.direct, "schedule_shipment", **await bench.order())
    return {"shipment_id": made["shipment_id"]}


async def complaint(_: Bench) -> dict[str, Any]:
    return {"customer_id": "C-100", "subject": "Another lamp arrived broken"}


async def noted(bench: Bench) -> dict[str, Any]:
    return await bench.case() | {"text": "Called back."}


async def settled(bench: Bench) -> dict[str, Any]:
    return await bench.case() | {"resolution": "A new lamp."}


WRITES = {
    "erp.create_order": (order, SALES),
    "erp.cancel_order": (placed, SHIPMENTS.format("count(*)", "cancelled")),
    "erp.schedule_shipment": (placed, SHIPMENTS.format("count(*)", "assigned")),
    "erp.cancel_shipment": (shipped, SHIPMENTS.format("-count(*)", "assigned")),
    "crm.open_case": (complaint, COMPLAINTS),
    "crm.add_case_note": (noted, "SELECT count(*) FROM ir_note"),
    "crm.resolve_case": (settled, f"{COMPLAINTS} WHERE state <> 'draft'"),
}
"""What each write is given, and what counts as its effect: where it takes several steps, the first of them."""


async def lose_each(bench: Bench, action: str, lost: Any = "replies") -> list[Loss]:
    arguments, query = WRITES[action]

    async def making() -> Trial:
        return Trial(action, await arguments(bench), WAIT_S)

    connector = bench.erp if action.startswith("erp.") else bench.crm
    return await check_each_loss(
        connector, bench.through, bench.link, making, count=bench.counting(query), lost=lost
    )


@pytest.mark.timeout(400)
@pytest.mark.parametrize("action", [each for each in WRITES if each != "erp.create_order"])
async def test_whichever_reply_is_lost_a_key_has_one_effect(bench: Bench, action: str) -> None:
    stock = await available(bench.erp, bench.direct)
    losses = await lose_each(bench, action)
    assert len(losses) > 2
    if action == "erp.cancel_order":
        assert await available(bench.erp, bench.direct) == stock


@pytest.mark.timeout(400)
@pytest.mark.parametrize("lost", ["replies", "requests"])
async def test_whatever_is_lost_a_key_gives_one_order_that_goes_on_to_be_worked_on(
    bench: Bench, lost: str
) -> None:
    worked_on = bench.counting(f"{SALES} WHERE state = 'processing'")
    stock, before = await available(bench.erp, bench.direct), await worked_on()
    losses = await lose_each(bench, "erp.create_order", lost)
    orders = len(losses) + 2  # one before any loss, one after all of them
    assert await worked_on() == before + orders
    assert await available(bench.erp, bench.direct) == stock - orders * ORDER["quantity"]


async def test_every_write_is_tried(bench: Bench) -> None:
    same = {
        "erp.create_backorder": "erp.create_order",
        "erp.cancel_backorder": "erp.cancel_order",
        "crm.reopen_case": "crm.resolve_case",
    }
    actions = [*bench.erp.actions.values(), *bench.crm.actions.values()]
    writes = {action.name for action in actions if action.effect == "write"}
    assert {same.get(name, name) for name in writes} == WRITES.keys()
