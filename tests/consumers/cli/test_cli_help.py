"""Every command explains itself, quickly."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from consumers.cli.main import app

HEAVY = ("aiokafka", "openai", "redis", "cel", "aiohttp", "fastavro")


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every command and group."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


ALL = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "pointsman")
def test_help_contains_an_example_of_the_command(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*path, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert " ".join(("pointsman", *path)) in result.stdout


def test_all_commands_are_there() -> None:
    names = {path[0] for path in ALL if path}
    assert names == {
        *("run", "demo", "model", "check", "topics", "publish", "tail", "lag", "connectors"),
        *("sessions", "approvals", "dead-letters", "replay", "evaluate"),
    }


def test_help_names_the_exit_codes() -> None:
    stdout = CliRunner().invoke(app, ["--help"]).stdout
    assert all(f"• {code} " in stdout for code in (0, 1, 2, 3, 130))


def test_version_is_the_distribution_s() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"pointsman {version('pointsman')}\n"


# One of a group is enough: its commands share the module.
@pytest.mark.parametrize(
    "path", [path for path in ALL if len(path) < 2], ids=lambda path: " ".join(path) or "pointsman"
)
def test_help_loads_no_heavy_library(path: tuple[str, ...]) -> None:
    code = (
        "import sys\n"
        "from consumers.cli.main import app\n"
        f"app({[*path, '--help']!r}, standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stderr.strip() == "[]"
