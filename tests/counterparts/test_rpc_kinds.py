"""The kinds `json-rpc` and `xml-rpc`, with the section of their README, against a real Tryton."""

import re
import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pytest
import yaml

from connectors import testing, testing_faults
from connectors.connector import Connector
from connectors.errors import FailedError
from connectors.rpc.client import RpcClient
from connectors.rpc.kind import build_rpc
from connectors.rpc.settings import RpcSettings
from connectors.testing import Trial
from connectors.testing_link import FaultyLink
from connectors.testing_losses import check_each_loss
from tests.counterparts.started import counterpart

README = Path(__file__).parents[2] / "connectors" / "rpc" / "README.md"
SECTION = re.compile(r"^```yaml\n(connectors:\n.*?)^```", re.MULTILINE | re.DOTALL)
WAIT_S = 120.0
PROSPECT = Trial("books.note_prospect", {"name": "Gorse & Daughters"}, WAIT_S)


@pytest.fixture(scope="module")
def running() -> Generator[dict[str, Any]]:
    with counterpart("tryton") as said:
        yield said


@pytest.fixture
async def link(running: dict[str, Any]) -> AsyncGenerator[FaultyLink]:
    host, port = running["url"].removeprefix("http://").split(":")
    async with FaultyLink.to(host, int(port)) as made:
        yield made


@pytest.fixture
def settings(running: dict[str, Any], link: FaultyLink) -> RpcSettings:
    found = SECTION.search(README.read_text(encoding="utf-8"))
    assert found is not None
    section: dict[str, Any] = yaml.safe_load(found[1])["connectors"]["books"]
    del section["use"]
    section["login"]["password"] = running["password"]
    return RpcSettings.model_validate({**section, "base_url": f"http://{link.host}:{link.port}"})


@pytest.fixture(params=["json-rpc", "xml-rpc"])
def books(request: pytest.FixtureRequest, settings: RpcSettings) -> Connector[RpcClient]:
    return build_rpc(request.param, "books", settings)


@pytest.fixture
async def client(books: Connector[RpcClient], settings: RpcSettings) -> AsyncGenerator[RpcClient]:
    async with books.open(settings) as opened:
        yield opened


@pytest.fixture
def count(running: dict[str, Any]) -> testing.Count:
    async def parties() -> int:
        with closing(sqlite3.connect(f"file:{running['file']}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM party_party").fetchone()[0]

    return parties


async def test_the_declarations_hold_the_contract(books: Connector[RpcClient]) -> None:
    testing.check_declarations(books)
    testing.check_tools(books)
    testing.check_unknown_arguments(books)
    testing.check_settings(books)


async def test_what_is_read_comes_as_json_like_values(books: Connector[RpcClient], client: RpcClient) -> None:
    await testing.check_read(books, client, Trial("books.find_customer", {"code": "C-100"}, WAIT_S))


async def test_a_write_that_keeps_the_key_happens_once_and_is_undone(
    books: Connector[RpcClient], client: RpcClient, count: testing.Count
) -> None:
    await testing.check_key(books, client, PROSPECT, count=count)
    await testing.check_undo(books, client, PROSPECT)


@pytest.mark.parametrize("lost", ["replies", "requests"])
async def test_whatever_is_lost_a_write_that_looks_first_happens_once(
    books: Connector[RpcClient],
    client: RpcClient,
    link: FaultyLink,
    count: testing.Count,
    lost: Literal["replies", "requests"],
) -> None:
    look, own = await check_each_loss(books, client, link, PROSPECT, count=count, lost=lost)
    assert (look.said, look.happened) == ("in doubt", 0)
    assert (own.said, own.happened) == ("in doubt", 1 if lost == "replies" else 0)


async def test_a_write_in_doubt_is_found_by_its_key_and_not_repeated(
    settings: RpcSettings, books: Connector[RpcClient], link: FaultyLink, count: testing.Count
) -> None:
    noting = settings.actions["note_prospect"].model_copy(update={"idempotency": "none", "look_first": False})
    once = settings.model_copy(update={"actions": {**settings.actions, "note_prospect": noting}})
    connector = build_rpc("json-rpc", "books", once)
    async with books.open(once) as client:
        for lost in ("replies", "requests"):
            await check_each_loss(connector, client, link, PROSPECT, count=count, lost=lost)
        await testing_faults.check_nothing_found(connector, client, PROSPECT)
        await testing_faults.check_rehearsal(connector, client, PROSPECT, settings=once, count=count)


async def test_a_silent_system_and_one_that_is_away_are_told_apart(
    settings: RpcSettings, books: Connector[RpcClient], client: RpcClient, link: FaultyLink
) -> None:
    await testing_faults.check_silence(books, client, link, PROSPECT)
    await testing_faults.check_secrets_stay(books, settings, link, PROSPECT)
    away = settings.model_copy(update={"base_url": "http://127.0.0.1:1"})
    await testing.check_unreachable(books, away, PROSPECT)


async def test_errors_inside_of_http_200_are_refusals_and_what_has_changed_since_is_stale(
    client: RpcClient,
) -> None:
    values = {"name": "Heath", "code": str(uuid4())}
    (number,) = await client.call("model.party.party.create", [values], {}, changes=True)
    (read,) = await client.call("model.party.party.read", [number], ["_timestamp"], {}, changes=False)
    seen = {"_timestamp": {f"party.party,{number}": read["_timestamp"]}}
    await client.call("model.party.party.write", [number], {"name": "Heath Ltd"}, {}, changes=True)
    with pytest.raises(FailedError) as stale:
        await client.call("model.party.party.write", [number], {"name": "Heather"}, seen, changes=True)
    assert stale.value.code == "stale"
    with pytest.raises(FailedError, match="not allowed") as refused:
        await client.call("model.party.party.write", [number], {"code": "C-100"}, {}, changes=True)
    assert refused.value.code in {"user_error", "refused"}
