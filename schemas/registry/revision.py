"""Schema files of a folder as they were at a revision of git. Runs the command `git`, and changes nothing."""

import os
import subprocess
from pathlib import Path
from typing import Final

from schemas.errors import SchemaError
from schemas.registry.avro_schema import SCHEMA_BYTES
from schemas.registry.files import SchemaFile, schema_file

_TIMEOUT_S: Final = 20.0
"""For one command; a repository on a network drive is slow, and none may hang."""
_FILES: Final = 5_000
_BLOB_BYTES: Final = 4 * SCHEMA_BYTES
"""A file is up to four bytes a character."""


def schemas_at(folder: Path, revision: str) -> tuple[SchemaFile, ...]:
    """Read the `.avsc` files that a folder, not its subfolders, had at a revision; empty if it had none. Blocks.

    Raises:
        SchemaError: there is no git, no repository around the folder or no such revision; a file is too large, misnamed or no
            schema we accept.
    """
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise SchemaError(f"{folder}: git knows no revision {revision}")
    where = commit.decode().strip()
    listed = _git(folder, "ls-tree", "-z", "--long", where, "./")
    if listed is None:  # else nothing would seem to have been there, and so nothing to break
        raise SchemaError(
            f"{folder}: git cannot list its files at {revision}: a part of the repository is missing"
        )
    lines = [line for line in listed.decode(errors="replace").split("\0") if line.endswith(".avsc")]
    if len(lines) > _FILES:
        raise SchemaError(f"{folder}: {len(lines)} schema files at {revision}, the limit is {_FILES}")
    return tuple(
        sorted((_file(folder, revision, line) for line in lines), key=lambda file: (file.type, file.version))
    )


def is_tracked(folder: Path) -> bool:
    """Say whether git keeps schema files of this folder now."""
    return bool(_git(folder, "ls-files", "--", "*.avsc"))


def _file(folder: Path, revision: str, line: str) -> SchemaFile:
    about, path = line.split("\t", 1)
    _, kind, blob, size = about.split()
    name = path.rpartition("/")[2]
    if kind != "blob" or int(size) > _BLOB_BYTES:
        raise SchemaError(f"{name} at {revision}: is no file of up to {_BLOB_BYTES} bytes")
    # Not `git show`: it may run a program that the repository's configuration names for such files.
    text = _git(folder, "cat-file", "blob", blob)
    if text is None:
        raise SchemaError(f"{name} at {revision}: git has lost its content")
    try:
        return schema_file(name, text.decode())
    except UnicodeDecodeError as error:
        raise SchemaError(f"{name} at {revision}: is no UTF-8") from error
    except SchemaError as error:
        raise SchemaError(f"at {revision}: {error}") from error


def _git(folder: Path, *words: str) -> bytes | None:
    """Return what git prints, or None where it ends with an error."""
    command = ["git", "-C", str(folder), *words]
    # In a hook of git's, its variables name the repository of that hook, wherever we look.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command; the revision is behind --end-of-options
            command, capture_output=True, check=False, timeout=_TIMEOUT_S, env=environment
        )
    except FileNotFoundError as error:
        raise SchemaError("there is no command `git` here to read a revision with") from error
    except subprocess.TimeoutExpired as error:
        raise SchemaError(f"{folder}: `git {words[0]}` did not end within {_TIMEOUT_S:g} s") from error
    return done.stdout if done.returncode == 0 else None
