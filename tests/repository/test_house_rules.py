"""The rules of the house that no linter knows."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 300
FORBIDDEN_NAMES = frozenset({"utils", "util", "helpers", "common", "manager", "base", "misc"})
SOURCES = sorted(p for top in ("consumers", "connectors", "schemas") for p in (ROOT / top).rglob("*.py"))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=30)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_source_file_is_small_and_named_after_what_it_holds(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MOST_LINES, f"{lines} lines: split it"
    assert path.stem not in FORBIDDEN_NAMES, "name it after what it holds"


def test_the_top_level_holds_only_what_a_reader_expects() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in tracked()}
    expected = {"pyproject.toml", "docker-compose.yml", "consumers", "schemas", "connectors", "tests", "ops"}
    companions = {
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "requirements.lock",
        "requirements-dev.lock",
        "requirements-connectors.lock",
    }
    assert expected <= top
    assert {name for name in top - expected - companions if not name.startswith(".")} == set()


def test_no_suppression_is_without_a_reason() -> None:
    bare = re.compile(
        r"#\s*(type: ignore(?!\[)|noqa(?!:))|#\s*noqa: [A-Z0-9, ]+$|pyright: ignore\[[A-Za-z, ]+\]$"
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if bare.search(line)
    ]
    assert found == [], "say why after the suppression"


def test_locks_carry_hashes_and_no_index_addresses() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text
        requirements = re.findall(r"^[A-Za-z0-9_.-]+(?:\[[a-z0-9,]+\])?==", text, re.MULTILINE)
        assert len(requirements) > 20
        assert text.count("--hash=sha256:") >= len(requirements)
