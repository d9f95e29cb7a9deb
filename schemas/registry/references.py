"""Schemas that refer to others: one text that holds them all. Pure; the texts may come from outside.

A registry keeps types that several schemas share once, and names them as references. What reads with such a schema needs all
of it, so each named type is put where it is used first, under its full name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import orjson

from schemas.errors import SchemaError
from schemas.registry.lint import DEPTH, lint_source

REFERENCES: Final = 100
"""Schemas that one may refer to, with those that they refer to."""
REFERENCE_DEPTH: Final = 16
"""Levels of references."""

_NAMED: Final = frozenset({"record", "error", "enum", "fixed"})
_LEVELS: Final = 3 * DEPTH
"""Of JSON, after types are put where they are used."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a schema refers to.

    Attributes:
        subject: under which it is registered.
        version: of that subject.
    """

    subject: str
    version: int

    def __str__(self) -> str:
        return f"subject {self.subject}, version {self.version}"


@dataclass(frozen=True, slots=True)
class Referring:
    """A schema as the registry keeps it: its own text, and what that refers to."""

    text: str
    references: tuple[Reference, ...] = ()


def references_of(answer: Mapping[str, Any]) -> tuple[Reference, ...]:
    """Return the references in an answer of a registry.

    Raises:
        SchemaError: they are no references to versions of subjects, or too many.
    """
    said = answer.get("references") or []
    if not isinstance(said, list):
        raise SchemaError("its references are no list")
    if len(cast("list[Any]", said)) > REFERENCES:
        raise SchemaError(f"it refers to {len(cast('list[Any]', said))} schemas, the limit is {REFERENCES}")
    return tuple(map(_reference, cast("list[Any]", said)))


def inlined(text: str, referred: Sequence[str]) -> str:
    """Return the text of a schema with the types of others put where it uses them first.

    Args:
        text: the schema that refers.
        referred: the texts of all that it refers to, and of what those refer to.

    Raises:
        SchemaError: a text is no JSON or too deep, or two of them define one name differently.
    """
    whole, *others = [_loaded(each) for each in (text, *referred)]
    definitions: dict[str, _Definition] = {}
    for source in (*others, whole):
        for name, definition in _definitions(source, ""):
            if definitions.setdefault(name, definition) != definition:
                raise SchemaError(f"two schemas define {name} differently; let one refer to the other")
    return orjson.dumps(_Inlining(definitions).node(whole, "", 0)).decode()


@dataclass(frozen=True, slots=True)
class _Definition:
    """A named type, and the namespace around it."""

    node: dict[str, Any]
    space: str


@dataclass(slots=True)
class _Inlining:
    """One pass over a schema. Each named type is written out once, so the result is no longer than all texts together."""

    definitions: Mapping[str, _Definition]
    written: set[str] = field(default_factory=set[str])

    def node(self, node: Any, space: str, depth: int) -> Any:
        if depth > _LEVELS:
            raise SchemaError(
                f"the schema is nested deeper than {_LEVELS} levels of JSON with what it refers to"
            )
        if isinstance(node, str):
            name = _full(node, space)
            if name in self.written:
                return name
            found = self.definitions.get(name)
            return node if found is None else self._named(found.node, found.space, depth)
        if isinstance(node, list):
            return [self.node(each, space, depth + 1) for each in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node  # no schema, as whoever parses it will say
        schema = cast("dict[str, Any]", node)
        if _is_named(schema):
            return self._named(schema, space, depth)
        inner = [part for part in ("items", "values", "type") if part in schema]
        made = {**schema, **{part: self.node(schema[part], space, depth + 1) for part in inner}}
        # `{"type": "Name"}` with the type in place of its name is one that fastavro does not read.
        return made["type"] if isinstance(made.get("type"), dict | list) else made

    def _named(self, schema: dict[str, Any], space: str, depth: int) -> Any:
        name = _name(schema, space)
        if name in self.written:
            return name
        self.written.add(name)
        inside, _, last = name.rpartition(".")
        made = {**schema, "name": last, "namespace": inside}
        if isinstance(schema.get("fields"), list):
            made["fields"] = [
                {**each, "type": self.node(each["type"], inside, depth + 2)}
                if isinstance(each, dict) and "type" in each
                else each
                for each in cast("list[Any]", schema["fields"])
            ]
        return made


def _definitions(node: Any, space: str) -> Iterator[tuple[str, _Definition]]:
    if isinstance(node, list):
        for each in cast("list[Any]", node):
            yield from _definitions(each, space)
    elif isinstance(node, dict):
        schema = cast("dict[str, Any]", node)
        if not _is_named(schema):
            for part in ("items", "values", "type"):
                yield from _definitions(schema.get(part), space)
            return
        name = _name(schema, space)
        yield name, _Definition(schema, space)
        fields = schema.get("fields")
        for each in cast("list[Any]", fields) if isinstance(fields, list) else []:
            if isinstance(each, dict):
                yield from _definitions(cast("dict[str, Any]", each).get("type"), name.rpartition(".")[0])


def _is_named(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return isinstance(kind, str) and kind in _NAMED and isinstance(schema.get("name"), str)


def _name(schema: Mapping[str, Any], space: str) -> str:
    """Return a type's full name: one with a dot is whole, and else its own namespace counts before the one around it."""
    own = schema.get("namespace")
    return _full(str(schema["name"]), own if isinstance(own, str) else space)


def _full(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"


def _loaded(text: str) -> Any:
    try:
        source: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise SchemaError(f"the schema is no JSON: {error}") from error
    lint_source(source)
    return source


def _reference(said: object) -> Reference:
    about = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    subject, version = about.get("subject"), about.get("version")
    if (
        not isinstance(subject, str)
        or not isinstance(version, int)
        or isinstance(version, bool)
        or version < 1
    ):
        raise SchemaError("it refers to something that is no version of a subject")
    return Reference(subject, version)
