"""`pointsman connectors`: what can be done is listed and described; an action is tried by hand, a write not unasked."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from connectors.http import open_http
from connectors.sandbox.service.server import Sandbox, serve
from consumers.cli import connector_call
from consumers.cli.main import app

TOKEN = "a-token-of-the-sandbox"
ORDER = ("call", "erp.create_order", "customer_id=C-100", "product_id=P-100", "quantity=2")
CONFIG = """\
model: {{base_url: "http://127.0.0.1:1/v1", name: offline}}
connectors:
  erp:
    use: sandbox-erp
    base_url: {address}
    token: {{env: TEST_SANDBOX_TOKEN}}
routes:
  - topic: orders
    event: order.requested
    goal: Fulfil it.
    actions: [erp.check_stock]
"""


@dataclass(frozen=True)
class Desk:
    config: Path
    sandbox: Sandbox
    loop: asyncio.AbstractEventLoop

    def run(self, *words: str, stdin: str | None = None, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(app, ["connectors", *words, "-c", str(self.config)], input=stdin)
        assert result.exit_code == exit_code, f"{result.output}\n{result.exception!r}"
        assert TOKEN not in result.output
        return result

    def json(self, *words: str) -> Any:
        return orjson.loads(self.run(*words, "--json").stdout)

    def effects(self) -> int:
        async def ledger() -> int:
            async with open_http(self.sandbox.address, token=SecretStr(TOKEN)) as client:
                return len(await client.get("ledger"))

        return asyncio.run_coroutine_threadsafe(ledger(), self.loop).result(10)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("TEST_SANDBOX_TOKEN", TOKEN)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="sandbox")
    thread.start()
    sandbox = asyncio.run_coroutine_threadsafe(serve(tmp_path / "sandbox.db", token=TOKEN), loop).result(10)
    config = tmp_path / "pointsman.yaml"
    config.write_text(CONFIG.format(address=sandbox.address), encoding="utf-8")
    yield Desk(config, sandbox, loop)
    asyncio.run_coroutine_threadsafe(sandbox.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_every_action_is_listed_with_what_undoes_it(desk: Desk) -> None:
    shown = desk.run("list").stdout
    assert "erp.create_order" in shown
    assert "erp.cancel_order" in shown
    (listed,) = desk.json("list")
    create = next(each for each in listed["actions"] if each["action"] == "erp.create_order")
    assert (create["effect"], create["idempotency"]) == ("write", "provider-key")
    assert create["parameters"]["properties"]["quantity"]["maximum"] == 100_000


def test_what_is_installed_is_listed_with_kinds_told_from_connectors(desk: Desk) -> None:
    rows = {row["use"]: row["what"] for row in desk.json("list", "--installed")}
    assert rows["sandbox-erp"] == "connector"
    assert "broken" not in rows.values()


def test_an_action_is_described_as_the_model_is_told_of_it(desk: Desk) -> None:
    shown = desk.run("describe", "erp.create_order").stdout
    assert "customer_id (protected)" in shown
    assert "undone by" in shown
    assert "erp.check_stock" in desk.run("describe", "erp").stdout
    assert "Did you mean erp.create_order?" in desk.run("describe", "erp.creat_order", exit_code=2).stderr


def test_a_read_is_done_at_once(desk: Desk) -> None:
    assert (
        orjson.loads(desk.run("call", "erp.check_stock", "product_id=P-100").stdout)["product_id"] == "P-100"
    )


def test_a_write_without_anybody_to_ask_is_not_done(desk: Desk) -> None:
    before = desk.effects()
    assert "say --yes" in desk.run(*ORDER, exit_code=2).stderr
    assert desk.effects() == before


@pytest.mark.parametrize(("answer", "done"), [("y\n", 1), ("n\n", 0), ("\n", 0)])
def test_a_write_is_done_when_somebody_says_yes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str, done: int
) -> None:
    monkeypatch.setattr(connector_call, "somebody_is_there", lambda: True)
    before = desk.effects()
    asked = desk.run(*ORDER, stdin=answer, exit_code=0 if done else 1)
    assert "erp.create_order changes something." in asked.stderr
    assert desk.effects() == before + done


def test_a_write_with_the_key_of_an_earlier_one_has_no_second_effect(desk: Desk) -> None:
    first = desk.json(*ORDER, "--yes", "--key", "mine")
    before = desk.effects()
    assert desk.json(*ORDER, "--yes", "--key", "mine") == first
    assert desk.effects() == before


def test_a_rehearsal_shows_the_request_and_sends_none(desk: Desk) -> None:
    before = desk.effects()
    shown = desk.run(*ORDER, "--dry-run", "--key", "mine").stdout
    assert shown.splitlines()[:2] == [desk.sandbox.address, "POST /orders"]
    assert "Idempotency-Key: mine" in shown
    assert '"quantity":2' in shown
    assert desk.effects() == before
    assert (
        "GET /products/P-100" in desk.run("call", "erp.check_stock", "product_id=P-100", "--dry-run").stdout
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("call", "erp.check_stock", "product=P-100"), "product"),
        (("call", "erp.check_stock"), "product_id"),
        (("call", "erp.check_stock", "P-100"), "'P-100' is not NAME=VALUE"),
        (("call", "erp.check_stock", "--arguments", "{"), "--arguments is not JSON"),
        (("call", "erp.check_stock", "--arguments", "[]"), "--arguments is no JSON object"),
        (("call", "erp.check_stock", "product_id=P", "--arguments", "{}"), "not both"),
        (("call", "erp.create_order", "customer_id=C-100", "product_id=P-100", "quantity=two"), "quantity"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_before_anything_is_sent(
    desk: Desk, words: tuple[str, ...], says: str
) -> None:
    assert says in desk.run(*words, exit_code=2).stderr


def test_a_refusal_of_the_system_is_told_with_its_code(desk: Desk) -> None:
    told = desk.run("call", "erp.get_order", "order_id=O-9999", exit_code=1).stderr
    assert "erp.get_order was refused (unknown_order)" in told
    assert "Nothing was done." in told


def test_a_system_that_is_away_was_sent_nothing(desk: Desk) -> None:
    desk.config.write_text(CONFIG.format(address="http://127.0.0.1:1"), encoding="utf-8")
    assert "was not done, nothing was sent" in desk.run(*ORDER, "--yes", exit_code=1).stderr
