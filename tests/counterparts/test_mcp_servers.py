"""MCP servers that others wrote, by both transports: pinned, called, killed, and what they said proven to be what we say."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors import testing
from connectors import testing_faults as faults
from connectors.errors import FailedError, InDoubtError, UnusableResultError
from connectors.mcp.child import INHERITED
from connectors.mcp.definitions import Snapshot
from connectors.mcp.kind import build_mcp
from connectors.mcp.settings import McpSettings, ServerSettings
from connectors.mcp.snapshot import snapshot
from connectors.testing_link import FaultyLink
from tests.connectors.mcp.asking import Asked, opened, pinned
from tests.counterparts.started import counterpart

EVERYTHING: Mapping[str, Any] = {
    "echo": {"tool": "echo"},
    "weather": {"tool": "get-structured-content"},
    "image": {"tool": "get-tiny-image"},
    "reference": {"tool": "get-resource-reference", "arguments": {"resourceType": "text or blob"}},
    "environment": {"tool": "get-env"},
    "operate": {
        "tool": "trigger-long-running-operation",
        "effect": "write",
        "idempotency": "natural",
        "fixed": {"steps": 2},
    },
    "pack": {"tool": "gzip-file-as-resource", "fixed": {"name": "a.gz", "outputType": "resource"}},
}


@pytest.fixture(scope="module")
def everything() -> Iterator[dict[str, Any]]:
    with counterpart("mcp_everything") as said:
        yield said


@pytest.fixture(scope="module")
def memory() -> Iterator[dict[str, Any]]:
    with counterpart("mcp_memory") as said:
        yield said


@pytest.fixture(scope="module", params=["process", "http"])
def reached(everything: dict[str, Any], request: pytest.FixtureRequest) -> ServerSettings:
    if request.param == "http":
        return ServerSettings(url=everything["url"])
    return ServerSettings(command=tuple(everything["command"]), start_s=100)


@pytest.fixture(scope="module")
def offered(reached: ServerSettings) -> Snapshot:
    return asyncio.run(snapshot("everything", reached))


@pytest.fixture
def settings(reached: ServerSettings, offered: Snapshot, tmp_path: Path) -> McpSettings:
    return McpSettings.model_validate(
        {
            **reached.model_dump(include={"command", "url"}),
            "definitions": pinned(tmp_path, offered),
            "trusted": True,
            "max_bytes": 50_000,
            "timeout_s": 60,
            "start_s": 100,
            "tools": EVERYTHING,
        }
    )


@pytest.fixture
async def asked(settings: McpSettings) -> AsyncIterator[Asked]:
    async with opened("everything", settings) as client:
        yield client


async def test_it_passes_the_contract_suite(asked: Asked, settings: McpSettings) -> None:
    testing.check_declarations(asked.connector)
    testing.check_tools(asked.connector)
    testing.check_unknown_arguments(asked.connector)
    testing.check_settings(asked.connector)
    await testing.check_read(
        asked.connector, asked.client, testing.Trial("everything.echo", {"message": "Hi"})
    )
    gone = {"command": ("/no/such/program",)} if settings.url is None else {"url": "http://127.0.0.1:9/mcp"}
    nowhere = settings.model_copy(update=gone)
    trial = testing.Trial("everything.echo", {"message": "Hi"})
    await testing.check_unreachable(build_mcp("everything", nowhere), nowhere, trial)


async def test_it_passes_the_contract_suite_when_the_network_fails(
    everything: dict[str, Any], tmp_path: Path
) -> None:
    url = str(everything["url"])
    offered = await snapshot("everything", ServerSettings(url=url))
    port = int(url.split(":")[2].partition("/")[0])
    section: dict[str, Any] = {"definitions": pinned(tmp_path, offered), "trusted": True, "tools": EVERYTHING}
    async with FaultyLink.to("127.0.0.1", port) as link:
        section["url"] = url.replace(str(port), str(link.port))
        section["token"] = SecretStr("a-token-that-nobody-may-see")
        async with opened("everything", McpSettings.model_validate(section)) as asked:
            operate = testing.Trial("everything.operate", {"duration": 0.1})
            echo = testing.Trial("everything.echo", {"message": "Hi"})
            await faults.check_silence(asked.connector, asked.client, link, operate)
            await faults.check_silence(asked.connector, asked.client, link, echo)
        await faults.check_secrets_stay(asked.connector, McpSettings.model_validate(section), link, operate)


async def test_hints_of_a_trusted_server_tell_reads_from_writes(asked: Asked) -> None:
    actions = asked.connector.actions
    assert actions["everything.echo"].effect == "read"
    assert (actions["everything.pack"].effect, actions["everything.pack"].idempotency) == ("write", "natural")


async def test_its_answers_are_structured_or_text_or_a_note(asked: Asked) -> None:
    assert await asked("echo", {"message": "Grüße"}) == {"text": "Echo: Grüße"}
    weather = await asked("weather", {"location": "Chicago"})
    assert set(weather) == {"temperature", "conditions", "humidity"}
    assert "[image, image/png, about " in (await asked("image"))["text"]
    resource = await asked("reference", {"resourceType": "Blob", "resourceId": 1})
    assert "[resource, text/plain, about " in resource["text"]


async def test_fifty_calls_at_once_each_get_their_own_answer(asked: Asked) -> None:
    said = await asyncio.gather(*(asked("echo", {"message": f"m{n}"}) for n in range(50)))
    assert [each["text"] for each in said] == [f"Echo: m{n}" for n in range(50)]


async def test_a_slow_tool_is_in_doubt_and_the_session_goes_on(asked: Asked) -> None:
    await asked("echo", {"message": "Hi"})
    with pytest.raises(InDoubtError, match="no answer within"):
        await asked("operate", {"duration": 60}, timeout_s=0.5)
    assert await asked("echo", {"message": "Hi"}) == {"text": "Echo: Hi"}


async def test_a_cancelled_call_leaves_the_session_usable(asked: Asked) -> None:
    await asked("echo", {"message": "Hi"})
    waiting = asyncio.create_task(asked("operate", {"duration": 60}))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert not done
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asked("echo", {"message": "Hi"}) == {"text": "Echo: Hi"}


async def test_a_huge_answer_fails_at_once_and_the_session_goes_on(asked: Asked) -> None:
    with pytest.raises(UnusableResultError, match="more than 50000 bytes") as error:
        # Past the bounds of the action's arguments, which no model can pass.
        await asked.client.call("echo", {"message": "x" * 60_000}, changes=False, refused=False, timeout_s=20)
    assert error.value.code == "result_too_large"
    assert await asked("echo", {"message": "Hi"}) == {"text": "Echo: Hi"}


async def test_an_error_of_the_tool_is_in_doubt_of_a_write_and_a_failure_of_a_read(asked: Asked) -> None:
    # It fetches nothing but http, https and data.
    with pytest.raises(InDoubtError, match="not whether anything was done"):
        await asked("pack", {"data": "ftp://127.0.0.1/a"})
    with pytest.raises(FailedError) as error:
        await asked.client.call("echo", {"wrong": 1}, changes=False, refused=False, timeout_s=20)
    assert error.value.code == "tool_error"


async def test_a_tool_that_is_not_as_pinned_is_not_called_and_the_others_are(
    settings: McpSettings, offered: Snapshot, tmp_path: Path
) -> None:
    tools = dict(offered.tools)
    tools["echo"] = {**tools["echo"], "description": "Echoes back, as it was reviewed."}
    pinned(tmp_path, Snapshot("", tools))
    async with opened("everything", settings) as asked:
        with pytest.raises(FailedError, match="echo is not what was reviewed: its description") as error:
            await asked("echo", {"message": "Hi"})
        assert error.value.code == "definition_changed"
        assert "temperature" in await asked("weather", {"location": "Chicago"})


def children() -> set[int]:
    """Return the processes that this one has started and that run."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8")
    return {int(each) for each in found.split()}


@pytest.fixture
async def by_process(
    everything: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Asked]:
    monkeypatch.setenv("ERP_TOKEN", "of another connector")
    server = {"command": tuple(everything["command"])}
    offered = await snapshot("everything", ServerSettings.model_validate(server))
    section = {**server, "definitions": pinned(tmp_path, offered), "trusted": True, "tools": EVERYTHING}
    async with opened("everything", McpSettings.model_validate(section)) as client:
        yield client


async def test_a_server_killed_in_a_call_leaves_it_in_doubt_and_another_is_started(
    by_process: Asked,
) -> None:
    await by_process("echo", {"message": "Hi"})
    (own,) = servers()
    waiting = asyncio.create_task(by_process("operate", {"duration": 60}))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert not done
    os.kill(own, signal.SIGKILL)
    with pytest.raises(InDoubtError):
        await waiting
    assert await by_process("echo", {"message": "Hi"}) == {"text": "Echo: Hi"}
    (other,) = servers()
    assert other != own


def servers() -> set[int]:
    """Return the processes that this one has started and that speak to it as MCP servers."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8").split()
    command_lines = {int(each): Path(f"/proc/{each}/cmdline").read_bytes() for each in children}
    return {each for each, line in command_lines.items() if b"server-everything" in line}


async def test_a_process_gets_no_more_of_our_environment_than_is_stated(by_process: Asked) -> None:
    told = json.loads((await by_process("environment"))["text"])
    assert set(told) <= set(INHERITED)


GRAPH: Mapping[str, Any] = {
    "create": {
        "tool": "create_entities",
        "effect": "write",
        "idempotency": "natural",
        "arguments": {"entities": "what to add"},
    },
    "remove": {"tool": "delete_entities", "effect": "write", "idempotency": "natural"},
    "read": {"tool": "read_graph", "effect": "read"},
}
ANN = {"name": "Ann", "entityType": "person", "observations": ["pays in time"]}


@pytest.fixture
async def graph(memory: dict[str, Any], tmp_path: Path) -> AsyncIterator[Asked]:
    server: dict[str, Any] = {
        "command": memory["command"],
        "env": {name: {"value": value} for name, value in memory["env"].items()},
    }
    offered = await snapshot("graph", ServerSettings.model_validate(server))
    settings = {**server, "definitions": pinned(tmp_path, offered), "tools": GRAPH}
    async with opened("graph", McpSettings.model_validate(settings)) as asked:
        yield asked
        await asked("remove", {"entityNames": ["Ann"]})


async def test_what_is_written_twice_is_there_once_and_what_is_removed_is_gone(graph: Asked) -> None:
    async def count() -> int:
        return len((await graph("read"))["entities"])

    testing.check_declarations(graph.connector)
    testing.check_tools(graph.connector)
    trial = testing.Trial("graph.create", {"entities": [ANN]})
    await graph("create", {"entities": [ANN]})
    await testing.check_read(graph.connector, graph.client, testing.Trial("graph.read", {}))
    assert (await graph("read"))["entities"] == [ANN]
    await graph("create", {"entities": [ANN]})
    assert await count() == 1
    await testing.check_key(
        graph.connector, graph.client, testing.Trial("graph.remove", {"entityNames": ["Ann"]})
    )
    assert await count() == 0
    # Asked again it answers what it added this time: nothing. So of `natural` the effect holds, not the answer.
    with pytest.raises(testing.ContractError, match="the same key gave"):
        await testing.check_key(graph.connector, graph.client, trial)
    assert await count() == 1


async def test_arguments_that_the_pinned_schema_refuses_are_never_sent(graph: Asked) -> None:
    with pytest.raises(ValidationError):
        await graph("create", {"entities": [{**ANN, "observations": "pays in time"}]})
    assert (await graph("read"))["entities"] == []
