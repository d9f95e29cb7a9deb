"""Small changes of a Lua script, one at a time. No parser: tokens outside comments, and whole lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Change:
    """One changed script.

    Attributes:
        line: its number, from 1.
        before: the line as it is.
        after: the line as it is now; empty where it is left out.
        source: the whole changed script.
    """

    line: int
    before: str
    after: str
    source: str


_TOKEN: Final = re.compile(
    r"""
      (?P<text>'[^']*')
    | (?P<comparison>==|~=|<=|>=|<|>)
    | (?P<word>\b(?:and|or|not|true|false|nil)\b)
    | (?P<number>(?<![\w.])\d+(?![\w.]))
    | (?P<arithmetic>(?<=[\w)\]]\ )[-+*/](?=\ ))
    | (?P<length>\#(?=\w))
    """,
    re.VERBOSE,
)
_OTHERS: Final = {
    "==": ("~=",),
    "~=": ("==",),
    "<": ("<=", ">="),
    ">": (">=", "<="),
    "<=": ("<", ">"),
    ">=": (">", "<"),
    "and": ("or",),
    "or": ("and",),
    "not": ("",),
    "true": ("false",),
    "false": ("true",),
    "nil": ("false",),
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
    "#": ("1 + #",),
}
_STATEMENT: Final = re.compile(
    r"(redis\.call|renew|give_back|expire)\(.*\)|if .* then .* end|[\w.\[\], #+]+ = .*|return .*"
)
"""A line that may be left out; declarations stay, for without one nothing would run at all."""


def changes(source: str) -> Iterator[Change]:
    """Yield every change of a script; none is the same as the script, and none changes a comment."""
    lines = source.splitlines(keepends=True)
    for at, line in enumerate(lines):
        code, comment = _split(line)
        for after in _changed(code):
            changed = [*lines[:at], after + comment, *lines[at + 1 :]]
            yield Change(at + 1, line.strip(), after.strip(), "".join(changed))
        if _STATEMENT.fullmatch(code.strip()):
            yield Change(at + 1, line.strip(), "", "".join([*lines[:at], "\n", *lines[at + 1 :]]))


def _split(line: str) -> tuple[str, str]:
    code, dashes, comment = line.partition("--")
    return code, dashes + comment


def _changed(code: str) -> Iterator[str]:
    for found in _TOKEN.finditer(code):
        token = found.group()
        for other in _others(token):
            yield code[: found.start()] + other + code[found.end() :]


def _others(token: str) -> tuple[str, ...]:
    if token.startswith("'"):
        return (f"{token[:-1]}XX'",)
    if token.isdigit():
        return (str(int(token) + 1),)
    return _OTHERS[token]
