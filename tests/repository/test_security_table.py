"""The table of threats names files and tests that exist, so that no control is claimed which nothing holds."""

import re
from typing import Any

import pytest

from consumers.app.config import Config
from tests.repository.documents import ROOT, Document

TABLE = Document.read("ops/security.md").table("Threats, controls and what holds them")
every_row = pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
LATER = ("to be filled in", "there is no SQL connector")


@every_row
def test_each_file_and_each_test_that_a_row_names_exists(row: list[str]) -> None:
    _, control, files, tests = row
    for file in re.findall(r"`([^`]+)`", files):
        assert (ROOT / file).is_file(), file
    for name in re.findall(r"`([^`]+)`", tests):
        path, _, test = name.partition("::")
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"^(?:async )?def {re.escape(test)}\(", text, re.MULTILINE), name
    assert control.startswith(LATER) or ("`" in files and "`" in tests)


def test_the_readme_leads_to_it() -> None:
    assert "ops/security.md" in Document.read("README.md").links()


def test_settings_that_it_names_exist() -> None:
    text = Document.read("ops/security.md").text
    for section, field in re.findall(r"`(kafka|registry|limits)\.(\w+)`", text):
        annotation: Any = Config.model_fields[section].annotation
        assert field in annotation.model_fields, field
