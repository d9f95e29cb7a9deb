"""From a service's `$metadata` to what actions are made of: entity sets, their types, operations. Pure.

Types are resolved when they are asked for, because the metadata of a large system describes thousands that nobody uses.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from connectors.odata.edm import (
    Complex,
    EdmError,
    EdmType,
    EntityType,
    Enumeration,
    Many,
    Navigation,
    Operation,
    Primitive,
    Property,
)
from connectors.odata.xml import inside, read_xml

_DEPTH_LIMIT: Final = 8
"""Complex types inside each other, and types that types are derived from."""
_CHOICES_LIMIT: Final = 100
_NAMED: Final = ("EntityType", "ComplexType", "EnumType", "TypeDefinition", "Association")


class Metadata:
    """The metadata of one service.

    Attributes:
        sets: the name of the entity type, by entity set.
        versioned_sets: those whose ETags are compared, by annotation.
    """

    def __init__(self, document: bytes) -> None:
        """Read a document; raises EdmError."""
        schemas = list(read_xml(document).iter("Schema"))
        if not schemas:
            raise EdmError("has no <Schema>: it is no $metadata")
        self._aliases = {
            schema.get("Alias", ""): schema.get("Namespace", "") for schema in schemas if schema.get("Alias")
        }
        self._named: dict[str, ET.Element] = {}
        self._operations: list[tuple[str, ET.Element]] = []
        self._annotations: dict[str, list[ET.Element]] = {}
        containers: list[ET.Element] = []
        for schema in schemas:
            namespace = schema.get("Namespace", "")
            for child in schema:
                if child.tag in _NAMED:
                    self._named[f"{namespace}.{child.get('Name')}"] = child
                elif child.tag in {"Action", "Function"}:
                    self._operations.append((f"{namespace}.{child.get('Name')}", child))
                elif child.tag == "Annotations":
                    target = self._full(child.get("Target", ""))
                    self._annotations.setdefault(target, []).extend(inside(child, "Annotation"))
                elif child.tag == "EntityContainer":
                    containers.append(child)
        self._containers = containers
        self.sets: Mapping[str, str] = {
            each.get("Name", ""): self._full(each.get("EntityType", "")) for each in self._entity_sets()
        }
        self.versioned_sets = frozenset(self._versioned_sets())

    def entity(self, name: str) -> EntityType:
        """Return an entity type by its full name; raises EdmError."""
        keys: tuple[str, ...] = ()
        properties: dict[str, Property] = {}
        navigations: dict[str, Navigation] = {}
        versioned = False
        for owner, element in self._lineage(name, "EntityType"):
            keys = tuple(ref.get("Name", "") for ref in element.iterfind("Key/PropertyRef")) or keys
            versioned = versioned or any(p.get("ConcurrencyMode") == "Fixed" for p in element)
            properties |= self._properties(owner, element, ())
            for each in inside(element, "NavigationProperty"):
                found = self._navigation(each)
                navigations[found.name] = found
        if not keys or not set(keys) <= properties.keys():
            raise EdmError(f"entity type {name} has no key that is a property of it")
        return EntityType(name, keys, properties, navigations, versioned)

    def operations(self) -> Iterator[Operation]:
        """Yield every action and function that can be called; those whose types cannot be used are left out."""
        imported = {
            self._full(each.get(kind, "")): each.get("Name", "")
            for container in self._containers
            for kind in ("Action", "Function")
            for each in inside(container, f"{kind}Import")
        }
        for full, element in self._operations:
            bound = element.get("IsBound") == "true"
            if not bound and full not in imported:
                continue
            try:
                yield self._operation(full if bound else imported[full], element, full=full, bound=bound)
            except EdmError:
                continue
        for container in self._containers:
            # Of v2, where a function import says all of itself; those of v4 refer to a function.
            for each in inside(container, "FunctionImport"):
                if each.get("Function") is None:
                    try:
                        yield self._function_import(each)
                    except EdmError:
                        continue

    def type_named(
        self, said: str, facets: ET.Element | None = None, inside_of: tuple[str, ...] = ()
    ) -> EdmType:
        """Return a type by its name in the metadata, such as `Edm.String` or `Collection(Sales.Address)`.

        Raises:
            EdmError: there is none, or it contains itself.
        """
        if said.startswith("Collection(") and said.endswith(")"):
            return Many(self.type_named(said[len("Collection(") : -1], facets, inside_of))
        name = self._full(said)
        if name.startswith("Edm."):
            return _primitive(name, facets)
        element = self._named.get(name)
        if element is None:
            raise EdmError(f"type {name} is not in the metadata")
        if name in inside_of or len(inside_of) > _DEPTH_LIMIT:
            raise EdmError(f"type {name} is nested in itself, or too deep")
        match element.tag:
            case "EnumType":
                return Enumeration(name, tuple(each.get("Name", "") for each in inside(element, "Member")))
            case "TypeDefinition":
                return self.type_named(element.get("UnderlyingType", ""), element, (*inside_of, name))
            case "ComplexType":
                properties: dict[str, Property] = {}
                for owner, part in self._lineage(name, "ComplexType"):
                    properties |= self._properties(owner, part, (*inside_of, name))
                return Complex(name, properties)
            case _:
                raise EdmError(f"type {name} is an entity, and no value")

    def _entity_sets(self) -> Iterator[ET.Element]:
        return (each for container in self._containers for each in inside(container, "EntitySet"))

    def _versioned_sets(self) -> Iterator[str]:
        for target, said in self._annotations.items():
            if any(_term(each) == "OptimisticConcurrency" for each in said):
                yield target.rpartition("/")[2]
        for each in self._entity_sets():
            if any(_term(said) == "OptimisticConcurrency" for said in inside(each, "Annotation")):
                yield each.get("Name", "")

    def _lineage(self, name: str, tag: str) -> list[tuple[str, ET.Element]]:
        """Return a type and those it is derived from, the most general first."""
        found: list[tuple[str, ET.Element]] = []
        at: str | None = name
        while at is not None:
            element = self._named.get(at)
            if element is None or element.tag != tag or len(found) > _DEPTH_LIMIT:
                raise EdmError(f"{at} is no {tag} of the metadata")
            found.append((at, element))
            base = element.get("BaseType")
            at = None if base is None else self._full(base)
        return found[::-1]

    def _properties(self, owner: str, element: ET.Element, inside_of: tuple[str, ...]) -> dict[str, Property]:
        found: dict[str, Property] = {}
        for each in inside(element, "Property"):
            name = each.get("Name", "")
            try:
                found[name] = self._property(f"{owner}/{name}", each, inside_of)
            except EdmError:
                continue  # whoever lists it is told that it cannot be used
        return found

    def _property(
        self, target: str, element: ET.Element, inside_of: tuple[str, ...] = (), *, nullable: str = "false"
    ) -> Property:
        said = [*inside(element, "Annotation"), *self._annotations.get(target, ())]
        terms = {_term(each): each for each in said}
        kind = self.type_named(element.get("Type", ""), element, inside_of)
        if isinstance(kind, Primitive) and "AllowedValues" in terms:
            kind = _with_choices(kind, terms["AllowedValues"])
        optional = element.get("Nullable", "true" if element.tag == "Property" else nullable) != "false"
        given = element.get("DefaultValue") is not None or terms.keys() & {
            "Computed",
            "ComputedDefaultValue",
            "OptionalParameter",
        }
        mandatory = (
            "Mandatory" in (terms["FieldControl"].get("EnumMember") or "")
            if "FieldControl" in terms
            else False
        )
        words = element.get("label") or next(
            (terms[term].get("String") for term in ("Description", "Label") if term in terms), None
        )
        return Property(element.get("Name", ""), kind, (not optional or mandatory) and not given, words or "")

    def _navigation(self, element: ET.Element) -> Navigation:
        name, said = element.get("Name", ""), element.get("Type")
        if said is not None:
            many = said.startswith("Collection(")
            return Navigation(name, self._full(said.removeprefix("Collection(").rstrip(")")), many)
        association = self._named.get(self._full(element.get("Relationship", "")))
        for end in () if association is None else inside(association, "End"):
            if end.get("Role") == element.get("ToRole"):
                return Navigation(name, self._full(end.get("Type", "")), end.get("Multiplicity") == "*")
        return Navigation(name, "", many=False)

    def _operation(self, name: str, element: ET.Element, *, full: str, bound: bool) -> Operation:
        parameters = list(inside(element, "Parameter"))
        bound_to = self._full(parameters[0].get("Type", "")) if bound else None
        own = parameters[1:] if bound else parameters
        signature = ",".join(each.get("Type", "") for each in parameters)
        found: dict[str, Property] = {}
        for each in own:
            parameter = each.get("Name", "")
            target = next(
                (
                    t
                    for t in (f"{full}({signature})/{parameter}", f"{full}/{parameter}")
                    if t in self._annotations
                ),
                "",
            )
            # What may be null may be left out of an action; of a function it is part of the name.
            nullable = "true" if element.tag == "Action" else "false"
            found[parameter] = self._property(target, each, nullable=nullable)
        returned = next(inside(element, "ReturnType"), None)
        said = None if returned is None else returned.get("Type")
        return self._returning(Operation(name, element.tag == "Action", found, bound_to), said, returned)

    def _function_import(self, element: ET.Element) -> Operation:
        found = {
            each.get("Name", ""): self._property("", each)
            for each in inside(element, "Parameter")
            if each.get("Mode", "In") == "In"
        }
        bound = element.get("action-for")
        changes = element.get("HttpMethod", "POST").upper() != "GET"
        made = Operation(
            element.get("Name", ""), changes, found, None if bound is None else self._full(bound)
        )
        return self._returning(made, element.get("ReturnType"), element)

    def _returning(self, made: Operation, said: str | None, facets: ET.Element | None) -> Operation:
        if said is None:
            return made
        many = said.startswith("Collection(")
        inner = self._full(said.removeprefix("Collection(").rstrip(")"))
        element = self._named.get(inner)
        if element is not None and element.tag == "EntityType":
            return Operation(made.name, made.changes, made.parameters, made.bound_to, None, inner, many)
        kind = self.type_named(said, facets)
        return Operation(made.name, made.changes, made.parameters, made.bound_to, kind)

    def _full(self, name: str) -> str:
        """Return a name with the namespace in place of its alias."""
        alias, dot, rest = name.partition(".")
        return f"{self._aliases[alias]}.{rest}" if dot and alias in self._aliases else name


def _primitive(name: str, facets: ET.Element | None) -> Primitive:
    said: Mapping[str, str] = {} if facets is None else facets.attrib
    return Primitive(
        name,
        max_length=_count(said.get("MaxLength")),
        precision=_count(said.get("Precision")),
        scale=_count(said.get("Scale", "0" if name == "Edm.Decimal" and "Precision" in said else None)),
        date_only=said.get("display-format") == "Date",
    )


def _count(said: str | None) -> int | None:
    return int(said) if said is not None and said.isascii() and said.isdigit() else None


def _with_choices(kind: Primitive, annotation: ET.Element) -> Primitive:
    values = tuple(
        each.get("String", "")
        for each in annotation.iter("PropertyValue")
        if each.get("Property") == "Value" and each.get("String") is not None
    )
    if kind.name != "Edm.String" or not 0 < len(values) <= _CHOICES_LIMIT:
        return kind
    return Primitive(kind.name, kind.max_length, choices=values)


def _term(annotation: ET.Element) -> str:
    """Return a term without its vocabulary: those that are asked for are in one vocabulary only."""
    return annotation.get("Term", "").rpartition(".")[2]


def one_operation(found: Iterable[Operation], name: str, bound_to: str | None) -> Operation:
    """Return the operation of a name, with or without its namespace.

    Raises:
        EdmError: there is none, or there are several (overloads).
    """
    fitting = [
        each
        for each in found
        if name in {each.name, each.name.rpartition(".")[2]} and each.bound_to == bound_to
    ]
    if len(fitting) == 1:
        return fitting[0]
    to = "" if bound_to is None else f" bound to {bound_to}"
    raise EdmError(f"{'several operations' if fitting else 'no operation'} {name}{to} that can be called")
