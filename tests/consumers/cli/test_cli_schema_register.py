"""`pointsman topics register`: the one command that changes a registry, and does so as a whole or not at all."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import Result

from schemas.registry.files import packaged_schemas
from tests.consumers.cli.test_cli_schema_check import ID, NOTE, OPTIONAL_NOTE, run
from tests.schemas.git_folder import GitFolder
from tests.schemas.stand_in import StandIn, standing_in

PAID = "shop.OrderPaid"


class Registering:
    """A registry, files that go there, and the command, which brings its own event loop and so runs in a thread."""

    def __init__(self, server: StandIn, files: GitFolder, folder: Path) -> None:
        self.server = server
        self.files = files
        self._folder = folder

    async def register(self, *words: str, exit_code: int = 0) -> Result:
        section = f'{{url: "{self.server.url}", folder: "{self.files.path}"}}'
        words = ("topics", "register", *words)
        return await asyncio.to_thread(run, self._folder, section, *words, exit_code=exit_code)

    async def said(self, *words: str, exit_code: int = 0) -> dict[str, Any]:
        """Return what `--json` says of each subject."""
        result = await self.register(*words, "--json", exit_code=exit_code)
        return {each["subject"]: each for each in orjson.loads(result.stdout)["subjects"]}


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SANDBOX_TOKEN", "sandbox")


@pytest.fixture
async def registering(tmp_path: Path) -> AsyncIterator[Registering]:
    files = GitFolder.make(tmp_path)
    files.write("order.paid.v1.avsc", ID)
    async with standing_in() as server:
        yield Registering(server, files, tmp_path)


async def test_the_newest_of_every_event_is_registered_under_the_name_of_its_record(
    registering: Registering,
) -> None:
    said = await registering.said()
    names = {file.schema.name for file in packaged_schemas()} | {PAID}
    assert said.keys() == registering.server.subjects.keys() == names
    assert {each["did"] for each in said.values()} == {"registered"}
    assert said[PAID]["version"] == "order.paid.v1"


async def test_what_is_there_is_left_as_it_is(registering: Registering) -> None:
    first = await registering.said()
    before = dict(registering.server.schemas)
    again = await registering.said()
    assert {each["did"] for each in again.values()} == {"already there"}
    assert {name: each["id"] for name, each in again.items()} == {
        name: each["id"] for name, each in first.items()
    }
    assert registering.server.schemas == before


async def test_a_digest_is_the_one_that_a_pin_has(registering: Registering) -> None:
    schema = next(file.schema for file in packaged_schemas() if file.type == "case.opened")
    assert (await registering.said(schema.name))[schema.name]["sha256"] == schema.digest


async def test_only_named_subjects_are_registered(registering: Registering) -> None:
    result = await registering.register(PAID)
    assert result.stdout == f"registered     {PAID} (order.paid.v1) as id 1\n"
    assert registering.server.subjects == {PAID: [1]}
    result = await registering.register("shop.OrderPayd", exit_code=2)
    assert f"Did you mean {PAID}?" in result.stderr


async def test_a_dry_run_says_what_it_would_register(registering: Registering) -> None:
    result = await registering.register(PAID, "--dry-run")
    assert result.stdout == f"not registered {PAID} (order.paid.v1)\n"
    assert registering.server.subjects == {}


async def test_where_one_breaks_its_readers_none_is_registered(registering: Registering) -> None:
    await registering.register(PAID)
    registering.files.write("order.paid.v2.avsc", ID, NOTE)
    result = await registering.register(exit_code=1)
    assert "note: is not written, and the reader has no default" in result.stdout
    assert "nothing was registered" in result.stdout
    assert registering.server.subjects == {PAID: [1]}
    assert (await registering.said(PAID, "--mode", "forward"))[PAID]["did"] == "registered"


async def test_where_the_registry_would_not_take_one_none_is_registered(registering: Registering) -> None:
    registering.server.verdict = {"is_compatible": False}
    result = await registering.register(exit_code=1)
    assert "the registry would not take it by its level" in " ".join(result.stdout.split())
    assert registering.server.subjects == {}


async def test_a_new_version_goes_beside_the_one_before(registering: Registering) -> None:
    await registering.register(PAID)
    registering.files.write("order.paid.v2.avsc", ID, OPTIONAL_NOTE)
    assert (await registering.said(PAID))[PAID]["id"] == 2
    assert registering.server.subjects == {PAID: [1, 2]}


async def test_a_registry_that_gives_back_something_else_is_said(registering: Registering) -> None:
    registering.server.raw_of[1] = orjson.dumps({"schema": packaged_schemas()[0].schema.text})
    result = await registering.register(PAID, exit_code=1)
    assert f"subject {PAID}: the registry gives another schema for id 1" in result.stderr


def test_without_a_registry_the_command_is_wrong(tmp_path: Path) -> None:
    result = run(tmp_path, "{}", "topics", "register", exit_code=2)
    assert "there is no registry to register at: set `registry.url`" in result.stderr
