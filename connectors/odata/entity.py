"""An entity set as the configuration exposes it: its keys, what is asked for, and what the model sees of an answer. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from pydantic import BaseModel, create_model

from connectors.odata.answers import etag_of
from connectors.odata.edm import EdmError, EntityType, Property, Version
from connectors.odata.literals import literal
from connectors.odata.metadata import Metadata
from connectors.odata.schemas import property_schema, python_type
from connectors.odata.settings import EntitySettings
from connectors.odata.values import from_wire, same, to_wire

ETAG: Final = "etag"
"""What the model calls the state that it read."""
_ETAG_SCHEMA: Final = {
    "type": "string",
    "maxLength": 300,
    # One of them and not `*` or several, which would be any state; and nothing that would be another header.
    "pattern": r'^(W/)?"[\x20\x21\x23-\x7e]*"$',
    "description": "The etag that was read with it: it is only changed if nobody has changed it since.",
}
_EXPAND_LIMIT: Final = 200
"""Entities of one navigation that are shown."""


@dataclass(frozen=True, slots=True)
class Expanded:
    """What is shown of the entities that a navigation leads to."""

    many: bool
    fields: Mapping[str, Property]


@dataclass(frozen=True, slots=True)
class Exposed:
    """An entity set, as far as the configuration exposes it.

    Attributes:
        set_name: the entity set.
        kind: its entity type.
        version: of the protocol.
        keys: the key's properties, in their order.
        fields: what is shown, by name; the key first.
        expanded: by navigation.
        describe: descriptions by property, in place of the metadata's.
        etag: whether changes need the ETag that was read.
        top: most entities of one answer.
    """

    set_name: str
    kind: EntityType
    version: Version
    keys: tuple[Property, ...]
    fields: Mapping[str, Property]
    expanded: Mapping[str, Expanded]
    describe: Mapping[str, str]
    etag: bool
    top: int

    def schema(self, found: Property) -> dict[str, Any]:
        """Return the schema of a property; raises EdmError where it cannot be used."""
        return property_schema(found, self.describe.get(found.name, ""))

    def key_schemas(self) -> dict[str, dict[str, Any]]:
        """Return the schemas of the key's properties."""
        return {each.name: self.schema(each) for each in self.keys}

    def path(self, arguments: Mapping[str, Any]) -> str:
        """Return the segment of one entity, such as `Orders(ID=1,Part='a')`.

        Raises:
            FailedError: code `invalid_argument`.
        """
        said = [
            (each.name, literal(each.type, arguments[each.name], self.version, each.name))
            for each in self.keys
        ]
        inner = said[0][1] if len(said) == 1 else ",".join(f"{name}={value}" for name, value in said)
        return f"{self.set_name}({inner})"

    def shape(self, select: Iterable[str] = (), expand: Iterable[str] = ()) -> tuple[tuple[str, str], ...]:
        """Return the query that asks for some of the fields and navigations: all of the fields where none are named."""
        chosen = [name for name in self.fields if name in set(select)] or list(self.fields)
        chosen = [*dict.fromkeys((*self.kind.keys, *chosen))]
        opened = [name for name in self.expanded if name in set(expand)]
        if self.version == "v2":
            inner = [f"{name}/{field}" for name in opened for field in self.expanded[name].fields]
            pairs = [("$select", ",".join((*chosen, *inner)))]
            return (*pairs, ("$expand", ",".join(opened))) if opened else (*pairs,)
        inner = [f"{name}($select={','.join(self.expanded[name].fields)})" for name in opened]
        pairs = [("$select", ",".join(chosen))]
        return (*pairs, ("$expand", ",".join(inner))) if opened else (*pairs,)

    def shown(self, entity: Mapping[str, Any], etag: str | None = None) -> dict[str, Any]:
        """Return what the model sees of an entity."""
        found = _plain(self.fields, entity, self.version)
        for name, each in self.expanded.items():
            inner: Any = entity.get(name)
            if isinstance(inner, dict) and "results" in inner:
                inner = cast("dict[str, Any]", inner)["results"]
            if isinstance(inner, list):
                rows = cast("list[Any]", inner)[:_EXPAND_LIMIT]
                found[name] = [
                    _plain(each.fields, row, self.version) for row in rows if isinstance(row, dict)
                ]
            elif isinstance(inner, dict) and "__deferred" not in inner:
                found[name] = _plain(each.fields, cast("dict[str, Any]", inner), self.version)
        said = etag_of(entity) if etag is None else etag
        return {**found, ETAG: said} if self.etag and said is not None else found

    def wire(self, properties: Mapping[str, Property], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments as the service takes them, by property; raises FailedError."""
        return {
            name: to_wire(each.type, arguments[name], self.version, name)
            for name, each in properties.items()
            if name in arguments
        }

    def differs(self, entity: Mapping[str, Any], sent: Mapping[str, Any]) -> list[str]:
        """Return the names of what was sent and is not so in an entity that was read; both as the service has them."""
        types = self.kind.properties
        return [
            name
            for name, value in sent.items()
            if name in types and not same(types[name].type, entity.get(name), value, self.version)
        ]

    def result(self, name: str, *navigations: str) -> type[BaseModel]:
        """Return the model of what is shown, so that other actions can be told what this one returns."""
        fields: dict[str, Any] = {
            each.name: (python_type(each.type) | None, None)
            for each in self.fields.values()
            if not each.name.startswith("_")
        }
        for navigation in navigations:
            many = self.expanded[navigation].many
            fields[navigation] = ((list[dict[str, Any]] if many else dict[str, Any]) | None, None)
        if self.etag:
            fields[ETAG] = (str | None, None)
        return create_model(name, **fields)


def etag_schema() -> dict[str, Any]:
    """Return the schema of the state that a change depends on."""
    return dict(_ETAG_SCHEMA)


def expose(metadata: Metadata, set_name: str, own: EntitySettings, version: Version) -> Exposed:
    """Return an entity set as its settings expose it; raises EdmError."""
    kind = metadata.entity(metadata.sets[set_name])
    fields = chosen(kind, (*kind.keys, *own.fields))
    chosen(kind, own.describe)
    expanded: dict[str, Expanded] = {}
    for name, inner in own.expand.items():
        navigation = kind.navigations.get(name)
        if navigation is None:
            raise EdmError(f"{kind.name} has no navigation {name}; it has {', '.join(kind.navigations)}")
        expanded[name] = Expanded(navigation.many, chosen(metadata.entity(navigation.target), inner))
    etag = own.etag if own.etag is not None else kind.versioned or set_name in metadata.versioned_sets
    if etag and ETAG in {*fields, *expanded}:
        raise EdmError(f"a field is called {ETAG}, as is the state that was read: leave it out")
    keys = tuple(kind.properties[name] for name in kind.keys)
    return Exposed(set_name, kind, version, keys, fields, expanded, own.describe, etag, own.top)


def chosen(kind: EntityType, names: Iterable[str]) -> dict[str, Property]:
    """Return properties by name, each once; raises EdmError for one that is not there or cannot be used."""
    made: dict[str, Property] = {}
    for name in names:
        if name not in kind.properties:
            known = ", ".join(sorted(kind.properties))
            raise EdmError(f"{kind.name} has no property {name} that can be used; it has {known}")
        made[name] = kind.properties[name]
        property_schema(made[name])
    return made


def _plain(fields: Mapping[str, Property], entity: Mapping[str, Any], version: Version) -> dict[str, Any]:
    return {
        name: from_wire(each.type, entity[name], version) for name, each in fields.items() if name in entity
    }
