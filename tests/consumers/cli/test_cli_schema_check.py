"""`pointsman topics check` and `pointsman check`: what a new version of a schema breaks, and for whom."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from typer.testing import CliRunner, Result

from consumers.cli.commands.topics import Compatibility
from consumers.cli.main import app
from schemas.registry.avro_schema import avro_schema
from schemas.registry.confluent import ConfluentRegistry
from schemas.registry.files import packaged_schemas
from schemas.registry.rest import Endpoint
from schemas.registry.versions import Mode
from tests.schemas.evolution_pairs import field, record
from tests.schemas.git_folder import GitFolder
from tests.schemas.stand_in import StandIn, standing_in

CONFIG = """\
connectors:
  erp: {{use: sandbox-erp, base_url: http://127.0.0.1:1, token: {{env: TEST_SANDBOX_TOKEN}}}}
registry: {registry}
routes:
  - topic: orders
    event: order.paid
    goal: Note it.
    actions: [erp.check_stock]
    plan:
      steps: [{{finish: completed, summary: Noted.}}]
      otherwise: failed
"""
ID, NOTE, OPTIONAL_NOTE = (
    field("id", "string"),
    field("note", "string"),
    field("note", ["null", "string"], default=None),
)


def run(folder: Path, registry: str, *words: str, exit_code: int = 0) -> Result:
    config = folder / "pointsman.yaml"
    config.write_text(CONFIG.format(registry=registry))
    result = CliRunner().invoke(app, [*words, "-c", str(config)])
    assert result.exit_code == exit_code, f"{result.output}\n{result.exception!r}"
    return result


def checked(result: Result, subject: str = "order.paid") -> dict[str, Any]:
    """Return what `--json` says of one subject."""
    return next(each for each in orjson.loads(result.stdout)["subjects"] if each["subject"] == subject)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SANDBOX_TOKEN", "sandbox")


@pytest.fixture
def files(tmp_path: Path) -> GitFolder:
    """One committed version."""
    made = GitFolder.make(tmp_path)
    made.write("order.paid.v1.avsc", ID)
    made.commit()
    return made


def folder_of(files: GitFolder) -> str:
    return f'{{folder: "{files.path}"}}'


def test_the_packaged_schemas_break_nothing(tmp_path: Path) -> None:
    said = run(tmp_path, "{}", "topics", "check").stdout
    assert "nothing breaks (backward-transitive)" in said
    for file in packaged_schemas():
        assert f"{file.type}.v{file.version}" in said


def test_a_version_in_a_folder_that_cannot_read_an_earlier_one_says_where_and_for_whom(
    files: GitFolder, tmp_path: Path
) -> None:
    files.write("order.paid.v2.avsc", ID, NOTE)
    said = run(tmp_path, folder_of(files), "topics", "check", exit_code=1).stdout
    assert "note: is not written, and the reader has no default" in said
    assert "who reads with order.paid.v2 what was" in said
    assert "1 break (backward-transitive)" in said
    assert "run.finished" not in said


def test_json_says_the_same_and_ends_with_the_same_code(files: GitFolder, tmp_path: Path) -> None:
    files.write("order.paid.v2.avsc", ID, NOTE)
    result = run(tmp_path, folder_of(files), "topics", "check", "--json", exit_code=1)
    assert orjson.loads(result.stdout)["ok"] is False
    found = checked(result)
    assert (found["version"], found["compared"]) == ("order.paid.v2", ["order.paid.v1"])
    (broken,) = found["breaks"]
    assert (broken["reader"], broken["writer"]) == ("order.paid.v2", "order.paid.v1")
    assert [(each["path"], each["kind"]) for each in broken["problems"]] == [("note", "no-default")]


def test_the_mode_says_who_has_to_read_whom(files: GitFolder, tmp_path: Path) -> None:
    files.write("order.paid.v2.avsc", ID, NOTE)
    result = run(tmp_path, folder_of(files), "topics", "check", "--json", "--mode", "forward")
    assert checked(result)["breaks"] == []
    assert set(get_args(Compatibility)) == set(Mode)


def test_a_new_version_is_compared_with_what_git_had(files: GitFolder, tmp_path: Path) -> None:
    files.write("order.paid.v2.avsc", ID, NOTE)
    words = ("topics", "check", "--against", "HEAD", "--json")
    found = checked(run(tmp_path, folder_of(files), *words, exit_code=1))
    assert found["compared"] == ["order.paid.v1 at HEAD"]
    assert [each["writer"] for each in found["breaks"]] == ["order.paid.v1 at HEAD"]
    files.write("order.paid.v2.avsc", ID, OPTIONAL_NOTE)
    assert checked(run(tmp_path, folder_of(files), *words))["breaks"] == []


def test_subjects_can_be_chosen_and_a_misspelt_one_is_named(tmp_path: Path) -> None:
    words = ("topics", "check", "--mode", "full-transitive")
    assert "run.finished" not in run(tmp_path, "{}", *words, "order.requested", "case.opened").stdout
    result = run(tmp_path, "{}", *words, "order.requestd", exit_code=2)
    assert "no subject order.requestd" in result.stderr
    assert "Did you mean order.requested?" in result.stderr


@pytest.mark.parametrize("change", ["gone", "other"])
def test_a_version_that_git_had_and_that_is_gone_breaks_its_readers(
    files: GitFolder, tmp_path: Path, change: str
) -> None:
    """Ids of a folder are digests of its files: nothing else says what a record was written with."""
    if change == "gone":
        (files.path / "order.paid.v1.avsc").unlink()
    else:
        files.write("order.paid.v1.avsc", ID, OPTIONAL_NOTE)
    words = ("topics", "check", "--against", "HEAD", "--json")
    found = checked(run(tmp_path, folder_of(files), *words, exit_code=1))
    (broken,) = found["breaks"]
    assert (broken["reader"], broken["writer"]) == ("any version", "order.paid.v1 at HEAD")
    assert [each["kind"] for each in broken["problems"]] == ["lost"]


def test_a_version_whose_file_has_another_name_now_is_not_lost(files: GitFolder, tmp_path: Path) -> None:
    (files.path / "order.paid.v1.avsc").rename(files.path / "order.settled.v1.avsc")
    run(tmp_path, folder_of(files), "topics", "check", "--against", "HEAD")


def test_a_revision_that_git_does_not_know_ends_without_a_verdict(files: GitFolder, tmp_path: Path) -> None:
    result = run(tmp_path, folder_of(files), "topics", "check", "--against", "nowhere", exit_code=1)
    assert "git knows no revision nowhere" in result.stderr
    assert result.stdout == ""


def test_check_warns_of_what_a_folder_breaks_and_would_start_all_the_same(
    files: GitFolder, tmp_path: Path
) -> None:
    files.write("order.paid.v2.avsc", ID, NOTE)
    result = run(tmp_path, folder_of(files), "check")
    assert "pointsman.yaml:3: registry.folder: who reads with order.paid.v2" in result.stderr
    assert "no mistakes, 1 warning" in result.stdout
    said = orjson.loads(run(tmp_path, folder_of(files), "check", "--json").stdout)
    assert (said["ok"], len(said["warnings"])) == (True, 1)


def test_check_has_nothing_to_say_of_versions_that_fit(files: GitFolder, tmp_path: Path) -> None:
    files.write("order.paid.v2.avsc", ID, OPTIONAL_NOTE)
    result = run(tmp_path, folder_of(files), "check")
    assert result.stderr == ""
    assert "warning" not in result.stdout


class Registered:
    """A registry with versions, and commands beside it: they bring their own event loop, and so run in a thread."""

    def __init__(self, server: StandIn, folder: Path) -> None:
        self.server = server
        self.folder = folder

    async def register(self, subject: str, *fields: Any, name: str = "shop.OrderPaid") -> None:
        registry = ConfluentRegistry(Endpoint((self.server.url,), timeout_s=5))
        try:
            await registry.register(subject, avro_schema(orjson.dumps(record(*fields, name=name)).decode()))
        finally:
            await registry.close()

    async def check(self, *words: str, registry: str = "", exit_code: int = 0) -> Result:
        section = f'{{url: "{self.server.url}"{registry}}}'
        words = ("topics", "check", *words)
        return await asyncio.to_thread(run, self.folder, section, *words, exit_code=exit_code)


@pytest.fixture
async def registered(tmp_path: Path) -> AsyncIterator[Registered]:
    async with standing_in() as server:
        yield Registered(server, tmp_path)


async def test_our_file_is_compared_with_every_registered_version(
    registered: Registered, files: GitFolder
) -> None:
    await registered.register("shop.OrderPaid", ID)
    await registered.register("shop.OrderPaid", ID, OPTIONAL_NOTE)
    files.write("order.paid.v2.avsc", ID, NOTE)
    result = await registered.check("--json", registry=f', folder: "{files.path}"', exit_code=1)
    found = checked(result, "shop.OrderPaid")
    assert found["version"] == "order.paid.v2"
    assert found["compared"] == ["version 1 in the registry", "version 2 in the registry"]
    assert [(each["reader"], each["writer"]) for each in found["breaks"]] == [
        ("order.paid.v2", "version 1 in the registry"),
        ("order.paid.v2", "version 2 in the registry"),
    ]


async def test_a_publishers_subject_is_found_by_its_topic_and_checked_without_a_file(
    registered: Registered,
) -> None:
    await registered.register("orders-value", ID)
    await registered.register("orders-value", ID, NOTE)
    found = checked(await registered.check("--json", exit_code=1), "orders-value")
    assert [(each["reader"], each["writer"]) for each in found["breaks"]] == [
        ("version 2 in the registry", "version 1 in the registry")
    ]


async def test_a_registered_version_that_pointsman_does_not_read_is_a_break(registered: Registered) -> None:
    await registered.register("orders-value", ID)
    registered.server.schemas[1] = orjson.dumps(record(field("next", ["null", "R"]))).decode()
    found = checked(await registered.check("--json", exit_code=1), "orders-value")
    (broken,) = found["breaks"]
    assert (broken["reader"], broken["writer"]) == ("Pointsman", "version 1 in the registry")
    assert [each["kind"] for each in broken["problems"]] == ["refused"]


async def test_what_is_not_registered_yet_breaks_nothing_and_nothing_is_registered(
    registered: Registered,
) -> None:
    said = (await registered.check()).stdout
    assert "pointsman.RunFinished" in said
    assert "orders-value" not in said
    assert registered.server.subjects == {}


async def test_a_registry_that_is_down_is_no_verdict(registered: Registered) -> None:
    registered.server.status = 503
    result = await registered.check(exit_code=1)
    assert "answered 503" in result.stderr
    assert result.stdout == ""


async def test_what_the_registry_would_not_take_is_a_break_for_whoever_registers_it(
    registered: Registered, files: GitFolder
) -> None:
    await registered.register("shop.OrderPaid", ID)
    files.write("order.paid.v2.avsc", ID, OPTIONAL_NOTE)
    registered.server.verdict = {"is_compatible": False, "messages": ["no\nway", "at all"]}
    words = ("--json", "shop.OrderPaid", "--against", "registry")
    registry = f', folder: "{files.path}"'
    found = checked(await registered.check(*words, registry=registry, exit_code=1), "shop.OrderPaid")
    assert found["registry"] == {"id": None, "level": "BACKWARD", "would_take_it": False}
    (broken,) = found["breaks"]
    assert (broken["reader"], broken["writer"]) == ("the registry", "order.paid.v2")
    (problem,) = broken["problems"]
    assert problem["kind"] == "not-taken"
    assert problem["message"].endswith("by its level BACKWARD: no way; at all")
    assert "who registers it" in (await registered.check(*words[1:], registry=registry, exit_code=1)).stdout


async def test_a_file_that_is_registered_already_is_not_judged_again(
    registered: Registered, files: GitFolder
) -> None:
    await registered.register("shop.OrderPaid", ID)
    registered.server.verdict = {"is_compatible": False}
    result = await registered.check("--json", "shop.OrderPaid", registry=f', folder: "{files.path}"')
    assert checked(result, "shop.OrderPaid")["registry"] == {"id": 1, "level": None, "would_take_it": True}


def test_against_a_registry_that_is_not_configured_is_a_wrong_command(tmp_path: Path) -> None:
    result = run(tmp_path, "{}", "topics", "check", "--against", "registry", exit_code=2)
    assert "set `registry.url`" in result.stderr
