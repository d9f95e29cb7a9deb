"""The kind `files`: actions on files of a folder or behind SFTP, described by a section of the configuration."""

import getpass
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import BaseModel

from connectors.action import Call
from connectors.connector import Connector
from connectors.errors import FailedError
from connectors.extra import require_extra
from connectors.files.actions import (
    File,
    FileContent,
    FileList,
    find,
    list_files,
    read_file,
    remove,
    take,
    write,
)
from connectors.files.checks import mistakes, own_arguments, written_by
from connectors.files.local_tree import open_local
from connectors.files.settings import (
    FileAction,
    FilesSettings,
    FindAction,
    ListAction,
    ReadAction,
    RemoveAction,
    TakeAction,
    WriteAction,
)
from connectors.files.sftp_tree import open_sftp
from connectors.files.ssh import trusted_hosts
from connectors.files.tree import Tree
from connectors.kind import Kind, SettingsError, SettingsMistake
from connectors.schema_keywords import JsonSchema

Perform = Callable[[Call[Tree], dict[str, Any]], Coroutine[Any, Any, Any]]


def build_files(name: str, settings: FilesSettings) -> Connector[Tree]:
    """Return the connector that a section describes.

    Raises:
        SettingsError: what is wrong with the section, or which extra is missing.
        DefinitionError: an action cannot be declared.
    """
    for extra, module in _needed(settings):
        require_extra(extra, module)
    if found := [*_server_mistakes(settings), *mistakes(settings)]:
        raise SettingsError(found)
    connector = Connector[Tree](
        name, "Files that partners read and write.", settings=FilesSettings, open=open_files, rehearses=True
    )
    for verb, action in settings.actions.items():
        _declare(connector, verb, action, settings)
    return connector


def open_files(settings: FilesSettings) -> AbstractAsyncContextManager[Tree]:
    """Open the folder or the server; a server is connected to when the first action needs it."""
    if settings.sftp is not None:
        return open_sftp(settings.sftp, timeout_s=settings.timeout_s)
    assert settings.folder is not None, "settings hold a folder or a server"
    return open_local(settings.folder, timeout_s=settings.timeout_s)


def _needed(settings: FilesSettings) -> Iterator[tuple[str, str]]:
    if settings.sftp is not None:
        yield "sftp", "asyncssh"
    for action in settings.actions.values():
        form = "" if isinstance(action, FindAction | RemoveAction | ListAction) else action.content.format
        if form == "edifact":
            yield "edi", "pydifact"
        elif form == "x12":
            yield "edi", "pyx12"


def _server_mistakes(settings: FilesSettings) -> Iterator[SettingsMistake]:
    if settings.sftp is None:
        return
    try:
        _ = trusted_hosts(settings.sftp)
    except FailedError as error:
        yield SettingsMistake(("sftp",), str(error))
    try:
        _ = getpass.getuser()
    except (KeyError, OSError):
        # asyncssh asks for it, although another name logs in; without one no connection would ever be made.
        yield SettingsMistake(
            ("sftp",), "the user whom this process runs as has no name", "set LOGNAME in its environment"
        )


def _declare(connector: Connector[Tree], verb: str, action: FileAction, settings: FilesSettings) -> None:
    declare = partial(
        connector.declare,
        verb,
        action.description,
        where=f"connectors.{connector.name}.actions.{verb}",
        constraints=action.constraints,
    )
    match action:
        case WriteAction():
            declare(
                arguments=action.arguments,
                perform=_performing(write, action, settings),
                result=File,
                effect="write",
                idempotency="natural",
                compensate=action.undo and f"{connector.name}.{action.undo}",
                reconcile=action.find and f"{connector.name}.{action.find}",
                protected=action.protected,
                outward=action.outward,
                examples=action.examples,
            )
        case FindAction():
            of = written_by(settings, action.of)
            declare(
                arguments=own_arguments(of),
                perform=_performing(find, of, settings),
                result=File,
                effect="read",
                protected=_protected(of),
            )
        case RemoveAction():
            of = written_by(settings, action.of)
            declare(
                arguments=own_arguments(of, digest=True),
                perform=_performing(remove, action, of, settings),
                result=File,
                effect="write",
                idempotency="natural",
                protected=_protected(of),
                outward=of.outward,
            )
        case ReadAction():
            declare(
                arguments=action.arguments,
                perform=_performing(read_file, action, settings),
                result=FileContent,
                effect="read",
                protected=action.protected,
            )
        case TakeAction():
            declare(
                arguments=action.arguments,
                perform=_performing(take, action, settings),
                result=FileContent,
                effect="write",
                idempotency="natural",
                protected=action.protected,
            )
        case ListAction():
            declare(
                arguments=_NOTHING,
                perform=_performing(list_files, action, settings),
                result=FileList,
                effect="read",
            )


_NOTHING: JsonSchema = {"type": "object", "properties": {}}


def _protected(of: WriteAction) -> frozenset[str]:
    return of.protected & own_arguments(of)["properties"].keys()


def _performing(function: Callable[..., Coroutine[Any, Any, Any]], *parts: BaseModel) -> Perform:
    async def performing(call: Call[Tree], arguments: dict[str, Any]) -> Any:
        timed = replace(call, client=call.client.within(call.timeout_s))
        return await function(timed, arguments, *parts)

    return performing


files = Kind(
    "Files with EDI, JSON, CSV or text, in a folder or over SFTP.", settings=FilesSettings, build=build_files
)
