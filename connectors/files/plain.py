"""Files that are no EDI: JSON, CSV and text. Pure."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, cast

import orjson
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json

from connectors.errors import FailedError
from connectors.files.places import fill, places
from connectors.files.segments import Group, filled

Encoding = Literal["utf-8", "latin-1", "ascii"]

_ROWS: Final = 50_000
_FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![\d .,()/-]*$)")
"""What a spreadsheet would work out instead of showing it."""


class JsonContent(BaseModel):
    """A JSON file: the arguments as they are, keys sorted.

    Attributes:
        format: `json`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["json"]


class CsvContent(BaseModel):
    """A CSV file with a header.

    Attributes:
        format: `csv`.
        columns: the header's names, and a template for each, such as `{order_id}` or `{lines.sku}`.
        each: a list among the arguments; one row for each item. One row in all by default.
        delimiter: between cells.
        encoding: of the file; characters that it does not have are refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["csv"]
    columns: Annotated[dict[str, str], Field(min_length=1)]
    each: str | None = None
    delimiter: Literal[",", ";", "\t", "|"] = ","
    encoding: Encoding = "utf-8"


class TextContent(BaseModel):
    """A text file.

    Attributes:
        format: `text`.
        text: a template.
        encoding: of the file; characters that it does not have are refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["text"]
    text: Annotated[str, Field(min_length=1)]
    encoding: Encoding = "utf-8"


def plain_places(content: JsonContent | CsvContent | TextContent) -> Iterator[str]:
    """Yield the names of all places.

    Raises:
        ValueError: as `places` does.
    """
    match content:
        case JsonContent():
            return
        case CsvContent():
            yield from filter(None, (content.each,))
            for template in content.columns.values():
                yield from places(template)
        case TextContent():
            yield from places(content.text)


def plain_written(content: JsonContent | CsvContent | TextContent, arguments: Mapping[str, Any]) -> bytes:
    """Return the file; the same for the same arguments.

    Raises:
        FailedError: `not_representable`: a value has no text, a character that the encoding lacks, or would be a formula.
    """
    match content:
        case JsonContent():
            return orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS, default=str)
        case CsvContent():
            return _encoded(_csv(content, arguments), content.encoding)
        case TextContent():
            return _encoded(fill(content.text, arguments), content.encoding)


def read_json(content: bytes) -> Any:
    """Return the value of a JSON file."""
    try:
        return from_json(content, allow_inf_nan=False)
    except ValueError:
        raise FailedError("no JSON that can be read", code="unreadable") from None


def read_csv(content: bytes, delimiter: str, encoding: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file by the names in its first one."""
    text = read_text(content, encoding).removeprefix("\ufeff")
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        header = next(rows, [])
        found: list[dict[str, str]] = []
        for number, row in enumerate(filter(None, rows), start=2):
            if len(row) != len(header) or number > _ROWS:
                why = (
                    f"more than {_ROWS} rows"
                    if number > _ROWS
                    else f"{len(row)} cells under {len(header)} names"
                )
                raise FailedError(f"no CSV that can be read: row {number}: {why}", code="unreadable")
            found.append(dict(zip(header, row, strict=True)))
    except csv.Error as error:
        raise FailedError(f"no CSV that can be read: {error}", code="unreadable") from None
    if len(set(header)) < len(header):
        raise FailedError("no CSV that can be read: two columns have one name", code="unreadable")
    return found


def read_text(content: bytes, encoding: str) -> str:
    """Return the text of a file."""
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise FailedError(f"no text in {encoding}: byte {error.start + 1}", code="unreadable") from None


def _csv(content: CsvContent, arguments: Mapping[str, Any]) -> str:
    # Rows repeat as segments do: the columns are one segment with as many elements.
    row: list[str | list[str]] = ["ROW", *content.columns.values()]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=content.delimiter, lineterminator="\r\n")
    writer.writerow(content.columns)
    templates = (Group(each=content.each, segments=(row,)),) if content.each else (row,)
    for _, *cells in filled(templates, arguments, _no_formula):
        plain = cast("list[str]", cells)
        writer.writerow([*plain, *[""] * (len(content.columns) - len(plain))])
    return stream.getvalue()


def _no_formula(name: str, text: str) -> None:
    if _FORMULA.match(text):
        raise FailedError(
            f"{name} begins with {text[0]!r}: a spreadsheet would take it for a formula",
            code="not_representable",
        )


def _encoded(text: str, encoding: Encoding) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        character = text[error.start]
        raise FailedError(
            f"the character {character!r} (U+{ord(character):04X}) cannot be written in {encoding}",
            code="not_representable",
        ) from None
