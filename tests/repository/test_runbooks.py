"""The runbooks are right: commands parse, and metrics, alerts, statuses and reasons are those of the code."""

import re

import pytest

from consumers.telemetry.metrics import TABLE
from schemas.outcome import Status
from tests.repository.command_line import parse
from tests.repository.documents import ROOT, Document

RUNBOOKS = [
    Document.read(str(path.relative_to(ROOT))) for path in sorted((ROOT / "ops/runbooks").glob("*.md"))
]
COMMANDS = [(book.path.stem, line) for book in RUNBOOKS for line in book.command_lines()]
every_runbook = pytest.mark.parametrize("book", RUNBOOKS, ids=lambda book: book.path.stem)


@pytest.mark.parametrize(("book", "line"), COMMANDS)
def test_a_command_line_of_a_runbook_parses(book: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "an-approver")
    parse(line)


@every_runbook
def test_a_runbook_says_what_is_seen_and_names_what_exists(book: Document) -> None:
    assert "## What you see" in book.text
    assert "## What to do" in book.text or "what to do" in book.text
    assert (
        set(re.findall(r"`(pointsman_\w+)", book.text)) - {f"pointsman_{row.name}" for row in TABLE} == set()
    )
    alerts = (ROOT / "ops/prometheus/alerts.yml").read_text(encoding="utf-8")
    assert [
        name for name in re.findall(r"`(Pointsman[A-Z]\w+)`", book.text) if f"alert: {name}\n" not in alerts
    ] == []


@every_runbook
def test_every_link_of_a_runbook_leads_somewhere(book: Document) -> None:
    assert [link for link in book.links() if not (book.path.parent / link).exists()] == []


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "consumers").rglob("*.py"))
    given = {reason for text in sources for reason in re.findall(r'\breason="([a-z_]+)"', text)}
    book = Document.read("ops/runbooks/dead-letters.md")
    assert {reason.strip("`") for reason, *_ in book.table("Why")} == given


def test_every_status_that_needs_a_person_has_a_runbook() -> None:
    names = {book.path.stem.replace("-", "_") for book in RUNBOOKS}
    assert {str(Status.IN_DOUBT), str(Status.COMPENSATION_FAILED)} <= names
