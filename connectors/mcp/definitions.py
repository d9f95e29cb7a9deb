"""The definitions of a server's tools as they were when somebody reviewed them, and whether they still are. Pure.

A definition is all that a model, a person or our schema conversion goes by: name, title, description, input and output
schema, annotations. What is left out (`_meta`, icons) is neither shown nor acted upon.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

_PARTS: Final = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
_SCHEMA: Final = "pointsman.mcp/1"

Definition = Mapping[str, Any]
"""One tool as the protocol writes it, cut down to the parts above."""


class PinError(ValueError):
    """A file of definitions cannot be used; says why."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a server offered at one time.

    Attributes:
        server: its own name and version, for people.
        tools: definitions by name.
    """

    server: str
    tools: Mapping[str, Definition]


def definition_of(tool: Mapping[str, Any]) -> Definition:
    """Return the definition in a tool of an answer to `tools/list`."""
    return {part: tool[part] for part in _PARTS if tool.get(part) is not None}


def digest(definition: Definition) -> str:
    """Return what a definition is pinned by: SHA-256 of its canonical JSON."""
    canonical = json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def written(snapshot: Snapshot) -> str:
    """Return a snapshot as a file for people to review; arguments keep the order in which a model is shown them."""
    tools = [
        {"digest": digest(definition), "definition": definition}
        for _, definition in sorted(snapshot.tools.items())
    ]
    document = {"schema": _SCHEMA, "server": snapshot.server, "tools": tools}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def read_snapshot(text: str) -> Snapshot:
    """Return the snapshot that a file holds.

    Raises:
        PinError: it holds none, or a definition was changed after it was pinned.
    """
    try:
        document: Any = json.loads(text)
    except ValueError as error:
        raise PinError(f"is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise PinError("is no object")
    said = cast("dict[str, Any]", document)
    if said.get("schema") != _SCHEMA or not isinstance(said.get("tools"), list):
        raise PinError(f"is no list of definitions: `schema` must be {_SCHEMA}, and `tools` a list")
    tools: dict[str, Definition] = {}
    for number, entry in enumerate(said["tools"], start=1):
        definition = entry.get("definition") if isinstance(entry, dict) else None
        if not isinstance(definition, dict) or not isinstance(definition.get("name"), str):
            raise PinError(f"tool {number} has no definition with a name")
        name = str(definition["name"])
        if name in tools:
            raise PinError(f"tool {name} is there twice")
        if entry.get("digest") != digest(definition):
            raise PinError(f"the definition of {name} does not match its digest: it was edited; pin it again")
        tools[name] = definition
    return Snapshot(str(said.get("server", "")), tools)


def difference(pinned: Definition, found: Definition | None) -> str:
    """Return in words what of a tool is no longer as it was pinned, or an empty string."""
    if found is None:
        return "the server no longer offers it"
    if digest(pinned) == digest(found):
        return ""
    parts = [part for part in _PARTS if _canonical(pinned.get(part)) != _canonical(found.get(part))]
    return f"its {', '.join(parts)} changed"


def changed(pinned: Mapping[str, Definition], found: Sequence[Definition]) -> dict[str, str]:
    """Return the pinned tools that are no longer as they were, with what changed; a name offered twice counts as changed."""
    offered: dict[str, Definition] = {}
    twice: set[str] = set()
    for each in found:
        name = str(each.get("name"))
        if name in offered:
            twice.add(name)
        offered[name] = each
    result: dict[str, str] = {}
    for name, definition in pinned.items():
        why = (
            "the server offers two of this name"
            if name in twice
            else difference(definition, offered.get(name))
        )
        if why:
            result[name] = why
    return result


def _canonical(part: Any) -> str:
    # Not `==`: to Python, true and 1 are equal, and to JSON Schema they are not.
    return json.dumps(part, sort_keys=True)
