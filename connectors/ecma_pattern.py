"""Patterns of JSON Schema, which are JavaScript's, for the engine that checks them here, which is Rust's. Pure.

Rust's engine has no look-around and no back-references, and so never backtracks: no pattern and no text can make it
hang. What it does not know is refused rather than left unchecked.
"""

import re
from typing import Final

from pydantic_core import SchemaError, SchemaValidator, core_schema

PATTERN_LIMIT: Final = 1_000
"""Characters of a pattern."""

_TOKEN: Final = re.compile(r"\\.|\[\^?|.", re.DOTALL)
_OUTSIDE: Final = {
    r"\d": "[0-9]",
    r"\D": "[^0-9]",
    r"\w": "[A-Za-z0-9_]",
    r"\W": "[^A-Za-z0-9_]",
    r"\b": r"(?-u:\b)",
    r"\B": r"(?-u:\B)",
}
_INSIDE: Final = {
    r"\d": "0-9",
    r"\D": "[^0-9]",
    r"\w": "A-Za-z0-9_",
    r"\W": "[^A-Za-z0-9_]",
    # These begin a nested class or combine two in Rust, and stand for themselves in JavaScript.
    "[": r"\[",
    "[^": r"\[\^",
    "&": r"\&",
    "~": r"\~",
}


class PatternError(ValueError):
    """A pattern that is not checked here; the message says why."""


def rust_pattern(pattern: str) -> str:
    r"""Return a pattern that means here what it means in JavaScript: `\d`, `\w` and `\b` are ASCII there.

    Raises:
        PatternError: for look-around, back-references, and what is too large.
    """
    if len(pattern) > PATTERN_LIMIT:
        raise PatternError(f"its pattern has {len(pattern)} characters, more than {PATTERN_LIMIT}")
    translated = _translated(pattern)
    try:
        # The check's own builder, so that what passes here cannot fail when the model is built.
        SchemaValidator(core_schema.str_schema(pattern=translated))
    except SchemaError as error:
        why = " ".join(str(error).rpartition("error: ")[2].split())
        raise PatternError(f"its pattern cannot be checked here: {why}") from error
    return translated


def _translated(pattern: str) -> str:
    written: list[str] = []
    in_class = False
    before = ""
    opened = False
    part: str
    for part in (found[0] for found in _TOKEN.finditer(pattern)):
        if in_class:
            if part == "]" and opened:
                raise PatternError("its pattern has an empty class; write what it shall match")
            if part == before == "-":
                raise PatternError(r"its pattern has `--` inside a class; write `\-`")
            written.append(_INSIDE.get(part, part))
            in_class, opened = part != "]", False
        else:
            written.append(_OUTSIDE.get(part, part))
            in_class = opened = part in {"[", "[^"}
        before = part
    return "".join(written)
