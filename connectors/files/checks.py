"""What is wrong with a section beyond what its model says: templates, and actions that refer to each other. Pure."""

import re
from collections.abc import Iterator
from typing import Any, Final

from connectors.errors import FailedError
from connectors.files.charset import checked
from connectors.files.edifact import EdifactContent
from connectors.files.formats import content_places
from connectors.files.places import places
from connectors.files.segments import literals, tags
from connectors.files.settings import (
    FilesSettings,
    FindAction,
    ReadAction,
    RemoveAction,
    TakeAction,
    WriteAction,
)
from connectors.files.x12 import X12Content
from connectors.kind import Place, SettingsMistake
from connectors.schema_keywords import JsonSchema

_RESULT: Final = frozenset(("file", "bytes", "sha256"))
_DIGEST: Final[JsonSchema] = {
    "type": "string",
    "pattern": "^[0-9a-f]{64}$",
    "description": "The digest that writing returned; another content is left alone.",
}


_TAG: Final = {"edifact": re.compile(r"[A-Z][A-Z0-9]{2}"), "x12": re.compile(r"[A-Z][A-Z0-9]{1,2}")}
_OURS: Final = {
    "edifact": frozenset(("UNA", "UNB", "UNG", "UNH", "UNT", "UNE", "UNZ")),
    "x12": frozenset(("ISA", "GS", "ST", "SE", "GE", "IEA")),
}
"""Segments of the envelope, which are written for every message."""


def mistakes(settings: FilesSettings) -> list[SettingsMistake]:
    """Return everything that is wrong."""
    return [
        SettingsMistake(("actions", verb, *at), message, hint)
        for verb, action in settings.actions.items()
        for at, message, hint in _mistakes(action, settings)
    ]


def written_by(settings: FilesSettings, verb: str) -> WriteAction:
    """Return the `write` of this verb, which `mistakes` has found to be there."""
    action = settings.actions[verb]
    assert isinstance(action, WriteAction), "mistakes() refuses anything else"
    return action


def own_arguments(action: WriteAction, *, digest: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of the arguments that name a file: what finding and withdrawing it need."""
    said = action.arguments
    names = list(dict.fromkeys(places(action.name)))
    properties = {name: said["properties"][name] for name in names}
    if digest:
        properties["sha256"] = _DIGEST
    kept = {word: said[word] for word in ("$defs", "definitions") if word in said}
    return {**kept, "type": "object", "properties": properties, "required": names}


def _mistakes(action: Any, settings: FilesSettings) -> Iterator[tuple[Place, str, str]]:
    match action:
        case WriteAction():
            yield from _named(action.name, action.arguments)
            yield from _content(action)
            yield from _refers(("undo",), action.undo, RemoveAction, settings)
            yield from _refers(("find",), action.find, FindAction, settings)
            for name in sorted(_RESULT & _properties(action.arguments).keys()):
                yield (
                    ("arguments", "properties", name),
                    "is also what writing returns",
                    "give it another name",
                )
        case ReadAction() | TakeAction():
            yield from _named(action.name, action.arguments)
        case FindAction() | RemoveAction():
            yield from _refers(("of",), action.of, WriteAction, settings)
        case _:
            pass


def _named(name: str, arguments: JsonSchema) -> Iterator[tuple[Place, str, str]]:
    try:
        named = list(places(name))
    except ValueError as error:
        yield ("name",), str(error), ""
        return
    for each in named:
        if each not in _properties(arguments) or each not in arguments.get("required", ()):
            yield (
                ("name",),
                f"{{{each}}} is no required argument",
                "a name must not depend on what may be left out",
            )


def _content(action: WriteAction) -> Iterator[tuple[Place, str, str]]:
    content = action.content
    try:
        named = list(content_places(content))
    except ValueError as error:
        yield ("content",), str(error), ""
        return
    known = _properties(action.arguments)
    for each in sorted({name.partition(".")[0] for name in named} - known.keys()):
        yield ("content",), f"{{{each}}} is no argument of this action", f"arguments: {', '.join(known)}"
    if not isinstance(content, EdifactContent | X12Content):
        return
    prepared = next(places(content.prepared_at))
    if prepared not in action.arguments.get("required", ()):
        yield ("content", "prepared_at"), f"{{{prepared}}} is no required argument", ""
    for tag in tags(content.segments):
        if not _TAG[content.format].fullmatch(tag) or tag in _OURS[content.format]:
            yield ("content", "segments"), f"{tag!r} is no tag of a segment inside a message", ""
    level = content.syntax if isinstance(content, EdifactContent) else content.charset
    separators = "" if isinstance(content, EdifactContent) else content.separators.all
    check = checked(level, separators)
    parties = (content.sender.id, content.sender.qualifier, content.receiver.id, content.receiver.qualifier)
    for text in (*parties, *literals(content.segments)):
        try:
            check(repr(text), text)
        except FailedError as error:
            yield ("content",), str(error), ""


def _refers(
    at: Place,
    verb: str | None,
    wanted: type[WriteAction | FindAction | RemoveAction],
    settings: FilesSettings,
) -> Iterator[tuple[Place, str, str]]:
    if verb is not None and not isinstance(settings.actions.get(verb), wanted):
        kind = wanted.__name__.removesuffix("Action").lower()
        fitting = [each for each, action in settings.actions.items() if isinstance(action, wanted)]
        hint = f"actions of kind {kind}: {', '.join(fitting) or 'none'}"
        yield at, f"{verb} is no action of kind {kind}", hint


def _properties(arguments: JsonSchema) -> dict[str, Any]:
    properties = arguments.get("properties")
    return dict(properties) if isinstance(properties, dict) else {}
