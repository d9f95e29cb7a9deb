"""Schema files as they were at a revision of git."""

import subprocess
from pathlib import Path

import pytest

from schemas.errors import SchemaError
from schemas.registry.revision import is_tracked, schemas_at
from tests.schemas.evolution_pairs import field
from tests.schemas.git_folder import GitFolder

ID, NOTE = field("id", "string"), field("note", "string")


@pytest.fixture
def folder(tmp_path: Path) -> GitFolder:
    """Two versions, committed one after the other."""
    made = GitFolder.make(tmp_path)
    made.write("order.paid.v1.avsc", ID)
    made.commit()
    made.write("order.paid.v2.avsc", ID, NOTE)
    made.commit()
    return made


def names(folder: GitFolder, revision: str) -> list[str]:
    return [f"{file.type}.v{file.version}" for file in schemas_at(folder.path, revision)]


def test_files_are_read_as_they_were_and_not_as_they_are(folder: GitFolder) -> None:
    folder.write("order.paid.v1.avsc", ID, NOTE)
    (folder.path / "order.paid.v2.avsc").unlink()
    assert names(folder, "HEAD") == ["order.paid.v1", "order.paid.v2"]
    assert names(folder, "HEAD~1") == ["order.paid.v1"]
    first = schemas_at(folder.path, "HEAD~1")[0].schema
    assert [each["name"] for each in first.parsed["fields"]] == ["id"]


def test_versions_are_in_the_order_of_their_numbers(folder: GitFolder) -> None:
    folder.write("order.paid.v10.avsc", ID)
    folder.commit()
    assert names(folder, "HEAD") == ["order.paid.v1", "order.paid.v2", "order.paid.v10"]


def test_other_files_and_subfolders_are_left_out(folder: GitFolder) -> None:
    (folder.path / "README.md").write_text("no schema")
    (folder.path / "old").mkdir()
    (folder.path / "old" / "Bad Name.avsc").write_text("{")
    folder.commit()
    assert names(folder, "HEAD") == ["order.paid.v1", "order.paid.v2"]


def test_a_folder_that_was_not_there_yet_had_no_files(folder: GitFolder) -> None:
    later = folder.path.parent / "later"
    later.mkdir()
    assert schemas_at(later, "HEAD") == ()
    assert not is_tracked(later)
    assert is_tracked(folder.path)


@pytest.mark.parametrize("revision", ["nowhere", "--output=stolen", "HEAD:", ""])
def test_what_is_no_revision_is_named(folder: GitFolder, revision: str) -> None:
    with pytest.raises(SchemaError, match="git knows no revision"):
        schemas_at(folder.path, revision)
    assert sorted(each.name for each in folder.path.iterdir()) == ["order.paid.v1.avsc", "order.paid.v2.avsc"]


def test_a_folder_outside_of_a_repository_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path))  # what a hook of git sets for those it starts
    with pytest.raises(SchemaError, match="git knows no revision HEAD"):
        schemas_at(tmp_path, "HEAD")


def test_a_file_that_was_no_schema_is_named(folder: GitFolder) -> None:
    (folder.path / "order.paid.v3.avsc").write_text("{")
    folder.commit()
    with pytest.raises(SchemaError, match=r"at HEAD: order\.paid\.v3\.avsc: the schema is no JSON"):
        schemas_at(folder.path, "HEAD")


def test_a_file_that_was_very_long_is_not_read(folder: GitFolder) -> None:
    (folder.path / "order.paid.v3.avsc").write_text(" " * 2_000_000)
    folder.commit()
    with pytest.raises(SchemaError, match=r"order\.paid\.v3\.avsc at HEAD: is no file of up to"):
        schemas_at(folder.path, "HEAD")


def test_a_machine_without_git_is_told_so(folder: GitFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SchemaError, match="no command `git`"):
        schemas_at(folder.path, "HEAD")


def test_a_repository_that_lacks_a_part_does_not_pass_for_one_without_files(folder: GitFolder) -> None:
    objects = folder.path.parents[1] / ".git" / "objects"
    git = ("git", "-C", str(folder.path), "rev-parse", "HEAD^{tree}")
    tree = subprocess.run(git, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
    (objects / tree[:2] / tree[2:]).unlink()
    with pytest.raises(SchemaError, match="git cannot list its files at HEAD"):
        schemas_at(folder.path, "HEAD")
