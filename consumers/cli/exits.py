"""How a command ends: exit codes, and errors as one readable message instead of a traceback."""

import asyncio
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Final, Never, TypeVar

import typer
from aiokafka.errors import KafkaError

from consumers.app.config_file import ConfigFile, InvalidConfigError, Mistake, read_config
from consumers.cli.screen import err, plain
from consumers.errors import ConfigurationError, PointsmanError
from schemas.errors import SchemaError

FAILED: Final = 1
"""The work was tried and did not succeed."""
USAGE: Final = 2
"""The command line or the configuration is wrong; nothing was tried."""
BELOW: Final = 3
"""An evaluation came out worse than `--fail-under` allows."""

Result = TypeVar("Result")


def perform(work: Coroutine[None, None, Result]) -> Result:
    """Run a command's work to its end; what goes wrong is printed to standard error and ends the process."""
    try:
        return asyncio.run(work)
    except (PointsmanError, SchemaError, KafkaError, TimeoutError, BaseExceptionGroup) as error:
        end_with(error)


def load(path: Path) -> ConfigFile:
    """Read the configuration; every mistake in it is printed and ends the process."""
    try:
        return read_config(path)
    except InvalidConfigError as error:
        end_with(error)


def end_with(error: BaseException) -> Never:
    """Print an error and end the process with the code that fits it."""
    found = _first(error)
    if isinstance(found, InvalidConfigError):
        print_mistakes(found.mistakes)
        raise typer.Exit(USAGE) from None
    _say(_text(found))
    raise typer.Exit(USAGE if isinstance(found, ConfigurationError) else FAILED) from None


def refuse(message: str) -> Never:
    """Print why the command line makes no sense and end the process."""
    _say(message)
    raise typer.Exit(USAGE)


def fail(message: str) -> Never:
    """Print why the work did not succeed and end the process."""
    _say(message)
    raise typer.Exit(FAILED)


def print_mistakes(mistakes: Iterable[Mistake], *, style: str = "red") -> None:
    """Print mistakes, or warnings in another colour, to standard error: place, what is wrong, and a hint under it."""
    console = err()
    for mistake in mistakes:
        console.print(
            f"{plain(mistake.where)}: {plain(mistake.message)}", markup=False, style=style, soft_wrap=True
        )
        if mistake.hint:
            console.print(f"    {plain(mistake.hint)}", markup=False, style="dim", soft_wrap=True)


def _say(message: str) -> None:
    err().print(plain(message), markup=False, style="red", soft_wrap=True)


def _first(error: BaseException) -> BaseException:
    """Look into groups: what a person can act on is the first error of ours, or else the first at all."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    inside = [_first(each) for each in error.exceptions]
    return next((each for each in inside if isinstance(each, PointsmanError | SchemaError)), inside[0])


def _text(error: BaseException) -> str:
    if isinstance(error, PointsmanError | SchemaError):
        return str(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ")
