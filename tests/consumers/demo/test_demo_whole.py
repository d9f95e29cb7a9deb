"""The whole demo, as a user starts it, on servers of its own."""

import orjson
import pytest

from consumers.demo import DemoOptions, run_demo
from consumers.demo.options import OFFLINE
from consumers.demo.story import STORY


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
