"""Named parameters of a statement: `:name` in an operator's text becomes `$n`, bound by the driver and never spliced. Pure.

The text is otherwise kept as it is. What looks like a parameter inside a string, a quoted name, a dollar quote or a comment is
none, and neither is a cast (`::`). The parameters of other dialects, `?` and `$1`, are refused: who reads the configuration should
see names.
"""

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""
      (?P<skipped> [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | :: | := )
    | (?P<comment> /\* )
    | (?P<dollar> \$(?:[A-Za-z_]\w*)?\$ )
    | (?P<name> :[a-z_][a-z0-9_]* )
    | (?P<foreign> \?  | \$\d+ )
    | (?P<open> ['"] )
    | (?P<word> [A-Za-z_][\w$]* )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_COMMENT: Final = re.compile(r"/\*|\*/")


class PlaceholderError(Exception):
    """A statement's parameters cannot be told from its text; says which and what to write."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A statement whose parameters are numbered.

    Attributes:
        sql: the operator's text with `$1`, `$2`, … in it.
        names: the parameters' names in the order of their numbers, each once.
    """

    sql: str
    names: tuple[str, ...]


def numbered(sql: str) -> Numbered:
    """Return the statement with its `:name` parameters numbered.

    Raises:
        PlaceholderError: it uses `?` or `$1`, or has a string, name or comment that does not end.
    """
    made: list[str] = []
    names: dict[str, int] = {}
    at = 0
    while found := _TOKEN.search(sql, at):
        made.append(sql[at : found.start()])
        kept, at = _token(sql, found, names)
        made.append(kept)
    made.append(sql[at:])
    return Numbered("".join(made), tuple(names))


def _token(sql: str, found: re.Match[str], names: dict[str, int]) -> tuple[str, int]:
    """Return what stands for a token, and where the text goes on."""
    text = found[0]
    match found.lastgroup:
        case "name":
            return f"${names.setdefault(text[1:], len(names) + 1)}", found.end()
        case "foreign":
            raise PlaceholderError(f"uses {text} for a parameter: write its name, as in `:customer_id`")
        case "open":
            raise PlaceholderError(f"has a {text} that is not closed")
        case "comment":
            end = _end_of_comment(sql, found.end())
        case "dollar":
            end = sql.find(text, found.end())
            if end < 0:
                raise PlaceholderError(f"has a {text} that is not closed")
            end += len(text)
        case _:
            end = found.end()
    return sql[found.start() : end], end


def _end_of_comment(sql: str, at: int) -> int:
    """Return where a comment ends; one may hold others."""
    depth = 1
    while depth:
        found = _COMMENT.search(sql, at)
        if not found:
            raise PlaceholderError("has a comment that is not closed")
        depth += 1 if found[0] == "/*" else -1
        at = found.end()
    return at
