"""CEL expressions of a script, and values that may contain them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, cast

import cel

from consumers.offline.marked_yaml import Location

VARIABLES: Final = frozenset({"event", "session", "results", "errors", "calls", "turn", "tools"})
"""The names an expression may use."""

_EVALUATION_ERRORS: Final = (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError)
_MACRO_NAME: Final = re.compile(r"\.(?:all|exists|exists_one|filter|map)\(\s*(\w+)\s*,")


class MistakeError(Exception):
    """A mistake in a script, found at load.

    Attributes:
        at: where it stands.
    """

    def __init__(self, at: Location, message: str) -> None:
        super().__init__(message)
        self.at = at


class EvaluationError(Exception):
    """An expression has no value for this conversation: a missing key, a wrong type."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled CEL expression."""

    source: str
    program: cel.Program

    def evaluate(self, facts: cel.Context) -> Any:
        """Return the value.

        Raises:
            EvaluationError: there is none; the message names the expression and the cause.
        """
        try:
            return self.program.execute(facts)
        except KeyError as error:
            raise EvaluationError(f"{self.source}: there is no {error}") from error
        except _EVALUATION_ERRORS as error:
            raise EvaluationError(f"{self.source}: {_first_sentence(error)}") from error

    def holds(self, facts: cel.Context) -> bool:
        """Return the value of a condition.

        Raises:
            EvaluationError: it has none, or one that is neither true nor false.
        """
        value = self.evaluate(facts)
        if not isinstance(value, bool):
            raise EvaluationError(f"{self.source}: gives {type(value).__name__}, not true or false")
        return value


def facts_of(variables: Mapping[str, Any]) -> cel.Context:
    """Turn variables into CEL's values, once for all expressions of an answer.

    Raises:
        EvaluationError: one of them is nothing that CEL knows.
    """
    try:
        return cel.Context(variables=dict(variables))
    except _EVALUATION_ERRORS as error:
        raise EvaluationError(f"the conversation cannot be read: {_first_sentence(error)}") from error


def compile_expression(source: str, at: Location) -> Expression:
    """Compile CEL and check the names it uses.

    Raises:
        MistakeError: it does not parse, or uses a name that scripts do not have.
    """
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise MistakeError(at, f"does not parse: {_first_sentence(error)}") from error
    bound = set(_MACRO_NAME.findall(source))
    for name in program.variables():
        if name not in VARIABLES and name not in bound:
            raise MistakeError(at, f"uses {name}; {_hint(name)}")
    return Expression(source, program)


def compile_value(value: Any, at: Location) -> Any:
    """Compile a value of a script: strings that begin with `=` are expressions, at any depth.

    A string that shall begin with `=` itself is written with two of them.

    Raises:
        MistakeError: one of the expressions is wrong.
    """
    if isinstance(value, str):
        if value.startswith("=="):
            return value[1:]
        return compile_expression(value[1:].strip(), at) if value.startswith("=") else value
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).items()
        return {key: compile_value(item, (*at, key)) for key, item in entries}
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [compile_value(item, (*at, index)) for index, item in enumerate(items)]
    return value


def fill(value: Any, facts: cel.Context) -> Any:
    """Return what `compile_value` returned with every expression replaced by its value.

    Raises:
        EvaluationError: one of them has none.
    """
    if isinstance(value, Expression):
        return value.evaluate(facts)
    if isinstance(value, dict):
        return {key: fill(item, facts) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [fill(item, facts) for item in cast("list[Any]", value)]
    return value


def names_in(values: Sequence[Any]) -> frozenset[str]:
    """Return the variables that compiled values use."""
    names: set[str] = set()
    for value in values:
        if isinstance(value, Expression):
            names.update(VARIABLES.intersection(value.program.variables()))
        elif isinstance(value, dict):
            names |= names_in(list(cast("dict[str, Any]", value).values()))
        elif isinstance(value, list):
            names |= names_in(cast("list[Any]", value))
    return frozenset(names)


def _hint(name: str) -> str:
    close = get_close_matches(name, VARIABLES, n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(VARIABLES))}"


def _first_sentence(error: Exception) -> str:
    return str(error).partition("\n")[0].partition(". ")[0]
