"""Tables of reports, in Markdown (CommonMark with tables): nothing that an event says becomes markup. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

_SHOWN: Final = 200
"""Characters of a text in a table."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; long texts are cut."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(_cell, row))} |"


def _cell(text: str) -> str:
    """Return a text that can neither end a cell nor be taken for markup."""
    cut = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
    flat = "".join(each if each.isprintable() else " " for each in cut)
    for each in "\\|<>*_`[]":
        flat = flat.replace(each, f"\\{each}")
    return flat
