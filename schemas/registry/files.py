"""Schema files: `<event type>.v<version>.avsc`, those of this package and those of a user's folder."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Protocol

from schemas.errors import SchemaError
from schemas.registry.avro_schema import AvroSchema, avro_schema

_NAME: Final = re.compile(r"(?P<type>[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\.v(?P<version>[1-9][0-9]*)\.avsc")


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """One version of one event's schema.

    Attributes:
        type: the event type the file is named after.
        version: its version, from 1.
        schema: what the file holds, linted.
    """

    type: str
    version: int
    schema: AvroSchema


class _Folder(Protocol):
    """What a `Path` and a packaged folder have in common here."""

    def iterdir(self) -> Iterator["_File"]: ...


class _File(Protocol):
    @property
    def name(self) -> str: ...
    def read_text(self, encoding: str) -> str: ...


@cache
def packaged_schemas() -> tuple[SchemaFile, ...]:
    """Return the schemas that ship with this package; read once."""
    return _read(resources.files("schemas") / "avro")  # pyright: ignore[reportArgumentType] # Traversable names its parameter otherwise


def schemas_in(folder: Path) -> tuple[SchemaFile, ...]:
    """Read every `.avsc` file of a folder, not of its subfolders.

    Raises:
        SchemaError: the folder is missing, or a file is misnamed or no schema we accept; it names the file.
    """
    if not folder.is_dir():
        raise SchemaError(f"{folder}: there is no such folder of schemas")
    return _read(folder)


def latest(files: Iterable[SchemaFile]) -> dict[str, AvroSchema]:
    """Return the schema with the highest version for each event type."""
    return {file.type: file.schema for file in sorted(files, key=lambda file: file.version)}


def schema_file(name: str, text: str) -> SchemaFile:
    """Return the schema file of this name and text.

    Raises:
        SchemaError: it is misnamed or no schema we accept; names the file.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise SchemaError(f"{name}: a schema file is named <event type>.v<version>.avsc")
    try:
        schema = avro_schema(text)
    except SchemaError as error:
        raise SchemaError(f"{name}: {error}") from error
    return SchemaFile(match["type"], int(match["version"]), schema)


def _read(folder: _Folder) -> tuple[SchemaFile, ...]:
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".avsc")), key=lambda file: file.name
    )
    return tuple(schema_file(file.name, _text(file)) for file in files)


def _text(file: "_File") -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise SchemaError(f"{file.name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SchemaError(f"{file.name}: is no text in UTF-8") from error
