"""Reading an OpenAPI 3.0 or 3.1 document: JSON or YAML, bounded in bytes, nodes, depth and aliases; nothing is ever fetched.

YAML is built from its events, without tags, constructors or recursion: an alias counts as often as it is used, so that a
few lines cannot unfold to gigabytes. Words are those of YAML 1.2's core: `no` is a text, and a date is one as well.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import orjson
import yaml

BYTES_LIMIT: Final = 32 << 20
"""Of a document."""
NODES_LIMIT: Final = 3_000_000
"""Values in a YAML document, those behind aliases as often as they are used."""
DEPTH_LIMIT: Final = 200
"""Levels of a YAML document."""

_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_VERSION: Final = re.compile(r"3\.[01](?:\..{0,40})?")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class DocumentError(ValueError):
    """A file that is no OpenAPI document we can read; the message says why."""


def read_document(path: Path) -> dict[str, Any]:
    """Return the document of a file.

    Raises:
        DocumentError: it is not there, too large, no JSON or YAML, or no OpenAPI 3.0 or 3.1.
    """
    try:
        with path.open("rb") as file:
            text = file.read(BYTES_LIMIT + 1)
    except OSError as error:
        raise DocumentError(f"{path} cannot be read: {error.strerror}") from None
    if len(text) > BYTES_LIMIT:
        raise DocumentError(f"{path} is larger than {BYTES_LIMIT} bytes; keep the paths that are needed")
    document = parse(text)
    version = document.get("openapi") if isinstance(document, dict) else None
    if not _VERSION.fullmatch(str(version)):
        raise DocumentError(f"{path} is no OpenAPI 3.0 or 3.1: it says openapi: {version!r:.40}; convert it")
    return cast("dict[str, Any]", document)


def parse(text: bytes) -> Any:
    """Return what a JSON or YAML text says; raises DocumentError."""
    if text.lstrip()[:1] == b"{":
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # flow style of YAML begins like this, too
    try:
        return _Builder().built(text.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise DocumentError("is no UTF-8") from None
    except yaml.YAMLError as error:
        raise DocumentError(f"is neither JSON nor YAML: {' '.join(str(error).split())[:300]}") from None


class _Open:
    """A list or an object whose end has not come."""

    def __init__(self, value: Any, anchor: str | None, began: int) -> None:
        self.value = value
        self.anchor = anchor
        self.began = began
        self.key: str | None = None


class _Builder:
    """Builds one document, and counts."""

    def __init__(self) -> None:
        self._nodes = 0
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open: list[_Open] = []
        self._root: Any = None

    def built(self, text: str) -> Any:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        documents = 0
        for event in yaml.parse(text, Loader=loader):
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise DocumentError("has several YAML documents; keep one")
                case yaml.ScalarEvent():
                    value = _plain(event.value) if event.implicit[0] else event.value
                    is_key = (
                        bool(self._open)
                        and isinstance(self._open[-1].value, dict)
                        and self._open[-1].key is None
                    )
                    self._add(event.value if is_key else value, event.anchor, 1)
                case yaml.AliasEvent():
                    if event.anchor not in self._anchors:
                        raise DocumentError(
                            f"alias *{event.anchor} leads nowhere, or to what it is inside of"
                        )
                    value, weight = self._anchors[event.anchor]
                    self._add(value, None, weight)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._begin({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    done = self._open.pop()
                    self._add(done.value, done.anchor, 1, self._nodes - done.began + 1)
                case _:
                    pass
        return self._root

    def _begin(self, value: Any, anchor: str | None) -> None:
        if len(self._open) >= DEPTH_LIMIT:
            raise DocumentError(f"is nested deeper than {DEPTH_LIMIT} levels")
        self._open.append(_Open(value, anchor, self._nodes))

    def _add(self, value: Any, anchor: str | None, weight: int, whole: int | None = None) -> None:
        self._nodes += weight
        if self._nodes > NODES_LIMIT:
            raise DocumentError(f"unfolds to more than {NODES_LIMIT} values")
        if anchor is not None:
            self._anchors[anchor] = value, whole or weight
        if not self._open:
            self._root = value
            return
        inside = self._open[-1]
        if isinstance(inside.value, list):
            cast("list[Any]", inside.value).append(value)
        elif inside.key is None:
            if not isinstance(value, str) or value == "<<" or value in inside.value:
                raise DocumentError(f"key {value!r:.60} is no text, a merge, or there twice in one object")
            inside.key = value
        else:
            inside.value[inside.key] = value
            inside.key = None


def _plain(word: str) -> Any:
    if word in _WORDS:
        return _WORDS[word]
    if _INTEGER.fullmatch(word):
        return int(word)
    return float(word) if _FLOAT.fullmatch(word) else word
