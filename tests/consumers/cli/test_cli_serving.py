"""Commands that run until a signal, as processes of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import orjson
import pytest

from tests.consumers.cli.cli_stage import Stage

START = "from consumers.cli.main import main; main()"

STUCK = """
import asyncio
from consumers.cli.signals import stop_on_signals

async def main():
    stop = stop_on_signals()
    print("waiting", flush=True)
    await stop.wait()
    print("stopping", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@contextmanager
def process(*words: str) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", START, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def first_line(started: subprocess.Popen[str]) -> str:
    assert started.stdout is not None
    return started.stdout.readline().strip()


def test_model_prints_its_address_answers_there_and_ends_with_sigterm() -> None:
    with process("model") as model:
        base_url = first_line(model)
        with urlopen(f"{base_url}/models", timeout=10) as answer:
            assert orjson.loads(answer.read())["data"]
        model.send_signal(signal.SIGTERM)
        stdout, stderr = model.communicate(timeout=20)
        assert (model.returncode, stdout, stderr) == (0, "", "")


def test_model_says_what_is_wrong_with_a_script(tmp_path: Path) -> None:
    script = tmp_path / "rules.yaml"
    script.write_text("name: x\nrules: []\n")
    with process("model", "--script", str(script)) as model:
        _, stderr = model.communicate(timeout=20)
        assert model.returncode == 2
        assert f"{script}:2" in stderr


@pytest.fixture
def ready_worker(topics: Stage) -> Iterator[subprocess.Popen[str]]:
    environment: dict[str, Any] = {**os.environ, "POINTSMAN_TELEMETRY__PORT": "0"}
    command = [sys.executable, "-c", START, "run", "-c", str(topics.config)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as worker:
        try:
            assert worker.stderr is not None
            for line in worker.stderr:
                if orjson.loads(line)["message"] == "ready":
                    break
            yield worker
        finally:
            worker.kill()


def test_worker_says_ready_in_its_log_and_ends_in_order_with_sigterm(
    ready_worker: subprocess.Popen[str],
) -> None:
    ready_worker.send_signal(signal.SIGTERM)
    stdout, stderr = ready_worker.communicate(timeout=60)
    assert ready_worker.returncode == 0, stderr
    assert stdout == ""
    assert "stopped" in stderr


def test_second_signal_ends_a_process_that_is_stuck_in_its_orderly_end() -> None:
    command = [sys.executable, "-c", STUCK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as stuck:
        assert first_line(stuck) == "waiting"
        stuck.send_signal(signal.SIGTERM)
        assert first_line(stuck) == "stopping"
        stuck.send_signal(signal.SIGINT)
        _, stderr = stuck.communicate(timeout=20)
        assert stuck.returncode == 1
        assert "abandoned" in stderr


def test_tail_shows_what_arrives_and_ends_well_with_ctrl_c(topics: Stage) -> None:
    with process(
        "tail", f"{topics.name}.orders", "--from-beginning", "--json", "-c", str(topics.config)
    ) as tail:
        topics.run("publish", f"{topics.name}.orders", "--type", "order.praised", "--id", "e-1")
        assert orjson.loads(first_line(tail))["id"] == "e-1"
        tail.send_signal(signal.SIGINT)
        _, stderr = tail.communicate(timeout=20)
        assert (tail.returncode, stderr) == (0, "")


def test_ctrl_c_ends_a_publish_whose_input_is_silent(topics: Stage) -> None:
    words = ("publish", f"{topics.name}.orders", "-c", str(topics.config))
    command = [sys.executable, "-c", START, *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as publish:
        assert publish.stdin is not None
        publish.stdin.write('{"type": "order.praised"}\n')
        publish.stdin.flush()
        topics.run("tail", f"{topics.name}.orders", "--from-beginning", "--max", "1")
        publish.send_signal(signal.SIGINT)
        assert publish.wait(timeout=20) == 130
