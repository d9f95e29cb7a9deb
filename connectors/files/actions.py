"""What the actions of files do, each with its client and its validated arguments."""

import asyncio
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import orjson
from pydantic import BaseModel, Field

from connectors.action import Call
from connectors.errors import FailedError, UnusableResultError
from connectors.files.formats import read, written
from connectors.files.moving import Move, carry_out, moved, withdraw
from connectors.files.names import file_name, folder_path, key_name
from connectors.files.publishing import Publication, digest, publish
from connectors.files.settings import (
    FilesSettings,
    ListAction,
    ReadAction,
    Reading,
    RemoveAction,
    TakeAction,
    WriteAction,
)
from connectors.files.tree import MissingError, Tree
from connectors.rehearsal import rehearse

_SHOWN: Final = 4000
"""Bytes of a file that a rehearsal shows."""


class File(BaseModel):
    """A file, without what it says."""

    file: str = Field(description="its name")
    bytes: int = Field(description="its size")
    sha256: str = Field(description="digest of its content")


class FileContent(File):
    """A file, and what it says."""

    content: Any = Field(description="what it says")


class FoundFile(BaseModel):
    """A file of a listing."""

    file: str = Field(description="its name")
    bytes: int = Field(description="its size")
    modified_at: int = Field(description="seconds since 1970")


class FileList(BaseModel):
    """The files of a folder."""

    files: list[FoundFile] = Field(description="by name")
    complete: bool = Field(description="whether these are all")


async def write(
    call: Call[Tree], arguments: Mapping[str, Any], action: WriteAction, settings: FilesSettings
) -> File:
    """Write a file once for the call's key; see `publishing.publish`."""
    name = file_name(action.name, arguments)
    key = key_name(call.tenant, call.key)
    content = await asyncio.to_thread(written, action.content, arguments, key)
    if len(content) > settings.file_bytes:
        raise FailedError(
            f"{name} would have {len(content)} bytes, `file_bytes` is {settings.file_bytes}", code="too_large"
        )
    made_of = digest(orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS, default=str))
    publication = Publication(folder_path(action.folder), name, content, key, made_of)
    rehearse(lambda: f"write {_place(action.folder, name)}\n\n{_shown(content)}", changes=True)
    said = await publish(call.client, publication)
    return File(file=said.name, bytes=said.size, sha256=said.sha256)


async def find(
    call: Call[Tree], arguments: Mapping[str, Any], action: WriteAction, settings: FilesSettings
) -> File | None:
    """Return the file that a `write` with these arguments would have written, or None."""
    name = file_name(action.name, arguments)
    rehearse(lambda: f"read {_place(action.folder, name)}", changes=False)
    content = await call.client.read((*folder_path(action.folder), name), settings.file_bytes)
    return None if content is None else _file(name, content)


async def remove(
    call: Call[Tree],
    arguments: Mapping[str, Any],
    action: RemoveAction,
    of: WriteAction,
    settings: FilesSettings,
) -> File:
    """Withdraw what a `write` with these arguments has written; see `moving.withdraw`."""
    name = file_name(of.name, arguments)
    move = Move(folder_path(of.folder), name, folder_path(action.into), key_name(call.tenant, call.key))
    rehearse(lambda: _moving(move), changes=True)
    content = await withdraw(call.client, move, sha256=arguments.get("sha256"), most=settings.file_bytes)
    return _file(name, content)


async def read_file(
    call: Call[Tree], arguments: Mapping[str, Any], action: ReadAction, settings: FilesSettings
) -> FileContent | None:
    """Return a file and what it says, or None where there is none."""
    name = file_name(action.name, arguments)
    rehearse(lambda: f"read {_place(action.folder, name)}", changes=False)
    try:
        content = await call.client.read((*folder_path(action.folder), name), settings.file_bytes)
    except FailedError as error:
        if error.code == "too_large":
            raise UnusableResultError(str(error), code="result_too_large", executed=False) from error
        raise
    return None if content is None else await _said(name, content, action.content)


async def take(
    call: Call[Tree], arguments: Mapping[str, Any], action: TakeAction, settings: FilesSettings
) -> FileContent:
    """Return a file and what it says, and have it moved out of the way, once for the call's key."""
    name = file_name(action.name, arguments)
    folder, into = folder_path(action.folder), folder_path(action.into)
    move = Move(folder, name, into, key_name(call.tenant, call.key))
    most = settings.file_bytes
    rehearse(lambda: _moving(move), changes=True)
    content = await moved(call.client, move, most)
    if content is not None:
        return await _said(name, content, action.content)
    content = await call.client.read(move.source, most)
    if content is None:
        raise FailedError(f"there is no {name} in {action.folder or '.'}", code="no_such_file")
    said = await _said(name, content, action.content)  # before it is moved: what cannot be read stays
    carried = await carry_out(call.client, move, content, gone="no_such_file", most=most)
    return said if carried == content else await _said(name, carried, action.content)


async def list_files(
    call: Call[Tree], _arguments: Mapping[str, Any], action: ListAction, settings: FilesSettings
) -> FileList:
    """Return the files of a folder whose names match the pattern."""
    rehearse(lambda: f"list {_place(action.folder, action.pattern)}", changes=False)
    try:
        listing = await call.client.list(folder_path(action.folder), settings.listing)
    except MissingError:
        raise FailedError(f"folder {action.folder or '.'} is not there", code="no_such_folder") from None
    return FileList(
        files=[
            FoundFile(file=each.name, bytes=each.size, modified_at=each.modified_at)
            for each in listing.entries
            if fnmatchcase(each.name, action.pattern)
        ],
        complete=listing.complete,
    )


def _moving(move: Move) -> str:
    return f"move {'/'.join(move.source)} to {'/'.join(move.target)}"


def _place(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _shown(content: bytes) -> str:
    """Return a file for people: without the letters that a terminal would take for orders."""
    text = content[:_SHOWN].decode("latin-1")
    return "".join(
        each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text
    )


def _file(name: str, content: bytes) -> File:
    return File(file=name, bytes=len(content), sha256=digest(content))


async def _said(name: str, content: bytes, reading: Reading) -> FileContent:
    said = await asyncio.to_thread(read, reading, content)
    return FileContent(file=name, bytes=len(content), sha256=digest(content), content=said)
