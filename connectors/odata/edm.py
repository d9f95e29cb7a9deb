"""What a service's metadata says of its data: the part of the Entity Data Model that actions are made of. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Version = Literal["v4", "v2"]


class EdmError(ValueError):
    """Metadata that cannot be used; the message names the part and the reason."""


@dataclass(frozen=True, slots=True)
class Primitive:
    """A primitive type with its facets.

    Attributes:
        name: such as `Edm.String`.
        max_length: characters, or None.
        precision: digits of a decimal, or None.
        scale: digits after its point; None where it varies.
        date_only: whether a v2 `Edm.DateTime` holds a date (`sap:display-format="Date"`).
        choices: the values that the metadata allows; none means any.
    """

    name: str
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    date_only: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Enumeration:
    """An enumeration; one member at a time, also where it is a set of flags."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Complex:
    """A structured type without key."""

    name: str
    properties: Mapping[str, "Property"]


@dataclass(frozen=True, slots=True)
class Many:
    """A collection."""

    item: "EdmType"


EdmType = Primitive | Enumeration | Complex | Many


@dataclass(frozen=True, slots=True)
class Property:
    """A property, or a parameter of an operation.

    Attributes:
        name: as on the wire.
        type: its type.
        required: whether whoever creates the entity, or calls the operation, must give it.
        description: what the metadata says of it, or an empty string.
    """

    name: str
    type: EdmType
    required: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Navigation:
    """A way from an entity to another, or to several."""

    name: str
    target: str
    many: bool


@dataclass(frozen=True, slots=True)
class EntityType:
    """An entity type with what it inherits.

    Attributes:
        name: with its namespace.
        keys: names of the key's properties, in their order.
        properties: by name.
        navigations: by name.
        versioned: whether the metadata says that its ETag is compared: by this type's properties.
    """

    name: str
    keys: tuple[str, ...]
    properties: Mapping[str, Property]
    navigations: Mapping[str, Navigation]
    versioned: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """An action or a function.

    Attributes:
        name: as it is called: of a bound one of v4 with its namespace.
        changes: whether it may change something: an action of v4, a POST of v2.
        parameters: by name, without the one it is bound to.
        bound_to: the entity type it is bound to, or None.
        returns: the type of the result: of one value or entity; None where it is an entity type or nothing.
        entity: the entity type it returns, or None.
        many: whether it returns a collection of entities.
    """

    name: str
    changes: bool
    parameters: Mapping[str, Property]
    bound_to: str | None = None
    returns: EdmType | None = None
    entity: str | None = None
    many: bool = False
