"""What commands print: text for people on a terminal of any width, JSON for machines."""

import re
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_PIPED_WIDTH: Final = 200
"""Into a file or pipe there is no screen to fit, so that `grep` finds whole cells."""


def out() -> Console:
    """Return standard output; colours only on a terminal."""
    return _console(stderr=False)


def err() -> Console:
    """Return standard error, for all that is no result."""
    return _console(stderr=True)


def plain(text: object) -> str:
    """Return text from elsewhere without control characters: an event must not steer a terminal."""
    return _CONTROL.sub("·", str(text))


def styled(text: object, style: str = "") -> Text:
    """Return text from elsewhere for a cell: no control characters, and no markup is read in it."""
    return Text(plain(text), style)


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """Return an empty table; long cells wrap, none is cut."""
    made = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold", justify="right" if column in right else "left")
    return made


def print_json(value: Any) -> None:
    """Print one JSON document, indented."""
    _write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def print_text(text: str) -> None:
    """Print a text as it is: a document for other programs."""
    _write(text.encode())


def print_json_line(value: Any) -> None:
    """Print one JSON document on a line of its own, at once."""
    _write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))


@contextmanager
def progress_bar(what: str) -> Generator[Progress]:
    """Show a progress bar on standard error while the block runs; nothing where that is no terminal."""
    console = err()
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        yield bar


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPED_WIDTH
    return Console(stderr=stderr, width=width, highlight=False, emoji=False)


def _write(data: bytes) -> None:
    sys.stdout.write(data.decode())
    sys.stdout.flush()
