"""The README's test of a route runs: with the demo's configuration, a case of its story, and a recorded model."""

from pathlib import Path
from typing import Any

import pytest

from consumers.adapters.cassette import UnrecordedRequestError
from consumers.adapters.cassette_model import cassette
from consumers.app.config_file import read_config
from consumers.evaluation.case import line_of
from consumers.evaluation.trial import attempt
from tests.consumers.evaluation.evaluation_stage import LAMPS, candidate
from tests.repository.documents import Document

(EXAMPLE,) = Document.read("README.md").fences("py")


def with_another_goal(path: Path) -> None:
    path.write_text(path.read_text().replace("Fulfil the", "Look at the"))
    assert read_config(path).config.routes[0].goal.startswith("Look at")


@pytest.fixture
async def shown_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The function that the README shows, beside the files that it reads."""
    async with candidate(tmp_path) as real:
        with cassette(tmp_path / "orders.cassette.json", record=real.model) as model:
            await attempt(LAMPS, type(real)(real.name, real.routes, real.catalog, model))
    (tmp_path / "orders.cases.jsonl").write_text(line_of(LAMPS))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(EXAMPLE, "README.md", "exec"), names)
    (found,) = (value for name, value in names.items() if name.startswith("test_"))
    return found


async def test_it_succeeds_without_a_model(shown_test: Any) -> None:
    await shown_test()


async def test_it_fails_where_the_goal_is_another(shown_test: Any, tmp_path: Path) -> None:
    with_another_goal(tmp_path / "pointsman.yaml")
    with pytest.raises(UnrecordedRequestError, match=r"first at messages\[0\]\.content"):
        await shown_test()
