"""The reference tables of the README, made from the code.

`python tests/repository/readme_reference.py --write` puts them between their markers.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import typer

if __name__ == "__main__":
    # Run as a script, only this folder is on the path.
    sys.path.insert(0, str(Path(__file__).parents[2]))

from consumers.cli.main import app
from consumers.telemetry.metrics import TABLE
from schemas.outcome import Status
from tests.repository.configuration_reference import Row, configuration_rows, documented

README: Final = Path(__file__).parents[2] / "README.md"


def configuration() -> str:
    """Return one row for each field of `pointsman.yaml`."""
    return _table(("Field", "Value", "Default", "Meaning"), configuration_rows())


def commands() -> str:
    """Return one row for each command."""
    rows = _commands(typer.main.get_command(app), "pointsman")
    return _table(("Command", "What it does", "Options"), rows)


def metrics() -> str:
    """Return one row for each metric."""
    rows = (
        (f"`pointsman_{row.name}`", type(row).__name__.lower(), ", ".join(row.labels) or "-", row.help)
        for row in TABLE
    )
    return _table(("Metric", "Kind", "Labels", "What it says"), rows)


def statuses() -> str:
    """Return one row for each status that an outcome may have."""
    said = {status: documented("schemas.outcome.Status", status.name) for status in Status if status.terminal}
    rows = ((f"`{status}`", meaning or "The goal was reached") for status, meaning in said.items())
    return _table(("Status", "Meaning"), rows)


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "statuses": statuses,
    "configuration": configuration,
    "commands": commands,
    "metrics": metrics,
}
"""Every generated table, by the name in its markers."""


def renewed(text: str) -> str:
    """Return the README with every table as the code says now.

    Raises:
        ValueError: a marker is missing.
    """
    for name, make in TABLES.items():
        begin, end = f"<!-- generated: {name} -->\n", f"\n<!-- end: {name} -->"
        first = text.index(begin) + len(begin)
        text = text[:first] + make() + text[text.index(end, first - 1) :]
    return text


def _commands(command: Any, path: str) -> Iterator[Row]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from _commands(inner, f"{path} {name}")
        return
    words = [_word(each) for each in command.params if each.param_type_name == "argument"]
    options = [_option(each) for each in command.params if each.param_type_name == "option"]
    shown = [option for option in options if option != "`--config`"]
    does = " ".join(command.help.partition("\n\n")[0].split())
    yield f"`{' '.join([path, *words])}`", does, ", ".join(shown) or "-"


def _word(argument: Any) -> str:
    word = (argument.metavar or argument.name.upper()) + ("..." if argument.nargs < 0 else "")
    return word if argument.required else f"[{word}]"


def _option(option: Any) -> str:
    return (
        "`" + "/".join(max(names, key=len) for names in (option.opts, option.secondary_opts) if names) + "`"
    )


def _table(head: Row, rows: Iterable[Row]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ("---",) * len(head), *rows))


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python tests/repository/readme_reference.py --write")
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
