"""`pointsman model --ask`: what each deployment answers."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from consumers.cli.main import app
from consumers.offline import script_file, server
from tests.consumers.cli.cli_stage import CONFIG


@pytest.fixture
def offline() -> Iterator[str]:
    """Serve the offline model beside the command, which has a loop of its own."""
    ready, over = threading.Event(), asyncio.Event()
    loop, urls = asyncio.new_event_loop(), list[str]()

    async def serve() -> None:
        async with await server.serve(script_file.load(script_file.DEMO)) as model:
            urls.append(model.base_url)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="offline model")
    thread.start()
    assert ready.wait(10)
    yield urls[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(10)
    loop.close()


def written(folder: Path, model: str) -> Path:
    text = CONFIG.format(bootstrap="127.0.0.1:1", redis="redis://127.0.0.1:1", name="x")
    path = folder / "pointsman.yaml"
    path.write_text(text.replace("  base_url: http://127.0.0.1:1/v1\n  name: pointsman-offline", model, 1))
    return path


def test_each_deployment_says_what_it_answers_and_one_that_does_not_fails_the_command(
    tmp_path: Path, offline: str
) -> None:
    model = (
        f"  base_url: {offline}\n  name: pointsman-offline\n  retries: 0\n"
        "  fallbacks:\n    - {api: responses, label: second}\n    - {name: unknown}"
    )
    path = written(tmp_path, model)
    ended = CliRunner().invoke(app, ["model", "--ask", "-c", str(path), "--json"])
    said = orjson.loads(ended.stdout)
    assert [(each["model"], each["api"], each["ok"]) for each in said] == [
        ("pointsman-offline", "chat", True),
        ("second", "responses", True),
        ("unknown", "chat", False),
    ]
    assert "failed: The offline model answers events only" in said[0]["answer"]
    assert said[1]["tokens"] > 0
    assert "HTTP 404" in said[2]["answer"]
    assert ended.exit_code == 1
    shown = CliRunner().invoke(app, ["model", "--ask", "-c", str(path)]).stdout
    assert "responses at " in shown


def test_a_mistake_in_a_fallback_is_named_with_its_line(tmp_path: Path) -> None:
    model = (
        "  base_url: http://127.0.0.1:1/v1\n  name: a\n"
        "  fallbacks:\n    - name: b\n    - name: c\n      base_url: ftp://x\n    - name: b"
    )
    path = written(tmp_path, model)
    ended = CliRunner().invoke(app, ["check", "-c", str(path)])
    lines = path.read_text().splitlines()
    assert (
        f"pointsman.yaml:{lines.index('      base_url: ftp://x') + 1}: model.fallbacks.1.base_url"
        in ended.stderr
    )
    assert "model.fallbacks.2.label: another deployment is called b already" in ended.stderr
    assert ended.exit_code == 2


def test_a_missing_key_of_a_fallback_is_named_with_its_line(tmp_path: Path) -> None:
    model = (
        "  base_url: http://127.0.0.1:1/v1\n  name: a\n"
        "  fallbacks:\n    - name: b\n      api_key: {env: NOT_SET_ANYWHERE}"
    )
    ended = CliRunner().invoke(app, ["check", "-c", str(written(tmp_path, model))])
    assert "model.fallbacks.0.api_key: the environment variable NOT_SET_ANYWHERE is not set" in ended.stderr


def test_models_that_may_take_longer_than_a_worker_may_stand_still_are_a_mistake(tmp_path: Path) -> None:
    model = (
        "  base_url: http://127.0.0.1:1/v1\n  name: a\n  timeout_s: 300\n"
        "  fallbacks:\n    - name: b\n    - {name: c, timeout_s: 1}"
    )
    ended = CliRunner().invoke(app, ["check", "-c", str(written(tmp_path, model))])
    assert "all deployments together may take 601 s" in ended.stderr
    assert ended.exit_code == 2
