"""The whole demo, as a user starts it, on servers of its own."""

import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from aiohttp import ClientSession, web
from rich.console import Console

from consumers.demo import DemoOptions, run_demo
from consumers.demo.curtain import perform
from consumers.demo.options import OFFLINE, HostedModel
from consumers.demo.story import STORY
from consumers.offline.script_file import DEMO, load
from consumers.offline.server import serve


@pytest.mark.timeout(60)
def test_the_demo_comes_out_as_it_must(capfd: pytest.CaptureFixture[str]) -> None:
    code = run_demo(DemoOptions(model=OFFLINE, json=True))
    out, err = capfd.readouterr()
    report = orjson.loads(out)
    assert (code, report["ok"]) == (0, True), report
    assert [scene["title"] for scene in report["scenes"]] == [scene.title for scene in STORY]
    assert err == ""


@pytest.mark.timeout(60)
def test_printed_it_ends_with_the_verdict(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_demo(DemoOptions(model=OFFLINE, live=False)) == 0
    out, _err = capfd.readouterr()
    assert out.rstrip().endswith("All as it should be.")
    for scene in STORY:
        assert scene.title in out


@pytest.mark.timeout(60)
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_kept_up_it_goes_down_with_all_its_servers(number: int, code: int, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from consumers.demo import *;"
        f"sys.exit(run_demo(DemoOptions(keep=True, model={OFFLINE!r}, data_dir=Path(sys.argv[1]))))"
    )
    demo = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert demo.stdout is not None
        assert any(b"Ctrl-C" in line for line in demo.stdout)
        servers = children_of(demo.pid)
        assert len(servers) == 2  # Kafka and Redis
        demo.send_signal(number)
        demo.communicate(timeout=30)
        assert demo.returncode == code
        assert not [server for server in servers if Path(f"/proc/{server}").exists()]
    finally:
        demo.kill()  # its servers end with it
        demo.communicate()


@pytest.mark.timeout(90)
def test_on_the_same_data_it_comes_out_as_it_must_again(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for _ in range(2):
        code = run_demo(DemoOptions(model=OFFLINE, json=True, data_dir=tmp_path))
        assert code == 0, capfd.readouterr().out


@pytest.mark.timeout(60)
async def test_on_a_hosted_model_it_is_the_same_demo(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a key")
    async with hosted("some-model", key="a key") as base_url:
        model = HostedModel("some-model", base_url)
        code = await perform(DemoOptions(live=False), model, Console(width=120, highlight=False))
    out, _err = capfd.readouterr()
    assert code == 0, out
    assert "Decisions are made by some-model" in out


@asynccontextmanager
async def hosted(name: str, *, key: str) -> AsyncGenerator[str]:
    """A model with a name and a key of its own, on loopback; yields its base URL."""

    async def complete(request: web.Request) -> web.Response:
        asked = orjson.loads(await request.read())
        assert (asked["model"], request.headers["Authorization"]) == (name, f"Bearer {key}")
        body = orjson.dumps({**asked, "model": OFFLINE})
        async with client.post(f"{behind.base_url}/chat/completions", data=body) as answer:
            return web.Response(body=await answer.read(), content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    runner = web.AppRunner(app)
    async with await serve(load(DEMO)) as behind, ClientSession() as client:
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        finally:
            await runner.cleanup()


def children_of(pid: int) -> list[int]:
    """Process ids of its children, whichever of its threads started them."""
    return [
        int(child)
        for thread in Path(f"/proc/{pid}/task").glob("*/children")
        for child in thread.read_text().split()
    ]
