"""A server that is a process, written with the official SDK: it fails, hangs, changes and dies, and we go on."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors import testing
from connectors.errors import ActionError, FailedError, InDoubtError, NotSentError, UnusableResultError
from connectors.mcp.child import INHERITED
from connectors.mcp.definitions import Snapshot
from connectors.mcp.kind import build_mcp
from connectors.mcp.settings import McpSettings, ServerSettings, Variable
from connectors.mcp.snapshot import snapshot
from tests.connectors.mcp.asking import TOOLS, Asked, opened, pinned

SHOP = Path(__file__).with_name("shop.py")
SECRET = "hunter2-is-secret"
LIMIT = 100_000
pytestmark = pytest.mark.timeout(300)  # on a machine with much to do its imports alone take half a minute


def command(ledger: Path) -> tuple[str, ...]:
    return sys.executable, str(SHOP), str(ledger)


@pytest.fixture(scope="module")
def offered(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    settings = ServerSettings(command=command(tmp_path_factory.mktemp("shop") / "ledger"), start_s=100)
    return asyncio.run(snapshot("shop", settings))


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def settings(offered: Snapshot, ledger: Path, tmp_path: Path) -> McpSettings:
    return McpSettings.model_validate(
        {
            "command": command(ledger),
            "env": {"SHOP_KEY": Variable(secret=SecretStr(SECRET)), "SHOP_MODE": {"value": "test"}},
            "definitions": pinned(tmp_path, offered),
            "max_bytes": LIMIT,
            "timeout_s": 60,
            "start_s": 100,
            "tools": TOOLS,
        }
    )


@pytest.fixture
async def shop(settings: McpSettings) -> AsyncIterator[Asked]:
    async with opened("shop", settings) as asked:
        yield asked


def notes(ledger: Path) -> list[str]:
    return ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []


async def noted(ledger: Path, line: str) -> None:
    async with asyncio.timeout(60):
        while line not in notes(ledger):
            await asyncio.sleep(0.01)


def test_its_declarations_pass_the_contract_suite(settings: McpSettings) -> None:
    connector = build_mcp("shop", settings)
    testing.check_declarations(connector)
    testing.check_tools(connector)
    testing.check_unknown_arguments(connector)
    testing.check_settings(connector)


async def test_its_actions_pass_the_contract_suite(shop: Asked, ledger: Path) -> None:
    async def count() -> int:
        return len(notes(ledger))

    order = testing.Trial("shop.place", {"order_ref": "A-1"})
    await testing.check_read(shop.connector, shop.client, testing.Trial("shop.find", {"order_ref": "A-1"}))
    await testing.check_key(shop.connector, shop.client, order, count=count)
    await testing.check_undo(shop.connector, shop.client, order)


async def test_a_server_that_cannot_be_started_was_sent_nothing(settings: McpSettings) -> None:
    nowhere = settings.model_copy(update={"command": ("/no/such/program",)})
    connector = build_mcp("shop", nowhere)
    await testing.check_unreachable(connector, nowhere, testing.Trial("shop.place", {"order_ref": "A-1"}))


async def test_a_call_with_too_little_time_for_the_start_was_sent_nothing(
    settings: McpSettings, ledger: Path
) -> None:
    connector = build_mcp("shop", settings)
    async with connector.open(settings) as client:
        with pytest.raises(NotSentError, match="no session with MCP server shop: it has not been started"):
            await Asked(connector, client)("die", {"order_ref": "A-1"}, timeout_s=0.01)
    assert notes(ledger) == []


async def test_the_key_is_not_the_models_to_set_and_the_answer_is_cut_to_its_fields(shop: Asked) -> None:
    parameters = shop.connector.actions["shop.place"].tool["function"]["parameters"]
    assert list(parameters["properties"]) == ["order_ref"]
    assert await shop("place", {"order_ref": "A-1"}) == {"order_ref": "A-1", "state": "placed"}
    assert await shop("find", {"order_ref": "A-1"}) == {"state": "placed"}


async def test_an_error_of_a_write_is_in_doubt_unless_its_author_promises_that_nothing_was_done(
    shop: Asked,
) -> None:
    with pytest.raises(InDoubtError, match="not whether anything was done: no stock for A-1"):
        await shop("fail", {"order_ref": "A-1"})
    for verb in ("refuse", "look"):
        with pytest.raises(FailedError, match=r"^no stock for A-1$") as refused:
            await shop(verb, {"order_ref": "A-1"})
        assert refused.value.code == "tool_error"


async def test_a_slow_tool_is_in_doubt_and_is_told_to_stop(shop: Asked, ledger: Path) -> None:
    await shop("find", {"order_ref": "A-1"})
    with pytest.raises(InDoubtError, match=r"wait: no answer within 0\.\d+ s"):
        await shop("wait", {"seconds": 600, "order_ref": "A-1"}, timeout_s=0.5)
    await noted(ledger, "cancelled A-1")
    assert await shop("find", {"order_ref": "A-1"}) == {"state": "placed"}


async def test_a_cancelled_call_is_cancelled_at_the_server_and_the_session_goes_on(
    shop: Asked, ledger: Path
) -> None:
    waiting = asyncio.create_task(shop("wait", {"seconds": 600, "order_ref": "A-2"}))
    await noted(ledger, "waits A-2")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await noted(ledger, "cancelled A-2")
    assert await shop("find", {"order_ref": "A-1"}) == {"state": "placed"}


async def test_a_server_that_dies_in_a_call_leaves_it_in_doubt_and_is_started_again(
    shop: Asked, ledger: Path
) -> None:
    await shop("find", {"order_ref": "A-1"})
    others = [asyncio.create_task(shop("wait", {"seconds": 600, "order_ref": f"B-{n}"})) for n in range(3)]
    for number in range(3):
        await noted(ledger, f"waits B-{number}")
    with pytest.raises(InDoubtError):
        await shop("die", {"order_ref": "A-1"})
    ended = await asyncio.gather(*others, return_exceptions=True)
    assert [type(each) for each in ended] == [InDoubtError] * 3
    assert await shop("find", {"order_ref": "A-1"}) == {"state": "placed"}
    assert notes(ledger).count("died A-1") == 1  # it was not sent a second time


async def test_fifty_calls_at_once_each_get_their_own_answer(shop: Asked) -> None:
    asked = await asyncio.gather(*(shop("place", {"order_ref": f"A-{n}"}) for n in range(50)))
    assert [each["order_ref"] for each in asked] == [f"A-{n}" for n in range(50)]


async def test_an_answer_above_the_limit_fails_its_own_call_at_once_and_no_other(shop: Asked) -> None:
    await shop("find", {"order_ref": "A-1"})
    long, short = await asyncio.gather(
        shop("tell", {"length": LIMIT * 20}), shop("tell", {"length": 10}), return_exceptions=True
    )
    assert isinstance(long, UnusableResultError)
    assert (long.code, long.executed) == ("result_too_large", False)
    assert short == {"result": "x" * 10}


async def test_a_server_that_asks_for_a_model_a_person_or_folders_is_refused(shop: Asked) -> None:
    said = json.loads((await shop("ask", {"question": "May I?"}))["result"])
    assert [each.partition(":")[0] for each in said] == ["refused"] * 3


async def test_a_server_gets_no_more_of_the_environment_than_is_stated(
    settings: McpSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_TOKEN", "of another connector")
    async with opened("shop", settings) as shop:
        names = set(json.loads((await shop("environment"))["result"]))
    assert {"SHOP_KEY", "SHOP_MODE"} <= names <= {"SHOP_KEY", "SHOP_MODE", "LC_CTYPE", *INHERITED}


async def test_what_a_server_says_on_standard_error_is_logged_without_its_secrets(
    settings: McpSettings, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with opened("shop", settings) as shop:
            await shop("environment")
            async with asyncio.timeout(60):
                while "SHOP_KEY" not in caplog.text:
                    await asyncio.sleep(0.01)
    assert "'SHOP_KEY': '***'" in caplog.text
    assert SECRET not in caplog.text


async def test_no_payload_is_logged_at_debug_not_even_when_the_server_dies(
    settings: McpSettings, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "CANARY-1234"
    with caplog.at_level(logging.DEBUG):
        async with opened("shop", settings) as shop:
            for verb in ("place", "find", "fail", "die"):
                with suppress(ActionError):
                    await shop(verb, {"order_ref": canary})
            async with asyncio.timeout(60):
                while "MCP server shop: it ended" not in caplog.text:
                    await asyncio.sleep(0.01)
    assert canary not in caplog.text


async def test_a_tool_that_changes_while_we_talk_is_not_called_and_the_others_are(
    shop: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    assert await shop("find", {"order_ref": "A-1"}) == {"state": "placed"}
    await shop("rename")
    await refused(shop)
    assert await shop("place", {"order_ref": "A-1"}) == {"order_ref": "A-1", "state": "placed"}
    assert "tool get_order is not called: its description changed" in caplog.text


async def refused(shop: Asked) -> None:
    """Wait until the announcement that came beside an answer is heard."""
    error: ActionError | None = None
    async with asyncio.timeout(60):
        while error is None:
            try:
                await shop("find", {"order_ref": "A-1"})
            except FailedError as found:
                error = found
    assert isinstance(error, FailedError)
    assert error.code == "definition_changed"
    assert "get_order is not what was reviewed: its description changed" in str(error)


async def test_a_tool_that_is_not_as_it_was_pinned_is_not_called_from_the_start(
    offered: Snapshot, settings: McpSettings, tmp_path: Path
) -> None:
    tools: dict[str, Any] = dict(offered.tools)
    tools["get_order"] = {**tools["get_order"], "annotations": {"readOnlyHint": True}}
    pinned(tmp_path, Snapshot("", tools))
    async with opened("shop", settings) as shop:
        with pytest.raises(FailedError, match="its annotations changed") as found:
            await shop("find", {"order_ref": "A-1"})
        assert found.value.code == "definition_changed"


async def test_a_server_and_what_it_started_are_ended_with_the_connector(settings: McpSettings) -> None:
    async with opened("shop", settings) as shop:
        own, employed = json.loads((await shop("employ"))["result"])
        assert is_running(own)
        assert is_running(employed)
    async with asyncio.timeout(60):
        while is_running(own) or is_running(employed):
            await asyncio.sleep(0.01)


def is_running(process: int) -> bool:
    """Say whether a process is there and no zombie that nobody has waited for yet."""
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


async def test_a_server_that_stops_answering_is_found_out_and_started_again(settings: McpSettings) -> None:
    hasty = settings.model_copy(update={"recheck_s": 1.0, "timeout_s": 4.0})
    async with opened("shop", hasty) as shop:
        own, _ = json.loads((await at_last(shop, "employ"))["result"])
        os.kill(own, signal.SIGSTOP)  # it is there, and does nothing
        assert await at_last(shop, "find", {"order_ref": "A-1"}) == {"state": "placed"}
        assert not is_running(own)


async def at_last(shop: Asked, verb: str, arguments: dict[str, Any] | None = None) -> Any:
    """Ask until there is an answer."""
    async with asyncio.timeout(90):
        while True:
            with suppress(NotSentError, InDoubtError):
                return await shop(verb, arguments)
