"""The kind `odata` against SAP's own CAP server, in v4 and, through SAP's adapter, in v2."""

import base64
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
import pytest

from connectors import testing, testing_faults
from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import FailedError, InDoubtError, NotSentError
from connectors.odata.client import Change, Deadline, ODataClient
from connectors.odata.kind import build_odata
from connectors.odata.settings import ODataSettings
from connectors.perform import perform
from connectors.testing import Trial
from connectors.testing_link import FaultyLink
from connectors.testing_losses import Loss, check_each_loss
from tests.connectors.odata.trade import FOLDER, PASSWORD, binding_entities, settings
from tests.counterparts.started import counterpart

ORDER: dict[str, Any] = {
    "customer_ID": "C-100",
    "items": [{"product_ID": "P-100", "quantity": 2, "price": 49.9}],
}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def cap() -> Generator[dict[str, Any]]:
    with counterpart("cap") as started:
        yield started


@pytest.fixture(params=["v4", "v2"])
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


@dataclass(frozen=True)
class Trade:
    """The service, as the connector sees it through a link, and beside it."""

    connector: Connector[ODataClient]
    settings: ODataSettings
    client: ODataClient
    link: FaultyLink
    direct: str

    async def do(self, verb: str, **arguments: Any) -> Any:
        action = self.connector.actions[f"trade.{verb}"]
        call = Call(self.client, key=f"key-{next(_numbers)}", timeout_s=10, tenant="t", run_id="r")
        return await perform(action, call, action.arguments.model_validate(arguments))

    async def refused(self, code: str, verb: str, **arguments: Any) -> str:
        with pytest.raises(FailedError) as error:
            await self.do(verb, **arguments)
        assert error.value.code == code
        return str(error.value)

    async def count(self, entity_set: str, filtered: str = "") -> int:
        login = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"}
        async with (
            aiohttp.ClientSession(headers=headers, trust_env=False) as session,
            session.get(f"{self.direct}/{entity_set}/$count{filtered}") as answer,
        ):
            return int(await answer.text())

    def counting(self, entity_set: str, filtered: str = "") -> Callable[[], Awaitable[int]]:
        return lambda: self.count(entity_set, filtered)


@pytest.fixture
async def trade(cap: dict[str, Any], version: Any) -> AsyncIterator[Trade]:
    served = urlsplit(cap[version])
    assert served.port
    async with FaultyLink.to("127.0.0.1", served.port) as link:
        own = settings(version, f"http://127.0.0.1:{link.port}{served.path}")
        connector = build_odata("trade", own)
        async with connector.open(own) as client:
            yield Trade(connector, own, client, link, cap["v4"])


def new_key() -> str:
    return f"N-{next(_numbers)}"


async def test_the_pinned_metadata_is_what_the_service_says(cap: dict[str, Any], version: Any) -> None:
    login = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Basic {login}"}, trust_env=False) as session,
        session.get(f"{cap[version]}/$metadata") as answer,
    ):
        assert await answer.text() == (FOLDER / f"trade.{version}.edmx").read_text(encoding="utf-8")


async def test_the_contract_is_held(trade: Trade) -> None:
    order = Trial("trade.create_order", ORDER)
    await testing.check_read(trade.connector, trade.client, Trial("trade.get_customer", {"ID": "C-200"}))
    await testing.check_read(trade.connector, trade.client, Trial("trade.find_products", {"top": 6}))
    await testing.check_undo(trade.connector, trade.client, order)
    await testing.check_undo(
        trade.connector, trade.client, Trial("trade.create_customer", {"ID": new_key(), "name": "Undone"})
    )
    await testing.check_key(
        trade.connector, trade.client, Trial("trade.change_product", {"ID": "P-500", "stock": 99})
    )
    await testing_faults.check_nothing_found(trade.connector, trade.client, order)
    await testing_faults.check_silence(trade.connector, trade.client, trade.link, order)
    await testing_faults.check_silence(
        trade.connector, trade.client, trade.link, Trial("trade.get_customer", {"ID": "C-200"})
    )
    await testing_faults.check_refused(
        trade.connector, trade.client, Trial("trade.get_customer", {"ID": "C-999"}), code="not_found"
    )
    await testing_faults.check_secrets_stay(trade.connector, trade.settings, trade.link, order)
    await testing_faults.check_rehearsal(
        trade.connector, trade.client, order, settings=trade.settings, count=trade.counting("Orders")
    )


async def test_an_entity_is_read_by_its_key_in_types_that_are_exact(trade: Trade) -> None:
    assert await trade.do("get_customer", ID="C-200") == {
        "ID": "C-200",
        "name": "O'Neill Füchse",
        "credit": "review",
        "creditLimit": 250.5,
        "since": "2021-11-30",
        "address_city": "Münster",
        "etag": 'W/"1"',
    }
    product = await trade.do("get_product", ID="P-100")
    assert product["moved"] == 2**53 + 1
    assert product["changedAt"] == "2026-01-02T03:04:05.678Z"
    assert (product["opensAt"], product["weight"], product["active"]) == ("08:30:00", 1.25, True)
    assert await trade.do("get_product", ID="P-100", select=["name"]) == {"ID": "P-100", "name": "Desk lamp"}


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({"name": 'Chair 100% "wool"'}, ["P-300"]),
        ({"name_contains": " 100% "}, ["P-300"]),
        ({"name_contains": "a+b"}, ["P-400"]),
        ({"name_starts": "Bücher"}, ["P-600"]),
        ({"name_contains": "' or '1' eq '1"}, []),
        ({"name_contains": "') or (ID ne '"}, []),
        ({"name_contains": "&$filter=x#?/;"}, []),
        ({"ID_in": ["P-100", "P-700", "P-999"]}, ["P-100", "P-700"]),
        ({"price_from": 75.5, "price_to": 89}, ["P-400", "P-600"]),
        ({"active": False}, ["P-400"]),
        ({"moved": 2**53 + 1}, ["P-100"]),
        ({"changedAt_from": "2026-01-06T01:00:00+01:00"}, ["P-500", "P-600", "P-700"]),
        ({"opensAt": "08:30:00"}, ["P-100"]),
    ],
)
async def test_conditions_select_what_they_say(
    trade: Trade, conditions: dict[str, Any], found: list[str]
) -> None:
    answer = await trade.do("find_products", select=["ID"], **conditions)
    assert answer == {"found": [{"ID": each} for each in found], "more": False}


async def test_a_quote_in_what_is_looked_for_is_part_of_it(trade: Trade) -> None:
    answer = await trade.do(
        "find_customers", name="O'Neill Füchse", since_from="2021-11-30", since_to="2021-11-30"
    )
    assert [each["ID"] for each in answer["found"]] == ["C-200"]
    key = f"a/'{next(_numbers)}"
    await trade.do("create_customer", ID=key, name="Slash & quote")
    assert (await trade.do("get_customer", ID=key))["name"] == "Slash & quote"


async def test_small_pages_of_the_service_are_put_together(trade: Trade) -> None:
    """It hands out five at most, and three where nobody says how many."""
    whole = await trade.do("find_products", order_by="price desc", select=["ID"])
    ids = [each["ID"] for each in whole["found"]]
    assert ids == ["P-200", "P-300", "P-600", "P-400", "P-100", "P-500"]
    assert whole["more"] is True
    rest = await trade.do("find_products", order_by="price desc", select=["ID"], skip=6)
    assert rest == {"found": [{"ID": "P-700"}], "more": False}


async def test_what_belongs_to_an_order_is_created_and_read_with_it(trade: Trade) -> None:
    made = await trade.do("create_order", **ORDER, note="grüße", dueOn="2026-05-31")
    assert made["items"] == [{"product_ID": "P-100", "quantity": 2, "price": 49.9}]
    read = await trade.do("get_order", ID=made["ID"], expand=["items", "customer"])
    assert read == {**made, "customer": {"name": "Alder & Sons"}}
    assert read["dueOn"] == "2026-05-31"
    found = await trade.do(
        "find_orders", customer_ID="C-100", ID=made["ID"], dueOn="2026-05-31", expand=["items"]
    )
    assert found == {"found": [made], "more": False}


async def test_an_order_is_bound_to_its_customer_by_a_navigation(cap: dict[str, Any]) -> None:
    """In v4, as Dynamics wants it."""
    own = settings("v4", cap["v4"], entities=binding_entities())
    connector = build_odata("trade", own)
    async with connector.open(own) as client:
        trade = Trade(connector, own, client, FaultyLink("127.0.0.1", 9), cap["v4"])
        quoted = f"O'{next(_numbers)}"
        await trade.do("create_customer", ID=quoted, name="Quoted")
        made = await trade.do("create_order", customer="C-100", note="bound")
        assert made["customer_ID"] == "C-100"
        change = {"ID": made["ID"], "etag": made["etag"], "customer": quoted}
        assert await trade.do("outcome_of_change_order", **change) is None
        changed = await trade.do("change_order", **change)
        assert changed["customer_ID"] == quoted
        assert (await trade.do("outcome_of_change_order", **change))["customer_ID"] == quoted
        await trade.refused("unclear", "outcome_of_change_order", **{**change, "customer": "C-200"})


async def test_a_key_that_is_taken_is_refused_before_anything_is_sent(trade: Trade) -> None:
    before = await trade.count("Customers")
    await trade.refused("exists", "create_customer", ID="C-100", name="Somebody else")
    assert await trade.count("Customers") == before


async def test_a_key_that_is_taken_at_the_last_moment_is_a_doubt_that_a_read_ends(trade: Trade) -> None:
    """The service answers 500 to it."""
    key = new_key()
    ours: dict[str, Any] = {"ID": key, "name": "Ours", "creditLimit": 10.5, "since": "2020-02-29"}
    assert await trade.do("outcome_of_create_customer", **ours) is None
    await trade.do("create_customer", **ours)
    with pytest.raises(InDoubtError, match="HTTP 500"):
        await trade.client.change(
            Change("POST", ("Customers",), body={"ID": key, "name": "Theirs"}), Deadline(5)
        )
    found = await trade.do("outcome_of_create_customer", **ours)
    assert (found["ID"], found["creditLimit"]) == (key, 10.5)
    await trade.refused("unclear", "outcome_of_create_customer", ID=key, name="Theirs")


async def test_an_entity_is_changed_only_in_the_state_that_was_read(trade: Trade) -> None:
    made = await trade.do("create_order", **ORDER)
    changed = await trade.do("change_order", ID=made["ID"], etag=made["etag"], note="first")
    assert (changed["note"], changed["etag"]) == ("first", 'W/"2"')
    said = await trade.refused("stale", "change_order", ID=made["ID"], etag=made["etag"], note="second")
    assert "read it again" in said
    assert (await trade.do("get_order", ID=made["ID"]))["note"] == "first"


async def test_what_became_of_a_change_is_found_out_or_left_to_a_person(trade: Trade) -> None:
    made = await trade.do("create_order", **ORDER)
    change = {"ID": made["ID"], "etag": made["etag"], "note": "ours"}
    assert await trade.do("outcome_of_change_order", **change) is None
    with trade.link.losing_replies(), pytest.raises(InDoubtError):
        await trade.do("change_order", **change)
    found = await trade.do("outcome_of_change_order", **change)
    assert (found["note"], found["etag"]) == ("ours", 'W/"2"')
    await trade.do("change_order", ID=made["ID"], etag=found["etag"], note="theirs")
    await trade.refused("unclear", "outcome_of_change_order", **change)


async def test_an_entity_that_is_not_there_is_not_created_by_a_change(trade: Trade) -> None:
    before = await trade.count("Products")
    await trade.refused("not_found", "change_product", ID="P-999", stock=1)
    assert await trade.count("Products") == before


async def test_a_precondition_that_the_configuration_denies_is_named(
    cap: dict[str, Any], version: Any
) -> None:
    own = settings(version, cap[version])
    orders = own.entities["Orders"].model_copy(update={"etag": False})
    own = own.model_copy(update={"entities": {**own.entities, "Orders": orders}})
    connector = build_odata("trade", own)
    async with connector.open(own) as client:
        trade = Trade(connector, own, client, FaultyLink("127.0.0.1", 9), cap["v4"])
        made = await trade.do("create_order", **ORDER)
        assert "etag: true" in await trade.refused("precondition_required", "cancel_order", ID=made["ID"])


async def test_an_action_is_called_on_an_order_in_its_present_state(trade: Trade) -> None:
    made = await trade.do("create_order", **ORDER)
    assert await trade.do("outcome_of_confirm_order", ID=made["ID"]) is None
    confirmed = await trade.do("confirm_order", ID=made["ID"], note="läuft")
    assert (confirmed["status"], confirmed["note"], confirmed["etag"]) == ("confirmed", "läuft", 'W/"2"')
    assert await trade.do("outcome_of_confirm_order", ID=made["ID"]) == confirmed
    assert await trade.do("weigh_order", ID=made["ID"]) == {"value": 1.0}
    assert (await trade.do("cancel_order", ID=made["ID"]))["status"] == "cancelled"
    assert (await trade.do("cancel_order", ID=made["ID"]))["status"] == "cancelled"
    said = await trade.refused("conflict", "confirm_order", ID=made["ID"])
    assert "order is cancelled" in said
    await trade.refused("unclear", "outcome_of_confirm_order", ID=made["ID"])


async def test_where_the_state_cannot_be_read_an_action_is_not_sent(trade: Trade) -> None:
    made = await trade.do("create_order", **ORDER)
    with trade.link.losing_replies(), pytest.raises(NotSentError):
        await trade.do("confirm_order", ID=made["ID"])
    assert (await trade.do("get_order", ID=made["ID"]))["status"] == "open"


async def test_a_function_and_an_action_of_the_service_are_called(trade: Trade) -> None:
    for stock in (61, 62):
        assert (await trade.do("take_stock", product="P-700", stock=stock))["stock"] == stock
        available = await trade.do("check_available", product="P-700", asOf="2026-02-28")
        assert available == {"product": "P-700", "available": stock, "asOf": "2026-02-28"}
    assert "no product" in await trade.refused(
        "not_found", "check_available", product="zz", asOf="2026-02-28"
    )


async def test_what_the_service_does_not_accept_is_refused_in_its_words(trade: Trade) -> None:
    said = await trade.refused("assert_mandatory", "create_customer", ID=new_key(), name="")
    assert "value" in said


@pytest.mark.parametrize("lost", ["replies", "requests"])
@pytest.mark.parametrize("verb", ["create_order", "create_customer", "change_order", "confirm_order"])
async def test_whatever_is_lost_a_write_says_what_is_true_and_is_found(
    trade: Trade, verb: str, lost: Literal["replies", "requests"]
) -> None:
    """Most of them read before they write, and one reply is lost at a time."""

    async def making() -> Trial:
        match verb:
            case "create_order":
                arguments = ORDER
            case "create_customer":
                arguments = {"ID": new_key(), "name": "Lost & found"}
            case "change_order":
                made = await trade.do("create_order", **ORDER)
                arguments = {"ID": made["ID"], "etag": made["etag"], "note": "Lost & found"}
            case _:
                arguments = {"ID": (await trade.do("create_order", **ORDER))["ID"]}
        return Trial(f"trade.{verb}", arguments)

    effects = {
        "create_order": ("Orders", ""),
        "create_customer": ("Customers", ""),
        "change_order": ("Orders", "?$filter=note%20eq%20'Lost%20%26%20found'"),
        "confirm_order": ("Orders", "?$filter=status%20eq%20'confirmed'"),
    }
    count = trade.counting(*effects[verb])
    *reads, own = await check_each_loss(
        trade.connector, trade.client, trade.link, making, count=count, lost=lost
    )
    assert set(reads) <= {Loss("not happened", 0)}
    assert own == Loss("in doubt", 1 if lost == "replies" else 0)


async def test_a_wrong_password_is_a_failure_that_shows_no_password(
    cap: dict[str, Any], version: Any
) -> None:
    own = settings(version, cap[version], auth={"basic": {"user": "ann", "password": "wrong-secret"}})
    connector = build_odata("trade", own)
    async with connector.open(own) as client:
        trade = Trade(connector, own, client, FaultyLink("127.0.0.1", 9), cap["v4"])
        assert "wrong-secret" not in await trade.refused("unauthorized", "get_customer", ID="C-100")
