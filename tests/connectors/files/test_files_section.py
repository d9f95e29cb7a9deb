"""A section of the kind `files`: what is wrong with one is named with its place, and the README's works."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from connectors import testing
from connectors.discovery import load_connectors
from connectors.files import kind
from connectors.files.edifact import EdifactContent
from connectors.files.kind import build_files, files
from connectors.files.plain import CsvContent, JsonContent, TextContent
from connectors.files.settings import (
    FilesSettings,
    FindAction,
    ListAction,
    ReadAction,
    Reading,
    RemoveAction,
    TakeAction,
    WriteAction,
)
from connectors.files.sftp_login import SftpLogin
from connectors.files.x12 import X12Content
from connectors.kind import SettingsError, SettingsMistake
from connectors.rehearsal import Rehearsed, rehearsal
from tests.connectors.files.edi_examples import ORDER
from tests.connectors.files.sections import ACTIONS, act, partner

README = (Path(kind.__file__).parent / "README.md").read_text(encoding="utf-8")
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBao/Ga0q8RDJ5Wy6Tk5p6OZ+mj2F0A9WSPlt8DSqIy7"
SERVER: dict[str, Any] = {
    "host": "sftp.example.com",
    "user": "ann",
    "password": "hunter2",
    "host_key": HOST_KEY,
}
MODELS: list[type[BaseModel]] = [
    *(FilesSettings, SftpLogin, WriteAction, FindAction, RemoveAction, ReadAction, TakeAction, ListAction),
    *(EdifactContent, X12Content, CsvContent, JsonContent, TextContent, Reading),
]


def names_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def changed(verb: str, **changes: Any) -> dict[str, Any]:
    return {**ACTIONS, verb: {**ACTIONS[verb], **changes}}


def content(verb: str, **changes: Any) -> dict[str, Any]:
    return changed(verb, content={**ACTIONS[verb]["content"], **changes})


def test_the_entry_point_is_the_kind() -> None:
    assert load_connectors(["files"]) == (files,)


@pytest.mark.parametrize(
    ("actions", "place", "says"),
    [
        (changed("send_order", name="order-{nr}.edi"), "send_order.name", "{nr} is no required argument"),
        (changed("send_order", name="order-{note}.edi"), "send_order.name", "{note} is no required argument"),
        (changed("send_order", name="order-{order_id.edi"), "send_order.name", "a brace belongs to a place"),
        (changed("send_order", name="o-{ordered_at|dd}"), "send_order.name", "a date is written"),
        (
            changed("send_order", undo="find_order"),
            "send_order.undo",
            "find_order is no action of kind remove",
        ),
        (changed("send_order", undo="withdraw"), "send_order.undo", "withdraw is no action of kind remove"),
        (changed("send_order", find="withdraw_order"), "send_order.find", "is no action of kind find"),
        (changed("find_order", of="read_reply"), "find_order.of", "read_reply is no action of kind write"),
        (changed("read_reply", name="{nr}"), "read_reply.name", "{nr} is no required argument"),
        (
            content("send_order", prepared_at="{note}"),
            "send_order.content.prepared_at",
            "{note} is no required",
        ),
        (content("send_order", segments=[["BGM", "{nr}"]]), "send_order.content", "{nr} is no argument"),
        (content("send_order", segments=[["UNH", "1"]]), "send_order.content.segments", "'UNH' is no tag"),
        (content("send_order", segments=[["UNZ", "1"]]), "send_order.content.segments", "'UNZ' is no tag"),
        (content("send_order", segments=[["BG", "1"]]), "send_order.content.segments", "'BG' is no tag"),
        (content("send_order", segments=[["{note}", "1"]]), "send_order.content.segments", "is no tag"),
        (content("send_order", segments=[[["BGM"], "1"]]), "send_order.content.segments", "is no tag"),
        (content("send_order", segments=[["BGM", "€"]]), "send_order.content", "cannot be written at UNOC"),
        (content("send_order", syntax="UNOA", segments=[["BGM", "a"]]), "send_order.content", "at UNOA"),
        (content("send_order", sender={"id": "€"}), "send_order.content", "cannot be written at UNOC"),
        (content("send_850", segments=[["BEG", "a*b"]]), "send_850.content", "cannot be written at extended"),
        (content("send_850", segments=[["ISA", "1"]]), "send_850.content.segments", "'ISA' is no tag"),
        (content("send_lines", each="rows"), "send_lines.content", "{rows} is no argument"),
        (content("send_note", text="{nr}"), "send_note.content", "{nr} is no argument"),
    ],
)
def test_a_mistake_is_named_with_its_place(
    actions: dict[str, Any], place: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as caught:
        partner({"folder": tmp_path}, actions=actions)
    found = [mistake for mistake in caught.value.mistakes if says in mistake.message]
    assert [".".join(map(str, each.at)) for each in found] == [f"actions.{place}"]


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({}, "either `folder` or `sftp`"),
        ({"folder": "/x", "sftp": SERVER}, "either `folder` or `sftp`"),
        ({"sftp": {**SERVER, "host_key": None}}, "no server is trusted unseen"),
        ({"sftp": {**SERVER, "known_hosts": "/x"}}, "either `host_key` or `known_hosts`"),
        ({"sftp": {**SERVER, "key": "k"}}, "either `key` or `password`"),
        ({"sftp": {**SERVER, "host": "a b"}}, "host 'a b'"),
        ({"sftp": {**SERVER, "egress": ["10.0.0.0/33"]}}, "is no network"),
        ({"sftp": {**SERVER, "trust": True}}, "Extra inputs"),
        ({"folder": "/x", "actions": {}}, "at least 1 item"),
        ({"folder": "/x", "actions": changed("list_replies", folder="../x")}, "no plain name"),
        ({"folder": "/x", "actions": content("send_order", version="4")}, "'1', '2' or '3'"),
        (
            {"folder": "/x", "actions": content("send_order", segments=[{"segments": [["A", "b"]]}])},
            "`each` or `when`",
        ),
        ({"folder": "/x", "actions": content("send_850", separators={"element": ">"})}, "four different"),
        (
            {"folder": "/x", "actions": content("send_850", sender={"id": "X" * 16, "qualifier": "ZZ"})},
            "15 characters",
        ),
        (
            {"folder": "/x", "actions": changed("read_text", content={"fields": {"a": "BGM/1"}})},
            "for edifact and x12",
        ),
    ],
)
def test_a_section_that_does_not_fit_its_model_is_refused(place: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        FilesSettings.model_validate({"actions": ACTIONS, **place})
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_host_key_that_is_none_is_found_at_the_start() -> None:
    settings = FilesSettings.model_validate(
        {"sftp": {**SERVER, "host_key": "SHA256:abc"}, "actions": ACTIONS}
    )
    with pytest.raises(SettingsError, match="host_key is no public key"):
        build_files("partner", settings)


def test_a_process_without_a_user_name_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    with pytest.raises(SettingsError) as caught:
        build_files("partner", FilesSettings.model_validate({"sftp": SERVER, "actions": ACTIONS}))
    assert [each.hint for each in caught.value.mistakes] == ["set LOGNAME in its environment"]


@pytest.mark.parametrize(("module", "extra"), [("asyncssh", "sftp"), ("pydifact", "edi"), ("pyx12", "edi")])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_spec(name: str) -> object | None:
        return None if name == module else object()

    monkeypatch.setattr("connectors.extra.find_spec", find_spec)
    settings = FilesSettings.model_validate({"sftp": SERVER, "actions": ACTIONS})
    with pytest.raises(SettingsError) as caught:
        build_files("partner", settings)
    assert caught.value.mistakes == (
        SettingsMistake((), f"needs {module}, not installed here", f"pip install 'pointsman[{extra}]'"),
    )


async def test_a_rehearsal_shows_the_file_and_touches_nothing(tmp_path: Path) -> None:
    connector, settings = partner({"folder": tmp_path})
    shown: dict[str, str] = {}
    async with connector.open(settings) as client:
        for verb, arguments in [
            ("send_order", ORDER),
            ("withdraw_order", {"order_id": "PO-1"}),
            ("take_reply", {"file": "reply.edi"}),
            ("find_order", {"order_id": "PO-1"}),
            ("read_reply", {"file": "reply.edi"}),
            ("list_replies", {}),
        ]:
            changes = connector.actions[f"partner.{verb}"].effect == "write"
            with pytest.raises(Rehearsed) as caught, rehearsal(changes=changes):
                await act(connector, client, verb, arguments)
            shown[verb] = caught.value.request
    assert shown["send_order"].startswith("write to/order-PO-1.edi\n\nUNA:+.? 'UNB+UNOC:3+")
    assert re.fullmatch(
        r"move to/order-PO-1\.edi to withdrawn/[0-9a-f]{24}-order-PO-1\.edi", shown["withdraw_order"]
    )
    assert shown["take_reply"].startswith("move from/reply.edi to taken/")
    assert [shown[verb] for verb in ("find_order", "read_reply", "list_replies")] == [
        "read to/order-PO-1.edi",
        "read from/reply.edi",
        "list from/*.edi",
    ]
    assert names_in(tmp_path) == []


def test_the_example_of_the_readme_is_a_connector_that_holds_the_contract() -> None:
    (fence,) = re.findall(r"```yaml\n(connectors:.*?)```", README, flags=re.DOTALL)
    ((name, section),) = yaml.safe_load(fence)["connectors"].items()
    assert section.pop("use") == "files"
    section["sftp"]["key"] = "from the environment"
    connector = build_files(name, FilesSettings.model_validate(section))
    testing.check_declarations(connector)
    testing.check_tools(connector)
    assert {action.effect for action in connector.actions.values()} == {"read", "write"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_readme_names_every_setting(model: type[BaseModel]) -> None:
    named = set(re.findall(r"`([a-z0-9_]+)`", README))
    assert set(model.model_fields) - named == set()


def test_the_extras_that_are_named_are_there() -> None:
    root = Path(__file__).parents[3]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"sftp", "edi"} <= project["optional-dependencies"].keys()
