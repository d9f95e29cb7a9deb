"""From a service's `$metadata` to what actions are made of: entity sets, their types, operations. Pure."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping

from connectors.odata.edm import EdmError, EntityType, Navigation, Operation, Property
from connectors.odata.types import Types, term
from connectors.odata.xml import inside, read_xml


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
        self._types = Types(schemas)
        self._operations = [
            (f"{schema.get('Namespace', '')}.{child.get('Name')}", child)
            for schema in schemas
            for child in schema
            if child.tag in {"Action", "Function"}
        ]
        self._containers = [each for schema in schemas for each in inside(schema, "EntityContainer")]
        self.sets: Mapping[str, str] = {
            each.get("Name", ""): self._types.full(each.get("EntityType", "")) for each in self._entity_sets()
        }
        self.versioned_sets = frozenset(self._versioned_sets())

    def entity(self, name: str) -> EntityType:
        """Return an entity type by its full name; raises EdmError."""
        keys: tuple[str, ...] = ()
        properties: dict[str, Property] = {}
        navigations: dict[str, Navigation] = {}
        versioned = False
        for owner, element in self._types.lineage(name, "EntityType"):
            keys = tuple(ref.get("Name", "") for ref in element.iterfind("Key/PropertyRef")) or keys
            versioned = versioned or any(p.get("ConcurrencyMode") == "Fixed" for p in element)
            properties |= self._types.properties(owner, element, ())
            for each in inside(element, "NavigationProperty"):
                found = self._navigation(each)
                navigations[found.name] = found
        if not keys or not set(keys) <= properties.keys():
            raise EdmError(f"entity type {name} has no key that is a property of it")
        return EntityType(name, keys, properties, navigations, versioned)

    def operations(self) -> Iterator[Operation]:
        """Yield every action and function that can be called; those whose types cannot be used are left out."""
        imported = {
            self._types.full(each.get(kind, "")): each.get("Name", "")
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

    def _entity_sets(self) -> Iterator[ET.Element]:
        return (each for container in self._containers for each in inside(container, "EntitySet"))

    def _versioned_sets(self) -> Iterator[str]:
        for target, said in self._types.annotated.items():
            if any(term(each) == "OptimisticConcurrency" for each in said):
                yield target.rpartition("/")[2]
        for each in self._entity_sets():
            if any(term(said) == "OptimisticConcurrency" for said in inside(each, "Annotation")):
                yield each.get("Name", "")

    def _navigation(self, element: ET.Element) -> Navigation:
        name, said = element.get("Name", ""), element.get("Type")
        if said is not None:
            many = said.startswith("Collection(")
            return Navigation(name, self._types.full(said.removeprefix("Collection(").rstrip(")")), many)
        association = self._types.element(self._types.full(element.get("Relationship", "")))
        for end in () if association is None else inside(association, "End"):
            if end.get("Role") == element.get("ToRole"):
                return Navigation(name, self._types.full(end.get("Type", "")), end.get("Multiplicity") == "*")
        return Navigation(name, "", many=False)

    def _operation(self, name: str, element: ET.Element, *, full: str, bound: bool) -> Operation:
        parameters = list(inside(element, "Parameter"))
        if bound and not parameters:
            raise EdmError(f"{full} is bound to nothing")
        bound_to = self._types.full(parameters[0].get("Type", "")) if bound else None
        own = parameters[1:] if bound else parameters
        signature = ",".join(each.get("Type", "") for each in parameters)
        found: dict[str, Property] = {}
        for each in own:
            parameter = each.get("Name", "")
            target = f"{full}({signature})/{parameter}"
            if target not in self._types.annotated:
                target = f"{full}/{parameter}"
            # What may be null may be left out of an action; of a function it is part of the name.
            nullable = "true" if element.tag == "Action" else "false"
            found[parameter] = self._types.property(target, each, nullable=nullable)
        returned = next(inside(element, "ReturnType"), None)
        said = None if returned is None else returned.get("Type")
        return self._returning(Operation(name, element.tag == "Action", found, bound_to), said, returned)

    def _function_import(self, element: ET.Element) -> Operation:
        found = {
            each.get("Name", ""): self._types.property("", each)
            for each in inside(element, "Parameter")
            if each.get("Mode", "In") == "In"
        }
        bound = element.get("action-for")
        changes = element.get("HttpMethod", "POST").upper() != "GET"
        made = Operation(
            element.get("Name", ""), changes, found, None if bound is None else self._types.full(bound)
        )
        return self._returning(made, element.get("ReturnType"), element)

    def _returning(self, made: Operation, said: str | None, facets: ET.Element | None) -> Operation:
        if said is None:
            return made
        many = said.startswith("Collection(")
        inner = self._types.full(said.removeprefix("Collection(").rstrip(")"))
        element = self._types.element(inner)
        if element is not None and element.tag == "EntityType":
            return Operation(made.name, made.changes, made.parameters, made.bound_to, None, inner, many)
        kind = self._types.type_named(said, facets)
        return Operation(made.name, made.changes, made.parameters, made.bound_to, kind)


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
