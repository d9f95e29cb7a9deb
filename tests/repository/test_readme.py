"""The README is right: its examples run, its commands parse, its tables are those of the code."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from connectors.catalog import Catalog
from connectors.connector import Connector
from consumers.app.check import check_config
from consumers.app.config_file import read_config
from consumers.cli.exits import BELOW, FAILED, USAGE
from consumers.cli.main import app
from consumers.demo.curtain import INTERRUPTED
from ops.kafka.certificates import Authority, private_pem
from schemas.jws import new_pair
from schemas.topics import TOPICS
from tests.repository.command_line import parse
from tests.repository.documents import ROOT, Document
from tests.repository.readme_reference import TABLES, renewed

README = Document.read("README.md")
SECRET = "a secret, as long as a key has to be"
CONFIGURATIONS: list[dict[str, Any]] = [yaml.safe_load(body) for body in README.fences("yaml")]
WHOLE = next(each for each in CONFIGURATIONS if "routes" in each)


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The README's connector as an installed distribution, with the README's own entry point."""
    (entry_point,) = (tomllib.loads(body)["project"]["entry-points"] for body in README.fences("toml"))
    ((group, targets),) = entry_point.items()
    lines = [f"[{group}]", *(f"{name} = {target}" for name, target in targets.items())]
    code, _ = README.fences("python")
    (target,) = targets.values()
    module = target.partition(":")[0]
    (tmp_path / f"{module}.py").write_text(code)
    info = tmp_path / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module(module)
    sys.modules.pop(module, None)


def test_the_connector_is_one_that_the_catalog_finds_nothing_wrong_with(acme: Any) -> None:
    connectors = [each for each in vars(acme).values() if isinstance(each, Connector)]
    assert len(connectors) == 1
    assert Catalog(connectors).lint() == []


def test_the_declared_action_is_one_that_the_catalog_finds_nothing_wrong_with() -> None:
    _, code = README.fences("python")
    found: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), found)

    assert Catalog([found["post"]]).lint() == []
    arguments = found["post"].actions["post.send_parcel"].arguments
    assert arguments.model_validate({"ship-to": "x", "weight": 1}).model_dump() == {
        "ship-to": "x",
        "weight": 1.0,
    }


@pytest.mark.parametrize("number", range(len(CONFIGURATIONS)))
def test_a_configuration_has_no_mistakes(
    number: int, acme: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = CONFIGURATIONS[number]
    whole = {**WHOLE, **part, "connectors": {**WHOLE["connectors"], **part.get("connectors", {})}}
    for reference in _secrets(whole):
        if "env" in reference:
            monkeypatch.setenv(reference["env"], SECRET)
        else:
            (tmp_path / "secret").write_text(SECRET)
            reference["file"] = str(tmp_path / "secret")
    (tmp_path / "key.pub").write_text(new_pair()[1])
    for key in whole["approvals"]["keys"]:
        key["public_key"] = {"file": str(tmp_path / "key.pub")}
    certificates = _certificates(tmp_path, SECRET)
    for section in (whole.get("kafka", {}).get("security", {}), whole.get("redis", {}).get("tls", {})):
        section |= {name: path for name, path in certificates.items() if name in section}
    path = tmp_path / "pointsman.yaml"
    path.write_text(yaml.safe_dump(whole))
    assert list(map(str, check_config(read_config(path)).mistakes)) == []


@pytest.mark.parametrize("line", README.command_lines())
def test_a_command_line_parses(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "an-approver")
    parse(line)


def test_every_make_target_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    assert README.make_targets() >= {"demo", "test"}
    assert README.make_targets() - targets == set()


def test_the_reference_tables_are_those_of_the_code() -> None:
    assert renewed(README.text) == README.text, "run `python tests/repository/readme_reference.py --write`"


def test_a_changed_table_would_be_noticed() -> None:
    for make in TABLES.values():
        row = make().splitlines()[-1]
        assert renewed(README.text.replace(row, "| stale |")) == README.text


def test_the_exit_codes_are_those_of_the_commands() -> None:
    codes = {int(code) for code, _ in README.table("Exit codes")}
    assert codes == {0, FAILED, USAGE, BELOW, INTERRUPTED}


def test_the_folder_map_shows_what_is_there_and_leaves_out_no_package() -> None:
    shown = {path for cell, _ in README.table("Folder map") for path in re.findall(r"`([^`]+)/`", cell)}
    assert [path for path in shown if not (ROOT / path).is_dir()] == []
    packages = {f"consumers/{init.parent.name}" for init in (ROOT / "consumers").glob("*/__init__.py")}
    assert packages - shown == set()


@pytest.mark.parametrize("name", [c for *_, c in README.table("Glossary") if c])
def test_a_word_of_the_glossary_is_a_name_in_the_code(name: str) -> None:
    module, _, title = name.strip("`").rpartition(".")
    assert isinstance(getattr(importlib.import_module(module), title), type)


def test_every_link_leads_somewhere() -> None:
    assert README.links()
    for link in README.links():
        path, _, anchor = link.partition("#")
        assert (ROOT / path).exists(), link
        assert not anchor or anchor in README.anchors(), link


def test_topics_are_called_as_they_are() -> None:
    named = set(re.findall(r"`(pointsman\.[a-z-]+)`", README.text)) - {
        "pointsman.connectors",
        "pointsman.rules",
        "pointsman.yaml",
    }
    assert named - {topic.name for topic in TOPICS} == set()


def test_an_event_is_explained_as_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ERP_TOKEN", "CRM_TOKEN"):
        monkeypatch.setenv(name, "any")
    config = tmp_path / "pointsman.yaml"
    (tmp_path / "ann.pub").write_text(new_pair()[1])
    config.write_text(
        README.fences("yaml")[0].replace("/etc/pointsman/ann.key.pub", str(tmp_path / "ann.pub"))
    )
    event = ROOT / "schemas" / "examples" / "order.requested.in-stock.json"
    result = CliRunner().invoke(app, ["check", "-c", str(config), "--explain", str(event)])
    (shown,) = README.fences("explained")
    assert " ".join(shown.split()) in " ".join(result.stdout.split())


def test_nothing_outside_is_promised_to_happen_exactly_once() -> None:
    assert not re.search(r"exactly[- ]once", README.text, re.IGNORECASE)


@pytest.mark.timeout(60)
def test_the_demo_prints_what_is_shown() -> None:
    command = [
        sys.executable,
        "-m",
        "typer",
        "consumers.cli.main",
        "run",
        "demo",
        "--no-live",
        "--model",
        "pointsman-offline",
    ]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)
    assert printed.returncode == 0, printed.stdout + printed.stderr
    there = {_without_figures(line) for line in printed.stdout.splitlines()}
    shown = [line for body in README.fences("text") for line in body.splitlines()]
    assert shown
    assert [line for line in shown if _without_figures(line) not in there] == []


def _without_figures(line: str) -> str:
    """Times, and with them the spaces before them, differ from run to run."""
    return re.sub(r"[\d.,]+", "#", re.sub(r" {2,}", " ", line)).rstrip()


def _certificates(folder: Path, key_password: str) -> dict[str, str]:
    authority = Authority("example")
    certificate, key = authority.issue("pointsman")
    files = {"ca_file": authority.certificate, "cert_file": certificate}
    files["key_file"] = private_pem(key, key_password)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in files}


def _secrets(value: Any) -> list[dict[str, str]]:
    if isinstance(value, list):
        return [found for each in value for found in _secrets(each)]
    if not isinstance(value, dict):
        return []
    if value.keys() in ({"env"}, {"file"}):
        return [value]
    return [found for each in value.values() for found in _secrets(each)]
