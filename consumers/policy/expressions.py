"""CEL expressions (https://cel.dev): always terminate, do no I/O, and so are safe to evaluate on hostile data."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import cel

FUNCTIONS: Final = frozenset(
    (
        *("size", "contains", "startsWith", "endsWith", "matches", "type", "dyn"),
        *("int", "uint", "double", "string", "bytes", "duration", "timestamp"),
        *("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"),
        *("getHours", "getMinutes", "getSeconds", "getMilliseconds"),
    )
)
"""The functions that may be called; operators and macros (`has`, `all`, `exists`, `exists_one`, `filter`, `map`) beside them."""

_BOUND: Final = re.compile(r"\.\s*(?:all|exists|exists_one|filter|map)\s*\(\s*([A-Za-z_]\w*)\s*,")
"""A macro and the name it binds, such as `h` in `session.history.exists(h, h.status == "success")`."""


class ExpressionError(ValueError):
    """An expression that does not parse, uses an unknown name, or has no value; the message goes on from `rule "x" `."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression.

    Attributes:
        source: as it was written.
        program: compiled.
        names: the variables it uses.
    """

    source: str
    program: cel.Program
    names: frozenset[str]


def compiled(source: str, variables: frozenset[str]) -> Expression:
    """Compile an expression and check the names it uses.

    Raises:
        ExpressionError: it does not parse, or uses a variable or function that is not known.
    """
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise ExpressionError(f"does not parse: {_first_line(error)}") from error
    names = frozenset(program.variables())
    # The parser lists what macros bind as well. A name that slips through here fails when evaluated.
    _refuse(names - variables - set(_BOUND.findall(source)), variables)
    _refuse({called for called in program.functions() if called.isidentifier()} - FUNCTIONS, FUNCTIONS)
    return Expression(source, program, names & variables)


def facts_for(expressions: Collection[Expression], facts: Mapping[str, Any]) -> cel.Context:
    """Convert facts for some expressions, once for all of them: that costs far more than evaluating.

    What the session remembers is most of all facts: each part is left out unless an expression says its name. One that
    reached for it in any other way cannot be evaluated.

    Raises:
        ExpressionError: they hold what CEL cannot say; what was JSON never does.
    """
    names = frozenset[str]().union(*(each.names for each in expressions))
    variables = {name: facts[name] for name in names if name in facts}
    if "session" in variables:
        variables["session"] = {
            name: fact
            for name, fact in facts["session"].items()
            if name == "results" or any(name in each.source for each in expressions)
        }
    try:
        return cel.Context(variables=variables)
    except ValueError as error:
        raise ExpressionError(f"cannot be evaluated: {_first_line(error)}") from error


def value_of(expression: Expression, facts: cel.Context) -> Any:
    """Evaluate an expression.

    Raises:
        ExpressionError: it has no value on these facts.
    """
    try:
        return expression.program.execute(facts)
    except (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError) as error:
        raise ExpressionError(f"cannot be evaluated: {_first_line(error)}") from error


def _refuse(unknown: Collection[str], known: Collection[str]) -> None:
    if unknown:
        raise ExpressionError(f"uses {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
