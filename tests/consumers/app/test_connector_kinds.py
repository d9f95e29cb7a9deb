"""Connectors that a section describes: built by their kind, with secrets at any depth, each mistake at its line."""

from pathlib import Path
from typing import Any

import pytest

from connectors.breaker import BreakerLimits
from consumers.adapters.connector_gate import CallLimits
from consumers.app.config_file import read_config
from consumers.app.resolve import resolve
from tests.consumers.app.test_config_file import change, mistakes, valid

__all__ = ["valid"]  # the fixture

KIND = """
from contextlib import nullcontext
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr

from connectors.action import Call
from connectors.connector import Connector
from connectors.kind import Kind, SettingsError, SettingsMistake


class Login(BaseModel):
    model_config = ConfigDict(extra="forbid")
    user: str
    password: SecretStr


class Key(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: SecretStr


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    login: Login | Key | None = None
    partners: dict[str, Key] = {}
    headers: dict[str, SecretStr | str] = {}
    spare: list[Key] = []
    reads: dict[str, str]


def build(name: str, settings: Settings) -> Connector[Any]:
    made = Connector(name, "Named reads.", settings=Settings, open=lambda _: nullcontext())
    wrong = [SettingsMistake(("reads", verb), "says nothing", "describe it") for verb, said in settings.reads.items() if not said]
    if wrong:
        raise SettingsError(wrong)

    async def read(call: Call[Any], arguments: dict[str, Any]) -> dict[str, Any]:
        return {}

    schema = {"type": "object", "properties": {"key": {"type": "string", "description": "Which."}}, "required": ["key"]}
    for verb, said in settings.reads.items():
        made.declare(verb, said, arguments=schema, perform=read, where="section", effect="read")
    return made


reads = Kind("Named reads.", settings=Settings, build=build)
"""
SECTIONS = """\
connectors: # what can be done
  north:
    use: named-reads
    login: {user: ann, password: {env: NORTH_PASSWORD}}
    partners: {acme: {key: {env: NORTH_PASSWORD}}}
    headers: {X-Key: {env: NORTH_PASSWORD}}
    spare: [{key: {env: NORTH_PASSWORD}}]
    calls: {per_second: 20, breaker: {in_a_row: 9}}
    reads:
      look_up: Look a thing up.
  south:
    use: named-reads
    reads:
      find: Find a thing.
"""


@pytest.fixture
def two(valid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo's configuration with two more sections, of one kind."""
    (tmp_path / "named_reads.py").write_text(KIND, encoding="utf-8")
    installed = tmp_path / "named_reads-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: named-reads\nVersion: 1\n", encoding="utf-8"
    )
    (installed / "entry_points.txt").write_text(
        "[pointsman.connectors]\nnamed-reads = named_reads:reads\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("NORTH_PASSWORD", "hunter2")
    change(valid, "connectors: # what can be done", SECTIONS.rstrip("\n") + " #")
    return valid


def test_each_section_of_a_kind_is_a_connector_of_its_own_name(two: Path) -> None:
    resolved = resolve(read_config(two))
    assert {"north.look_up", "south.find"} <= resolved.catalog.actions.keys()
    assert [each.connector.name for each in resolved.connectors][:2] == ["north", "south"]


def test_a_secret_inside_a_section_is_fetched_when_it_is_used(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    north = next(c for c in resolve(read_config(two)).connectors if c.connector.name == "north")
    settings: Any = north.settings
    secrets = [
        settings.login.password,
        settings.partners["acme"].key,
        settings.headers["X-Key"],
        settings.spare[0].key,
    ]
    assert "hunter2" not in repr(north.settings)
    monkeypatch.setenv("NORTH_PASSWORD", "rotated")
    assert [secret.get_secret_value() for secret in secrets] == ["rotated"] * 4


def test_what_a_system_can_bear_is_said_beside_its_own_settings(two: Path) -> None:
    limits = {each.connector.name: each.calls for each in resolve(read_config(two)).connectors}
    assert limits["north"] == CallLimits(64, 20, BreakerLimits(in_a_row=9, longest_open_s=60))
    assert limits["south"] == CallLimits(64, None, BreakerLimits(longest_open_s=60))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{env: NORTH_PASSWORD}", "hunter2", "connectors.north.login.password: is a secret: write"),
        ("{env: NORTH_PASSWORD}", "{env: NOT_SET}", "NOT_SET"),
        ("user: ann", "usr: ann", "connectors.north.login"),
        (
            "{acme: {key: {env: NORTH_PASSWORD}}}",
            "{acme: {key: hunter2}}",
            "north.partners.acme.key: is a secret",
        ),
        ("[{key: {env: NORTH_PASSWORD}}]", "[{key: hunter2}]", "north.spare.0.key: is a secret: write"),
        ("per_second: 20", "per_second: 0", "connectors.north.calls.per_second: Input should be greater"),
        ("look_up: Look a thing up.", 'look_up: ""', "connectors.north.reads.look_up: says nothing"),
        ("look_up: Look", "lookUp: Look", "use lower case"),
        ("find: Find a thing.", "find: [1]", "connectors.south.reads.find"),
        ("use: named-reads", "use: named-read", "Did you mean named-reads?"),
    ],
)
def test_a_mistake_in_a_section_is_named_with_its_line_and_no_secret(
    two: Path, old: str, new: str, says: str
) -> None:
    line = change(two, old, new)
    said = mistakes(two)
    assert says in said
    assert "hunter2" not in said
    assert any(f"pointsman.yaml:{near}:" in said for near in range(line - 8, line + 1))
