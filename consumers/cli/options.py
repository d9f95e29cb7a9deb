"""Options that several commands share, and how an example looks in a command's help."""

from pathlib import Path
from typing import Annotated, Final

import typer

CONFIG: Final = Path("pointsman.yaml")

ConfigPath = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="POINTSMAN_CONFIG", help="The configuration file.", show_envvar=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def examples(*lines: str) -> str:
    """Return the end of a help text: command lines that can be copied as they are."""
    # Typer joins lines inside a paragraph, so that each line is a paragraph; a bracket would start markup.
    shown = ("  [cyan]" + line.replace("[", "\\[") + "[/cyan]" for line in lines)
    return "\n\n".join(("[bold]Examples[/bold]" if len(lines) > 1 else "[bold]Example[/bold]", *shown))
