"""What the actions of one section have in common while they are declared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from connectors.connector import Connector
from connectors.odata.client import ODataClient
from connectors.odata.edm import EdmError, Property, Version
from connectors.odata.entity import Exposed
from connectors.odata.metadata import Metadata
from connectors.odata.settings import EntityAction, Operate


class Said(TypedDict):
    """What the configuration says of an action and is handed on as it is."""

    protected: frozenset[str]
    outward: bool
    constraints: tuple[str, ...]
    examples: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One section that is being made a connector of.

    Attributes:
        connector: what its actions are declared on.
        metadata: of the service.
        version: of the protocol.
        where: the file of the metadata, for messages.
    """

    connector: Connector[ODataClient]
    metadata: Metadata
    version: Version
    where: str

    def full(self, verb: str) -> str:
        """Return the full name of an action."""
        return f"{self.connector.name}.{verb}"

    def window(self, repeatable: str | None) -> str | None:
        """Return how long the service honours our key, or None; raises EdmError where no service could."""
        if repeatable is not None and self.version == "v2":
            raise EdmError("`repeatable` is of v4; no v2 service reads the key")
        return repeatable

    def model_name(self, verb: str) -> str:
        """Return the name of an action's result model."""
        return f"{self.connector.name}_{verb}_result"


def said(own: EntityAction | Operate) -> Said:
    """Return what an action's settings say of it."""
    return Said(
        protected=own.protected, outward=own.outward, constraints=own.constraints, examples=own.examples
    )


def object_of(properties: Mapping[str, Mapping[str, Any]], required: Any) -> dict[str, Any]:
    """Return the schema of arguments."""
    needed = frozenset[str](required)
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name in needed],
    }


def joined(*groups: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schemas of several groups of arguments; raises EdmError where two have one name."""
    made: dict[str, Any] = {}
    for group in groups:
        for name, schema in group.items():
            if name in made:
                raise EdmError(f"two arguments would be called {name}")
            made[name] = schema
    return made


def schemas(exposed: Exposed, properties: Mapping[str, Property]) -> dict[str, dict[str, Any]]:
    """Return the schemas of some properties by name."""
    return {name: exposed.schema(each) for name, each in properties.items()}
