"""`python -m connectors.mcp` writes what a configuration pins, and says what a person has to review."""

import subprocess
import sys
from pathlib import Path

import pytest

from connectors.mcp.definitions import Snapshot, read_snapshot, written

pytestmark = pytest.mark.timeout(600)
SHOP = Path(__file__).with_name("shop.py")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "connectors.mcp", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


def test_definitions_are_pinned_and_a_change_is_said_when_they_are_pinned_again(tmp_path: Path) -> None:
    out = tmp_path / "shop.tools.json"
    server = ("--out", out, "--", sys.executable, SHOP, tmp_path / "ledger")
    first = run(*server)
    assert (first.returncode, first.stderr) == (0, "")
    pinned = read_snapshot(out.read_text(encoding="utf-8"))
    assert "new       get_order" in first.stdout.splitlines()
    assert first.stdout.splitlines()[-1].startswith(f"{len(pinned.tools)} tools of shop")
    tools = {**pinned.tools, "get_order": {**pinned.tools["get_order"], "description": "As reviewed."}}
    out.write_text(written(Snapshot(pinned.server, tools)), encoding="utf-8")
    assert run(*server).stdout.splitlines()[0] == "changed   get_order: its description changed"
    assert read_snapshot(out.read_text(encoding="utf-8")) == pinned


def test_what_cannot_be_done_is_said_in_one_line_and_leaves_the_file(tmp_path: Path) -> None:
    out = tmp_path / "shop.tools.json"
    out.write_text("{}", encoding="utf-8")
    for arguments, says in (
        (("--", "/no/such/program"), "MCP server to be pinned does not tell its tools"),
        (("--env", "SURELY_NOT_SET", "--", "server"), "environment variable SURELY_NOT_SET is not set"),
        ((), "give exactly one of command and url"),
        (("--", sys.executable, SHOP, tmp_path / "ledger"), "`schema` must be pointsman.mcp/1"),
    ):
        done = run("--out", out, *arguments)
        assert done.returncode == 1
        assert says in done.stderr
        assert "Traceback" not in done.stderr
    assert out.read_text(encoding="utf-8") == "{}"
