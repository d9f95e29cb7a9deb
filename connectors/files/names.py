"""Names of files made of checked arguments: one plain name each, which cannot lead out of its folder. Pure."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from connectors.errors import FailedError
from connectors.files.places import fill

NAME_LIMIT: Final = 200
"""Bytes of a name in UTF-8: file systems take 255, and a withdrawn file gets a prefix."""

_NAME: Final = re.compile(r"[^\W_](?:[\w .,=@+-]*[\w=@+-])?")
"""Letters and digits of any script, no separators, no dot or sign first, no dot or space last."""
_FOLDER: Final = re.compile(r"[\w][\w .@+-]*")
_KEY_CHARACTERS: Final = 24


def file_name(template: str, arguments: Mapping[str, Any]) -> str:
    """Return the name that a template and checked arguments make, in Unicode's composed form (NFC).

    Raises:
        FailedError: code `invalid_name`: what they make is no plain name.
    """
    name = unicodedata.normalize("NFC", fill(template, arguments))
    if not _NAME.fullmatch(name):
        raise FailedError(
            f"{name[:NAME_LIMIT]!r} is no file name: letters, digits and .,-_=@+ with no dot first or last",
            code="invalid_name",
        )
    if len(name.encode()) > NAME_LIMIT:
        raise FailedError(
            f"a file name has at most {NAME_LIMIT} bytes, this one has {len(name.encode())}",
            code="invalid_name",
        )
    return name


def folder_path(folder: str) -> tuple[str, ...]:
    """Return the names of a folder below the root, such as `to/acme`; none for an empty text or a dot.

    Raises:
        ValueError: a part of it is no plain name.
    """
    parts = tuple(part for part in folder.split("/") if part not in {"", "."})
    for part in parts:
        if not _FOLDER.fullmatch(part):
            raise ValueError(f"{part!r} is no plain name of a folder below the root")
    if folder.startswith("/"):
        raise ValueError("folders are below the root: write them without a slash first")
    return parts


def key_name(tenant: str, key: str) -> str:
    """Return the name by which an idempotency key is known among files: the same for the same key, and telling nothing."""
    return hashlib.sha256(f"{tenant}\n{key}".encode()).hexdigest()[:_KEY_CHARACTERS]
