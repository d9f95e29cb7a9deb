"""Options that several commands share, and how an example looks in a command's help."""

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


def examples(*lines: str) -> str:
    """Return the end of a help text (Markdown): command lines that can be copied as they are."""
    title = "Examples:" if len(lines) > 1 else "Example:"
    # One paragraph each: the help joins the lines inside a paragraph.
    return "\n\n".join((title, *(f"`{line}`" for line in lines)))
