"""Types of a service's metadata, resolved when they are asked for: that of a large system describes thousands nobody uses. Pure."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Final

from connectors.odata.edm import Complex, EdmError, EdmType, Enumeration, Many, Primitive, Property
from connectors.odata.xml import inside

_DEPTH_LIMIT: Final = 8
"""Complex types inside each other, and types that types are derived from."""
_CHOICES_LIMIT: Final = 100
_NAMED: Final = ("EntityType", "ComplexType", "EnumType", "TypeDefinition", "Association")


class Types:
    """The named types of some schemas, and what annotations say of their parts.

    Attributes:
        annotated: annotations by the full name of what they are about.
    """

    def __init__(self, schemas: Sequence[ET.Element]) -> None:
        """Index them; nothing is resolved yet."""
        self._aliases = {
            schema.get("Alias", ""): schema.get("Namespace", "") for schema in schemas if schema.get("Alias")
        }
        self._named: dict[str, ET.Element] = {}
        self.annotated: dict[str, list[ET.Element]] = {}
        for schema in schemas:
            for child in schema:
                if child.tag in _NAMED:
                    self._named[f"{schema.get('Namespace', '')}.{child.get('Name')}"] = child
                elif child.tag == "Annotations":
                    target = self.full(child.get("Target", ""))
                    self.annotated.setdefault(target, []).extend(inside(child, "Annotation"))

    def element(self, name: str) -> ET.Element | None:
        """Return what a full name stands for, or None."""
        return self._named.get(name)

    def full(self, name: str) -> str:
        """Return a name with the namespace in place of its alias."""
        alias, dot, rest = name.partition(".")
        return f"{self._aliases[alias]}.{rest}" if dot and alias in self._aliases else name

    def type_named(
        self, said: str, facets: ET.Element | None = None, inside_of: tuple[str, ...] = ()
    ) -> EdmType:
        """Return a type by its name in the metadata, such as `Edm.String` or `Collection(Sales.Address)`.

        Raises:
            EdmError: there is none, or it contains itself.
        """
        if said.startswith("Collection(") and said.endswith(")"):
            return Many(self.type_named(said[len("Collection(") : -1], facets, inside_of))
        name = self.full(said)
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
                for owner, part in self.lineage(name, "ComplexType"):
                    properties |= self.properties(owner, part, (*inside_of, name))
                return Complex(name, properties)
            case _:
                raise EdmError(f"type {name} is an entity, and no value")

    def lineage(self, name: str, tag: str) -> list[tuple[str, ET.Element]]:
        """Return a type and those it is derived from, the most general first."""
        found: list[tuple[str, ET.Element]] = []
        at: str | None = name
        while at is not None:
            element = self._named.get(at)
            if element is None or element.tag != tag or len(found) > _DEPTH_LIMIT:
                raise EdmError(f"{at} is no {tag} of the metadata")
            found.append((at, element))
            base = element.get("BaseType")
            at = None if base is None else self.full(base)
        return found[::-1]

    def properties(self, owner: str, element: ET.Element, inside_of: tuple[str, ...]) -> dict[str, Property]:
        """Return the properties of one type by name; those whose types cannot be used are left out.

        Args:
            owner: the type's full name.
            element: the type.
            inside_of: the types that it is a part of.
        """
        found: dict[str, Property] = {}
        for each in inside(element, "Property"):
            name = each.get("Name", "")
            try:
                found[name] = self.property(f"{owner}/{name}", each, inside_of)
            except EdmError:
                continue  # whoever lists it is told that it cannot be used
        return found

    def property(
        self, target: str, element: ET.Element, inside_of: tuple[str, ...] = (), *, nullable: str = "false"
    ) -> Property:
        """Return a property, or a parameter.

        Args:
            target: its full name, by which annotations elsewhere refer to it; may be empty.
            element: it.
            inside_of: the types that it is a part of.
            nullable: what holds for a parameter that does not say whether it may be null.

        Raises:
            EdmError: its type cannot be used.
        """
        said = [*inside(element, "Annotation"), *self.annotated.get(target, ())]
        terms = {term(each): each for each in said}
        kind = self.type_named(element.get("Type", ""), element, inside_of)
        if isinstance(kind, Primitive) and "AllowedValues" in terms:
            kind = _with_choices(kind, terms["AllowedValues"])
        optional = element.get("Nullable", "true" if element.tag == "Property" else nullable) != "false"
        given = element.get("DefaultValue") is not None or terms.keys() & {
            "Computed",
            "ComputedDefaultValue",
            "OptionalParameter",
        }
        control = terms["FieldControl"].get("EnumMember") if "FieldControl" in terms else None
        mandatory = control is not None and control.endswith("/Mandatory")
        words = element.get("label") or next(
            (terms[name].get("String") for name in ("Description", "Label") if name in terms), None
        )
        return Property(element.get("Name", ""), kind, (not optional or mandatory) and not given, words or "")


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


def term(annotation: ET.Element) -> str:
    """Return a term without its vocabulary: those that are asked for are in one vocabulary only."""
    return annotation.get("Term", "").rpartition(".")[2]
