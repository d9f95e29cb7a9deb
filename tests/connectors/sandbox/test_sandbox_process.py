"""The sandbox as a process: it says where it is, loses nothing to a kill, and stops when told."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
MODULE = [sys.executable, "-m", "connectors.sandbox"]
ENVIRONMENT = {**os.environ, "SANDBOX_TOKEN": "t", "PYTHONPATH": str(REPOSITORY)}


@contextmanager
def running(database: Path) -> Generator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [*MODULE, "--database", str(database)], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())["address"]
    finally:
        process.kill()
        process.wait(timeout=10)
        process.stdout.close()


def order(address: str, key: str) -> str:
    body = json.dumps({"customer_id": "C-100", "product_id": "P-100", "quantity": 1}).encode()
    headers = {"Authorization": "Bearer t", "Idempotency-Key": key, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/orders", body, headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)["order_id"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_when_told_and_leaves_one_file(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path / "s.db") as (process, address):
        order(address, "k")
        process.send_signal(number)
        assert process.wait(timeout=10) == 0

    assert [path.name for path in tmp_path.iterdir()] == ["s.db"]


def test_a_killed_sandbox_still_knows_what_it_has_done(tmp_path: Path) -> None:
    with running(tmp_path / "s.db") as (process, address):
        first = order(address, "k")
        process.kill()
        process.wait(timeout=10)
    with running(tmp_path / "s.db") as (_, address):
        assert order(address, "k") == first
        assert order(address, "k2") != first


def test_without_a_token_it_does_not_start(tmp_path: Path) -> None:
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "SANDBOX_TOKEN"}
    done = subprocess.run(
        [*MODULE, "--database", str(tmp_path / "s.db")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 2
    assert "SANDBOX_TOKEN" in done.stderr
