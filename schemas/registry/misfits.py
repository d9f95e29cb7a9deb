"""Whether one Avro type can be read as another: names, sizes, promotions, logical types. Pure, and not deeper than the type."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, cast

from schemas.registry.type_words import kind_of, logical_type, type_words

_PROMOTED: Final[Mapping[str, frozenset[str]]] = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}
"""What a type may be read as, beside itself."""

NAMED: Final = frozenset({"record", "enum", "fixed"})
"""Types with a name that can be referred to."""


class Kind(StrEnum):
    """What does not fit."""

    TYPE = "type"
    NAME = "name"
    NO_DEFAULT = "no-default"
    ALIAS = "alias"
    SYMBOLS = "symbols"
    SIZE = "size"
    BRANCH = "branch"
    DECIMAL = "decimal"
    LOGICAL_TYPE = "logical-type"
    TOO_LARGE = "too-large"
    LOST = "lost"
    REFUSED = "refused"
    NOT_TAKEN = "not-taken"


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why one type cannot be read as another, and where below them."""

    kind: Kind
    message: str
    below: str = ""


def misfit(reader: Any, writer: Any) -> Misfit | None:
    """Return why two types that are no unions, arrays or maps do not match, or None; fields and symbols are not looked at."""
    read, written = kind_of(reader), kind_of(writer)
    if read != written and read not in _PROMOTED.get(written, ()):
        return Misfit(Kind.TYPE, f"written as {type_words(writer)}, read as {type_words(reader)}")
    return _name_misfit(reader, writer) or _meaning_misfit(reader, writer)


def field_sources(fields: Sequence[Any], written: Container[str]) -> dict[str, list[str]]:
    """Return for each field of a reader, by name, which of the writer's fields could be it: by its name, or by an alias.

    A name goes before an alias: a written field that has a namesake is not also another one under an old name.
    """
    own = {str(each["name"]) for each in fields}
    return {
        str(each["name"]): [
            name
            for name in dict.fromkeys((str(each["name"]), *map(str, each.get("aliases", ()))))
            if name in written and (name == each["name"] or name not in own)
        ]
        for each in fields
    }


def _name_misfit(reader: Any, writer: Any) -> Misfit | None:
    kind = kind_of(reader)
    if kind not in NAMED:
        return None
    read, written = str(reader["name"]), str(writer["name"])
    if _last(read) != _last(written) and written not in _aliases(reader):
        message = f"written as {type_words(writer)}, read as {type_words(reader)}: keep the name, or let the reader have it as an alias"
        return Misfit(Kind.NAME, message)
    if kind == "fixed" and reader["size"] != writer["size"]:
        return Misfit(
            Kind.SIZE, f"{written} is written with {writer['size']} bytes, read with {reader['size']}"
        )
    return None


def _meaning_misfit(reader: Any, writer: Any) -> Misfit | None:
    read, written = logical_type(reader), logical_type(writer)
    if not read or not written or read == written:
        return None
    if read.startswith("decimal") and written.startswith("decimal"):
        return Misfit(Kind.DECIMAL, f"written as {written}, read as {read}: precision and scale must stay")
    message = f"written as {written}, read as {read}: readers would take the one for the other"
    return Misfit(Kind.LOGICAL_TYPE, message)


def _aliases(reader: Any) -> frozenset[str]:
    """Return the full names that a type is also known by: an alias without a namespace is in the type's own."""
    space = str(reader["name"]).rpartition(".")[0]
    aliases = reader.get("aliases")
    if not isinstance(aliases, list):  # fastavro looks at those of fields only
        return frozenset()
    names = map(str, cast("list[Any]", aliases))
    return frozenset(name if "." in name or not space else f"{space}.{name}" for name in names)


def _last(name: str) -> str:
    return name.rpartition(".")[2]
