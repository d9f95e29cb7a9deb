"""Answers from the command line: signed, by who may give them, or not at all."""

import stat
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import yaml
from typer.testing import CliRunner

from consumers.cli.main import app
from schemas.approval import ApprovalDecision
from tests.consumers.cli.cli_stage import Stage
from tests.consumers.cli.test_cli_kafka import doubt, encoded, produce, request


def keygen(folder: Path, name: str, *words: str) -> Path:
    """Make a key and return where the private one is."""
    file = folder / f"{name}.key"
    result = CliRunner().invoke(app, ["approvals", "keygen", name, "--file", str(file), *words])
    assert result.exit_code == 0, result.output
    return file


@pytest.fixture
def signed(topics: Stage, tmp_path: Path) -> Stage:
    """A stage whose workers take signed answers of ann, who has a role, and of bob; ann signs on this machine."""
    ann = keygen(tmp_path, "ann", "--role", "sales")
    bob = keygen(tmp_path, "bob")
    config = yaml.safe_load(topics.config.read_text())
    config["approvals"] = {
        "keys": [
            {"id": "ann-1", "approver": "ann", "roles": ["sales"], "public_key": {"file": f"{ann}.pub"}},
            {"id": "bob-1", "approver": "bob", "public_key": {"file": f"{bob}.pub"}},
        ],
        "sign_with": {"id": "ann-1", "key": {"file": str(ann)}},
    }
    topics.config.write_text(yaml.safe_dump(config))
    return topics


def as_bob(folder: Path) -> tuple[str, ...]:
    return ("--key-file", str(folder / "bob.key"), "--key-id", "bob-1")


def test_a_key_pair_is_written_and_what_is_shown_is_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "ann.key"
    result = CliRunner().invoke(app, ["approvals", "keygen", "ann", "--role", "sales", "--file", str(file)])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    public = Path(f"{file}.pub").read_text()
    assert public in result.stdout
    shown = yaml.safe_load(result.stdout.removeprefix(public).strip())["approvals"]
    assert shown["keys"] == [
        {"id": "ann-1", "approver": "ann", "roles": ["sales"], "public_key": {"file": f"{file}.pub"}}
    ]
    assert shown["sign_with"] == {"id": "ann-1", "key": {"file": str(file)}}
    private = file.read_text().splitlines()[1]
    assert private not in result.output
    again = CliRunner().invoke(app, ["approvals", "keygen", "ann", "--file", str(file)])
    assert (again.exit_code, file.read_text().splitlines()[1]) == (1, private)
    assert "is there already" in again.stderr


def test_an_answer_is_signed_and_says_by_whose_key(signed: Stage) -> None:
    produce(signed, f"{signed.name}.approvals", encoded(request("run-1")))
    done = signed.json("approvals", "approve", "run-1", "--comment", "fine")
    assert (done["approver"], done["signed"]) == ("ann", True)
    assert signed.json("approvals", "list") == []
    shown = signed.json("approvals", "show", "run-1")
    assert (shown["standing"], shown["decision"]["signed"]) == ("approved", True)
    assert [each["approver"] for each in shown["answers"]] == ["ann"]


def test_an_answer_that_workers_would_refuse_is_not_published(signed: Stage, tmp_path: Path) -> None:
    asked = replace(request("run-1"), approvers=("sales",), requester="kim")
    own = replace(request("run-2"), requester="ann")
    produce(signed, f"{signed.name}.approvals", encoded(asked, own))
    assert (
        "has no role of sales"
        in signed.run("approvals", "approve", "run-1", *as_bob(tmp_path), exit_code=1).stderr
    )
    assert "who asked for it" in signed.run("approvals", "approve", "run-2", exit_code=1).stderr
    wrong = ("--key-file", str(tmp_path / "bob.key"), "--key-id", "ann-1")
    assert "by another key" in signed.run("approvals", "approve", "run-1", *wrong, exit_code=1).stderr
    other = signed.run("approvals", "approve", "run-1", "--approver", "eve", exit_code=2)
    assert "ann-1 is ann's" in other.stderr
    half = signed.run("approvals", "approve", "run-1", "--key-id", "bob-1", exit_code=2)
    assert "go together" in half.stderr
    missing = ("--key-file", str(tmp_path / "none.key"), "--key-id", "bob-1")
    assert (
        "none.key cannot be read" in signed.run("approvals", "approve", "run-1", *missing, exit_code=2).stderr
    )
    assert len(signed.json("approvals", "list")) == 2
    assert signed.lines("tail", f"{signed.name}.approvals", "--to-end", "--type", "approval.decided") == []


def test_without_a_key_it_is_said_how_to_get_one(signed: Stage) -> None:
    config = yaml.safe_load(signed.config.read_text())
    del config["approvals"]["sign_with"]
    signed.config.write_text(yaml.safe_dump(config))
    refused = signed.run("approvals", "approve", "run-1", exit_code=2)
    assert "--key-file" in refused.stderr
    assert "keygen" in refused.stderr


def test_what_a_stranger_wrote_onto_the_topic_does_not_count(signed: Stage) -> None:
    asked = request("run-1")
    forged: ApprovalDecision = asked.answered("reject", approver="ann", comment="", at=asked.requested_at)
    produce(signed, f"{signed.name}.approvals", encoded(asked, forged))
    (listed,) = signed.json("approvals", "list")
    assert (listed["standing"], listed["answers"]) == ("waiting", [])


def test_several_people_are_counted_and_shown(signed: Stage, tmp_path: Path) -> None:
    asked = replace(request("run-1"), quorum=2, requester="kim")
    produce(signed, f"{signed.name}.approvals", encoded(asked))
    signed.run("approvals", "approve", "run-1")
    (listed,) = signed.json("approvals", "list")
    assert (listed["standing"], listed["quorum"], listed["requester"]) == ("waiting", 2, "kim")
    text = signed.run("approvals", "show", "run-1").stdout
    assert "quorum" in text
    signed.run("approvals", "approve", "run-1", *as_bob(tmp_path))
    assert signed.json("approvals", "show", "run-1")["standing"] == "approved"
    again = signed.run("approvals", "approve", "run-1", *as_bob(tmp_path), exit_code=1)
    assert "is approved" in again.stderr


def test_arguments_are_changed_by_name(signed: Stage) -> None:
    asked = replace(request("run-1"), arguments={"quantity": 60, "note": "17", "lines": [1]})
    produce(signed, f"{signed.name}.approvals", encoded(asked))
    for words, why in (
        (("--set", "amount=5"), "one of the arguments"),
        (("--set", "quantity"), "one of the arguments"),
        (("--set", "quantity=60"), "changes nothing"),
    ):
        assert why in signed.run("approvals", "approve", "run-1", *words, exit_code=2).stderr
    signed.run(
        "approvals", "approve", "run-1", "--set", "quantity=5", "--set", "note=18", "--set", "lines=[2]"
    )
    (decided,) = signed.lines("tail", f"{signed.name}.approvals", "--to-end", "--type", "approval.decided")
    assert decided["payload"]["answer"] == "edit"
    edited = {"quantity": 5, "note": "18", "lines": [2]}
    assert orjson.loads(decided["payload"]["arguments_json"]) == edited
    assert signed.json("approvals", "show", "run-1")["decision"]["arguments"] == edited


def test_a_doubt_is_answered_with_a_signature_as_well(signed: Stage) -> None:
    produce(signed, f"{signed.name}.approvals", encoded(doubt("run-1")))
    assert signed.json("approvals", "retry", "run-1")["signed"] is True
    assert signed.json("approvals", "show", "run-1")["standing"] == "resolved"
