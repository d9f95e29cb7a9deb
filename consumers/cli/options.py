"""Options that several commands share, and how an example looks in a command's help."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

CONFIG: Final = Path("pointsman.yaml")

ConfigPath = Annotated[
    Path,
    typer.Option(
        "--config", "-c", envvar="POINTSMAN_CONFIG", help="The configuration file.", show_envvar=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
Reveal = Annotated[
    bool,
    typer.Option(
        "--reveal", help="Open the tokens of personal data, with the configuration's `privacy.key`."
    ),
]

TIMES: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]

Since = Annotated[
    datetime | None, typer.Option(formats=TIMES, help="From this time on; local unless it has a zone.")
]
Until = Annotated[datetime | None, typer.Option(formats=TIMES, help="Up to this time.")]
Offsets = Annotated[
    list[str] | None,
    typer.Option(help="PARTITION:FIRST-LAST, last included; one for each partition, several times."),
]


def parse_parts(texts: list[str]) -> dict[int, tuple[int, int]]:
    """Return the first offset and the one after the last, by partition; a mistake is one of usage."""
    from consumers.replay.selection import parse_all_offsets

    try:
        return parse_all_offsets(texts)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def examples(*lines: str) -> str:
    """Return the end of a help text (Markdown): command lines that can be copied as they are."""
    title = "Examples:" if len(lines) > 1 else "Example:"
    # One paragraph each: the help joins the lines inside a paragraph.
    return "\n\n".join((title, *(f"`{line}`" for line in lines)))
