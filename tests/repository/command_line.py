"""Command lines of the documentation against the commands there are."""

import contextlib
import shlex
from pathlib import Path
from typing import Any, Final

import typer

from consumers.cli.main import app

_SHELL: Final = frozenset({"|", ">", ">>", "&&", ";"})
"""Words that end a command."""


def parse(line: str) -> None:
    """Parse a `pointsman …` line as the command would, without running it.

    Raises:
        AssertionError: there is no such command.
        Exception: typer's own, for an option or argument that does not fit.
    """
    command: Any = typer.main.get_command(app)
    words, path = _arguments(line), "pointsman"
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"{path} has no command {name}"
        command, path = command.commands[name], f"{path} {name}"
    if hasattr(command, "commands") and not words:
        return  # a group, named for all its commands
    with contextlib.suppress(typer.Exit):  # --help and --version end here
        command.make_context(path, words)


def _arguments(line: str) -> list[str]:
    """Return the words after `pointsman`, up to a pipe, a redirection or the next command."""
    words = shlex.split(line, comments=True)
    start = next(index for index, word in enumerate(words) if Path(word).name == "pointsman")
    end = next((index for index, word in enumerate(words) if word in _SHELL), len(words))
    return words[start + 1 : end]
