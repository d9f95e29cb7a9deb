"""Steps sorted by session in a file."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from consumers.adapters.step_spool import StepSpool
from consumers.session.key import SessionKey
from schemas.step import Step, StepKind

AT = datetime(2026, 11, 27, tzinfo=UTC)


def step(session: str, number: int, tenant: str = "acme") -> Step:
    memory = {"n": number} if number == 2 else None
    body = {"n": number, "text": "Grüße"}
    ids = (f"r/{number}", f"run-{session}", tenant, session)
    return Step(*ids, "e", "t", f"t{number}/decision", StepKind.DECISION, None, body, AT, number, memory)


def test_each_session_comes_with_its_steps_in_order() -> None:
    with StepSpool() as spool:
        spool.add([step("a", 1), step("b", 1), step("a", 2)])
        spool.add([])
        spool.add([step("b", 1, tenant="other"), step("a", 3)])
        assert spool.count() == 3
        found = dict(spool.sessions())
    assert found.keys() == {SessionKey("acme", "a"), SessionKey("acme", "b"), SessionKey("other", "b")}
    assert found[SessionKey("acme", "a")] == [step("a", 1), step("a", 2), step("a", 3)]


def test_nothing_of_it_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with StepSpool() as spool:
        spool.add([step("a", 1)])
        assert list(tmp_path.rglob("*.db"))
    assert list(tmp_path.iterdir()) == []
