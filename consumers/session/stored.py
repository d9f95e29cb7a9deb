"""What a store holds, read back. What cannot be read is named where it is read. Pure.

A store is outside: an operator's hand, a half restored backup or another version may have left there what no worker
of ours wrote.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from pydantic import ValidationError

Body = Mapping[str, Any]


class DamagedError(ValueError):
    """Something stored cannot be read.

    Attributes:
        place: which entry of a journal, or `context`.
        problem: what is wrong with it, without the data itself.
    """

    def __init__(self, at: str, problem: str) -> None:
        super().__init__(f"{at}: {problem}")
        self.place = at
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Stored:
    """A journal as far as it can be read, and what is wrong with the rest, by place."""

    entries: Mapping[str, Body]
    damaged: Mapping[str, str]

    def whole(self) -> Mapping[str, Body]:
        """Return the entries.

        Raises:
            DamagedError: there is something wrong.
        """
        for at, problem in self.damaged.items():
            raise DamagedError(at, problem)
        return self.entries


def read_journal(stored: Mapping[bytes, bytes]) -> Stored:
    """Read the fields of a journal; those that begin with `#` are the store's own."""
    entries: dict[str, Body] = {}
    damaged: dict[str, str] = {}
    for name, body in stored.items():
        if name[:1] == b"#":
            continue
        at = name.decode(errors="backslashreplace")
        try:
            entries[at] = read_entry(at, body)
        except DamagedError as error:
            damaged[at] = error.problem
    return Stored(entries, damaged)


def read_entry(at: str, stored: bytes) -> Body:
    """Read one field of a journal.

    Raises:
        DamagedError: it is no entry.
    """
    try:
        value: object = orjson.loads(stored)
    except orjson.JSONDecodeError as error:
        raise DamagedError(at, "is no JSON") from error
    if not isinstance(value, dict):
        raise DamagedError(at, "is no JSON object")
    return cast("dict[str, Any]", value)


def problem_of(error: ValidationError) -> str:
    """Return in a few words what is wrong, and where, without the data."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else str(first["msg"])
