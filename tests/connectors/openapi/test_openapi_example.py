"""The example of the README: its section loads, and does what it says against a system that keeps to the document."""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from pydantic import SecretStr
from yarl import URL

from connectors import testing, testing_faults
from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import FailedError, InDoubtError
from connectors.http import HttpClient
from connectors.openapi import kind
from connectors.openapi.page_settings import Pages
from connectors.openapi.settings import ArgumentSettings, OpenApiSettings, OperationSettings
from connectors.perform import perform
from connectors.testing_link import FaultyLink
from tests.connectors.openapi.system import serving

FOLDER = Path(kind.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
(FENCE,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
ORDER = testing.Trial(
    "shop.create_order",
    {"customer": "C-7", "reference": "R-1", "lines": [{"sku": "lamp", "quantity": 2}]},
)


class Shop:
    """Keeps orders as the example's document describes."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.by_key: dict[str, str] = {}
        self.asked: list[str] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        if request.path == "/api/token":
            return web.json_response({"access_token": "t-1", "token_type": "bearer", "expires_in": 60})
        if request.headers.get("Authorization") != "Bearer t-1":
            return web.Response(status=401)
        if request.path.endswith("/cancel"):
            self.orders[request.path.split("/")[-2]]["status"] = "cancelled"
            return web.Response(text="cancelled")
        if request.method == "POST":
            return web.json_response(self._made(request, await request.json()), status=201)
        found = [
            each
            for each in self.orders.values()
            if each["reference"] == request.query.get("reference", each["reference"])
        ]
        first, size = int(request.query.get("after", 0)), int(request.query.get("limit", 1000))
        following = str(first + size) if first + size < len(found) else None
        return web.json_response({"data": found[first : first + size], "next": following})

    def _made(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        key = request.headers.get("Idempotency-Key", "")
        if key not in self.by_key:
            order: dict[str, Any] = {
                "id": f"O-{len(self.orders) + 1}",
                "status": "open",
                "total": 8.0,
                **body,
            }
            self.orders[order["id"]] = order
            self.by_key[key or order["id"]] = order["id"]
            return order
        return self.orders[self.by_key[key]]


def example(base_url: str, **changed: Any) -> OpenApiSettings:
    section: dict[str, Any] = yaml.safe_load(FENCE)["connectors"]["shop"]
    assert section.pop("use") == "openapi"
    section |= {"base_url": base_url, "document": FOLDER / section["document"]}
    oauth = section["auth"]["oauth2_client_credentials"]
    assert oauth["client_secret"] == {"env": "SHOP_CLIENT_SECRET"}
    oauth |= {"token_url": f"{base_url}/token", "client_secret": SecretStr("a long enough secret")}
    section["operations"]["create_order"] |= changed
    return OpenApiSettings.model_validate(section)


def built(settings: OpenApiSettings) -> Connector[HttpClient]:
    return kind.build_openapi("shop", settings)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def url(shop: Shop) -> AsyncIterator[str]:
    async with serving(shop.handle) as address:
        yield address


def test_the_example_holds_the_contract() -> None:
    connector = built(example("https://shop.example"))
    testing.check_declarations(connector)
    testing.check_tools(connector)
    testing.check_unknown_arguments(connector)
    create = connector.actions["shop.create_order"]
    assert list(create.arguments.model_fields) == ["customer", "reference", "lines"]


def test_every_setting_that_the_table_names_is_one() -> None:
    table = README.partition("| setting |")[2].partition("\n\n")[0]
    named = {
        word.split(".")[-1]
        for row in table.splitlines()[2:]
        for word in re.findall(r"`([^`]+)`", row.split("|")[1])
    }
    known = {*OpenApiSettings.model_fields, *OperationSettings.model_fields}
    assert named - {"<name>"} <= known
    told = {word for row in table.splitlines() for word in re.findall(r"[a-z_]+", row)}
    missing = {*OpenApiSettings.model_fields, *OperationSettings.model_fields, *ArgumentSettings.model_fields}
    assert (missing | set(Pages.model_fields)) - told <= {"operations"}


async def test_the_example_orders_finds_and_takes_back(shop: Shop, url: str) -> None:
    async def orders() -> int:
        return len(shop.orders)

    connector = built(example(url))
    async with connector.open(example(url)) as client:
        await testing.check_key(connector, client, ORDER, count=orders)
        await testing.check_undo(connector, client, ORDER)
    assert shop.orders["O-1"]["channel"] == "agent"
    assert shop.orders["O-2"]["status"] == "cancelled"


async def test_the_example_lists_all_pages_and_shows_three_fields(shop: Shop, url: str) -> None:
    for number in range(1, 251):
        shop.orders[f"O-{number}"] = {
            "id": f"O-{number}",
            "status": "open",
            "total": 1.0,
            "reference": "R",
            "note": "x",
        }
    connector = built(example(url))
    action = connector.actions["shop.list_orders"]
    async with connector.open(example(url)) as client:
        call = Call(client, key="k", timeout_s=5, tenant="t", run_id="r")
        result = await perform(action, call, action.arguments.model_validate({}))
    assert (len(result["items"]), result["more"]) == (250, False)
    assert result["items"][0] == {"id": "O-1", "status": "open", "total": 1.0}
    assert shop.asked[1:] == [f"/api/orders?limit=100{after}" for after in ("", "&after=100", "&after=200")]


async def test_an_order_of_the_example_whose_reply_is_lost_happens_once(shop: Shop, url: str) -> None:
    async def orders() -> int:
        return len(shop.orders)

    connector = built(example(url))
    async with link_to(url) as link, connector.open(through(link, example(url))) as client:
        await testing_faults.check_nothing_found(connector, client, ORDER)
        await testing_faults.check_lost_reply(connector, client, link, ORDER, count=orders)


async def test_without_a_key_an_order_whose_reply_is_lost_is_found_by_its_reference(
    shop: Shop, url: str
) -> None:
    settings = example(url, idempotency="none", key_header=None, window=None)
    connector = built(settings)
    create, find = connector.actions["shop.create_order"], connector.actions["shop.find_order"]
    async with link_to(url) as link, connector.open(through(link, settings)) as client:
        call = Call(client, key="k", timeout_s=5, tenant="t", run_id="r")
        arguments = create.arguments.model_validate(dict(ORDER.arguments))
        asked = find.arguments.model_validate({"reference": "R-1"})
        assert await perform(find, call, asked) is None
        with link.losing_replies(), pytest.raises(InDoubtError):
            await perform(create, call, arguments)
        assert (await perform(find, call, asked))["id"] == "O-1"
        await perform(create, call, arguments)
        with pytest.raises(FailedError) as several:
            await perform(find, call, asked)
    assert several.value.code == "ambiguous"


def link_to(url: str) -> AbstractAsyncContextManager[FaultyLink]:
    parts = URL(url)
    return FaultyLink.to(parts.host or "", parts.port or 0)


def through(link: FaultyLink, settings: OpenApiSettings) -> OpenApiSettings:
    return settings.model_copy(update={"base_url": f"http://{link.host}:{link.port}/api"})
