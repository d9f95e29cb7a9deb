"""What a reader with one schema cannot read of what was written with another: Avro 1.12, "Schema Resolution". Pure.

Two rules are stricter than what most readers do:
- Decimals match only where precision and scale are the same, as the specification says; many readers do not look.
- Two different logical types do not match (`timestamp-millis` beside `timestamp-micros`). The specification compares what is
  below them only, and a reader that takes its own schema's word for the unit is wrong by a factor of a thousand. Where one side
  has no logical type, what is below decides.
Whether a text is read as bytes, or bytes that are UTF-8 as a text, is a promotion and no incompatibility.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

from schemas.registry.avro_schema import AvroSchema
from schemas.registry.lint import DEPTH
from schemas.registry.misfits import NAMED, Kind, Misfit, field_sources, misfit
from schemas.registry.type_words import kind_of, listed, type_words

COMPARISONS: Final = 100_000
"""Pairs of types that are compared of two schemas; two unions of some thousand branches would keep a process busy for minutes."""
FINDINGS: Final = 50
"""So many are told of two schemas."""

_LEVELS: Final = 3 * DEPTH
"""A level of what the lint lets pass is up to two here, since unions count as well."""

_INSIDE: Final[Mapping[str, tuple[str, str]]] = {"array": ("items", "[]"), "map": ("values", "{}")}
"""What holds others of one type: the member that says which, and how a path shows it."""


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One reason why a reader fails, or takes a value for another.

    Attributes:
        path: where, by the reader's names: `lines[].sku`, `prices{}`; empty for the record itself.
        kind: what does not fit.
        message: the same for a person, with what would mend it where something would. Names in it are the schemas' own.
    """

    path: str
    kind: Kind
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def incompatibilities(reader: AvroSchema, writer: AvroSchema) -> tuple[Incompatibility, ...]:
    """Return why a reader with the one schema cannot read every record of a writer with the other; empty if it can.

    Bounded by COMPARISONS, and by FINDINGS told; what was not compared to its end counts as incompatible. Each pair of named types is
    compared once, at the first path that leads to it.
    """
    comparison = _Comparison(_named(reader.parsed), _named(writer.parsed))
    found: list[Incompatibility] = []
    try:
        for each in comparison.resolve(reader.parsed, writer.parsed, ""):
            if len(found) == FINDINGS:
                found.append(Incompatibility("", Kind.TOO_LARGE, f"and more: {FINDINGS} are told"))
                break
            found.append(each)
    except _TooLargeError as error:
        found.append(Incompatibility("", Kind.TOO_LARGE, str(error)))
    return tuple(found)


class _TooLargeError(Exception):
    """The comparison was given up."""


@dataclass(slots=True)
class _Comparison:
    """One pass over two schemas. A text in a schema is a primitive type, or one of these names."""

    reader_types: Mapping[str, Any]
    writer_types: Mapping[str, Any]
    compared: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    steps: int = 0

    def resolve(self, reader: Any, writer: Any, path: str, depth: int = 0) -> Iterator[Incompatibility]:
        """Yield what keeps a value of the writer from being read."""
        self._count(depth)
        reader, writer = self._meant(reader, writer)
        if isinstance(writer, list):
            for branch in cast("list[Any]", writer):
                yield from self._branch(reader, branch, path, depth + 1)
        elif isinstance(reader, list):
            yield from self._branch(reader, writer, path, depth + 1)
        else:
            yield from self._pair(reader, writer, path, depth)

    def _branch(self, reader: Any, written: Any, path: str, depth: int) -> Iterator[Incompatibility]:
        """Read one branch: with the first of the reader's that matches it, whatever is inside of them."""
        branches = cast("list[Any]", reader) if isinstance(reader, list) else [reader]
        misfits: list[Misfit] = []
        for branch in branches:
            found = self._misfit(branch, written)
            if found is None:
                yield from self.resolve(branch, written, path, depth)
                return
            misfits.append(found)
        closest = next((each for each in misfits if each.kind is not Kind.TYPE), None)
        if closest:
            yield _at(path, closest)
            return
        expected = listed([type_words(each) for each in branches])
        hint = "let the reader have a branch for it" if len(branches) > 1 else "let the reader have a union"
        message = f"may be written as {type_words(written)}, and is read as {expected}: {hint}"
        yield Incompatibility(path, Kind.BRANCH, message)

    def _pair(self, reader: Any, writer: Any, path: str, depth: int) -> Iterator[Incompatibility]:
        kind = kind_of(reader)
        if kind == kind_of(writer) and kind in _INSIDE:
            member, mark = _INSIDE[kind]
            yield from self.resolve(reader[member], writer[member], path + mark, depth + 1)
            return
        found = self._misfit(reader, writer)
        if found:
            yield _at(path, found)
            return
        if kind not in {"record", "enum"}:
            return
        names = (str(reader["name"]), str(writer["name"]))
        if names in self.compared:
            return
        self.compared.add(names)
        if kind == "enum":
            yield from _symbols(reader, writer, path)
        else:
            yield from self._fields(reader, writer, path, depth)

    def _fields(self, reader: Any, writer: Any, path: str, depth: int) -> Iterator[Incompatibility]:
        written = {str(each["name"]): each for each in writer["fields"]}
        sources = field_sources(reader["fields"], written)
        claims = Counter(name for names in sources.values() for name in names)
        for each in reader["fields"]:
            name, names = str(each["name"]), sources[str(each["name"])]
            at = f"{path}.{name}" if path else name
            if len(names) > 1 or any(claims[one] > 1 for one in names):
                message = f"by names and aliases, {listed(names)} of the writer could be meant, or belong to more than one field"
                yield Incompatibility(at, Kind.ALIAS, f"{message}: let each field have one source")
            elif names:
                yield from self.resolve(each["type"], written[names[0]]["type"], at, depth + 1)
            elif "default" not in each:
                yield Incompatibility(
                    at, Kind.NO_DEFAULT, "is not written, and the reader has no default for it: give it one"
                )

    def _misfit(self, reader: Any, writer: Any) -> Misfit | None:
        """Return why two types do not match at all, or None; fields and symbols are not looked at."""
        self._count(0)
        reader, writer = self._meant(reader, writer)
        if isinstance(reader, list) or isinstance(writer, list):
            return None  # which branch it is shows in the value
        kind = kind_of(reader)
        if kind == kind_of(writer) and kind in _INSIDE:
            member, mark = _INSIDE[kind]
            inside = self._misfit(reader[member], writer[member])
            return replace(inside, below=mark + inside.below) if inside else None
        return misfit(reader, writer)

    def _meant(self, reader: Any, writer: Any) -> tuple[Any, Any]:
        """Return the types that two names stand for."""
        if isinstance(reader, str):
            reader = self.reader_types.get(reader, reader)
        if isinstance(writer, str):
            writer = self.writer_types.get(writer, writer)
        return reader, writer

    def _count(self, depth: int) -> None:
        self.steps += 1
        if self.steps > COMPARISONS:
            raise _TooLargeError(f"not compared to the end: more than {COMPARISONS} pairs of types")
        if depth > _LEVELS:
            raise _TooLargeError(f"not compared to the end: nested deeper than {_LEVELS} levels")


def _at(path: str, found: Misfit) -> Incompatibility:
    return Incompatibility(path + found.below, found.kind, found.message)


def _symbols(reader: Any, writer: Any, path: str) -> Iterator[Incompatibility]:
    known = frozenset(reader["symbols"])
    unknown = [symbol for symbol in writer["symbols"] if symbol not in known]
    if unknown and "default" not in reader:
        message = f"{listed(unknown)} of {reader['name']} may be written, and the reader knows no such symbol and has no default symbol"
        yield Incompatibility(path, Kind.SYMBOLS, message)


def _named(schema: Any) -> dict[str, Any]:
    """Return every named type of a parsed schema by its full name."""
    found: dict[str, Any] = {}
    open_nodes: list[Any] = [schema]
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, list):
            open_nodes += cast("list[Any]", node)
        elif isinstance(node, Mapping):
            kind = kind_of(node)
            if kind in NAMED:
                found[str(node["name"])] = node
            if kind == "record":
                open_nodes += [each["type"] for each in node["fields"]]
            elif kind in _INSIDE:
                open_nodes.append(node[_INSIDE[kind][0]])
    return found
