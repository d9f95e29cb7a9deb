"""What a new or changed entity is bound to (`@odata.bind`, v4): how Dynamics is told which account an order is for. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from connectors.odata.edm import EdmError, Property
from connectors.odata.entity import Exposed
from connectors.odata.literals import literal
from connectors.odata.schemas import property_schema
from connectors.odata.section import Section
from connectors.odata.values import same, to_wire


@dataclass(frozen=True, slots=True)
class Binding:
    """A navigation that the model may set, by the key of what it leads to.

    Attributes:
        navigation: its name, which the argument has as well.
        set_name: the entity set it leads to.
        key: the only property of the key there.
    """

    navigation: str
    set_name: str
    key: Property

    def schema(self) -> dict[str, Any]:
        """Return the schema of the argument."""
        return {
            **property_schema(self.key),
            "description": f"Which of {self.set_name}, by its {self.key.name}.",
        }

    def written(self, value: Any) -> dict[str, str]:
        """Return what a body says of it; raises FailedError."""
        said = quote(literal(self.key.type, value, "v4", self.navigation), safe="'")
        return {f"{self.navigation}@odata.bind": f"{self.set_name}({said})"}

    def holds(self, entity: Mapping[str, Any], value: Any) -> bool:
        """Whether an entity that was read with this navigation is bound so."""
        inner: Any = entity.get(self.navigation)
        if not isinstance(inner, dict):
            return False
        found = cast("dict[str, Any]", inner).get(self.key.name)
        return same(self.key.type, found, to_wire(self.key.type, value, "v4", self.navigation), "v4")


def bindings(section: Section, exposed: Exposed, own: Mapping[str, str]) -> dict[str, Binding]:
    """Return what the settings say may be bound, by navigation; raises EdmError."""
    made: dict[str, Binding] = {}
    for name, set_name in own.items():
        navigation = exposed.kind.navigations.get(name)
        if section.version == "v2":
            raise EdmError("`bind` is of v4; v2 services have properties for it")
        if navigation is None or navigation.many:
            raise EdmError(f"{exposed.kind.name} has no navigation {name} to one entity")
        if section.metadata.sets.get(set_name) != navigation.target:
            raise EdmError(f"{name} leads to {navigation.target}, which is not what {set_name} is made of")
        target = section.metadata.entity(navigation.target)
        if len(target.keys) != 1:
            raise EdmError(
                f"the key of {set_name} has {len(target.keys)} properties; what has one can be bound"
            )
        made[name] = Binding(name, set_name, target.properties[target.keys[0]])
    return made


def written(bound: Iterable[Binding], arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return what a body says of all that was given."""
    return {
        name: value
        for each in bound
        if each.navigation in arguments
        for name, value in each.written(arguments[each.navigation]).items()
    }


def expansion(bound: Iterable[Binding]) -> tuple[tuple[str, str], ...]:
    """Return what a query asks for, so that `holds` can tell."""
    said = ",".join(f"{each.navigation}($select={each.key.name})" for each in bound)
    return (("$expand", said),) if said else ()


def unbound(bound: Iterable[Binding], entity: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[str]:
    """Return the navigations of an entity that are not bound as the arguments say."""
    given = (each for each in bound if each.navigation in arguments)
    return [each.navigation for each in given if not each.holds(entity, arguments[each.navigation])]
