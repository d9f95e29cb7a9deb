"""The formats of files, written and read: which module does which. Pure, and slow for large files."""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.files.edifact import EdifactContent, edifact_places, edifact_written
from connectors.files.edifact_reading import read_edifact
from connectors.files.fields import Fields, named
from connectors.files.interchange import Interchange
from connectors.files.plain import (
    CsvContent,
    JsonContent,
    TextContent,
    plain_places,
    plain_written,
    read_csv,
    read_json,
    read_text,
)
from connectors.files.settings import Content, Reading
from connectors.files.x12 import X12Content, x12_places, x12_written
from connectors.files.x12_reading import read_x12


def content_places(content: Content) -> Iterator[str]:
    """Yield the names of all places of a content.

    Raises:
        ValueError: a template has a brace that belongs to no place.
    """
    match content:
        case EdifactContent():
            yield from edifact_places(content)
        case X12Content():
            yield from x12_places(content)
        case JsonContent() | CsvContent() | TextContent():
            yield from plain_places(content)


def written(content: Content, arguments: Mapping[str, Any], key: str) -> bytes:
    """Return the file that arguments make; the same for the same arguments and key.

    Raises:
        FailedError: code `not_representable`: a value cannot be said there.
    """
    match content:
        case EdifactContent():
            return edifact_written(content, arguments, key)
        case X12Content():
            return x12_written(content, arguments, key)
        case JsonContent() | CsvContent() | TextContent():
            return plain_written(content, arguments)


def read(reading: Reading, content: bytes) -> Any:
    """Return what a file says, JSON-like.

    Raises:
        FailedError: code `unreadable`: it is broken; the message says where.
    """
    match reading.format:
        case "edifact":
            return _interchange(read_edifact(content), reading.fields)
        case "x12":
            return _interchange(read_x12(content), reading.fields)
        case "json":
            return read_json(content)
        case "csv":
            return read_csv(content, reading.delimiter, reading.encoding)
        case "text":
            return read_text(content, reading.encoding)


def _interchange(read_: Interchange, fields: Fields | None) -> dict[str, Any]:
    return {
        "sender": read_.sender,
        "receiver": read_.receiver,
        "control": read_.control,
        "messages": [
            {
                "type": message.type,
                "reference": message.reference,
                **(
                    {"segments": list(message.segments)}
                    if fields is None
                    else {"fields": named(fields, message.segments)}
                ),
            }
            for message in read_.messages
        ],
    }
