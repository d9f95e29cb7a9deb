"""A document with JSON Schemas, and the arguments that were made of it. Pure.

The operations of one system say the same again and again: a page's number, an order's fields once to create and once to
change it. What says the same is made once, whichever action it is of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import SchemaValidator, to_json

from connectors.bounds import Shape, shape_of
from connectors.json_schema_types import Types
from connectors.json_type import JsonType
from connectors.plain_schema import Plain, Reader
from connectors.schema_keywords import JsonSchema, as_bytes

_PYDANTIC: Final = GenerateJsonSchema()

Place = tuple[str, str, bool, tuple[str, ...]]
"""Its name, the name of its field, whether it is required, and the references that lead to it."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument.

    Attributes:
        kind: its type.
        info: what its field has beside the type.
        said: its JSON Schema.
        definitions: what `said` refers to.
        shape: what a value is held to before it is validated.
        schemas: how many the document unfolds to for it.
    """

    kind: JsonType
    info: FieldInfo
    said: JsonSchema
    definitions: Mapping[str, JsonSchema]
    shape: Shape
    schemas: int


class SchemaDocument:
    """What `#/…` references refer to; whoever makes several actions of one document gives the same to all.

    Attributes:
        said: the document.
    """

    def __init__(self, name: str, said: JsonSchema) -> None:
        """Take the name that definitions begin with, such as the connector's, and the document; nobody changes it."""
        self.said = said
        self._names = (f"{name}.{number}" for number in count(1))
        self._known: dict[tuple[Place, bytes], Argument] = {}

    def types(self, reader: Reader) -> Types:
        """Return what builds types of the document; names of definitions are given once in a document."""
        return Types(self._names, reader)

    def argument(self, reader: Reader, schema: Any, place: Place) -> Argument | None:
        """Return the argument of a schema, or None where nobody may set it; raises JsonSchemaError.

        Args:
            reader: of the document, for this action; what is known already is counted there as well.
            schema: as the document has it.
            place: where it stands.
        """
        key = place, as_bytes(schema)
        known = self._known.get(key)
        if known is not None:
            reader.count(known.schemas, place[0])
            return known
        before = reader.schemas
        name, field, required, inside = place
        plain = reader.read(schema, name, inside, 1)
        if plain.said.get("readOnly") is True:
            return None
        types = self.types(reader)
        kind = types.member(plain, required=required)
        default = None if required else _default(plain, kind)
        info = _field(kind, field, name, default, required=required)
        said = kind.said if required else {**kind.said, "default": default}
        # Sorted as pydantic sorts its own, so that a tool is the same bytes whichever way its arguments were made.
        whole = _PYDANTIC.sort({"$defs": types.definitions, "properties": {name: said}})
        said, definitions = whole["properties"][name], whole["$defs"]
        shape = shape_of({**said, "$defs": definitions})
        made = Argument(kind, info, said, definitions, shape, reader.schemas - before)
        if key[1]:
            self._known[key] = made
        return made


def _field(kind: JsonType, field: str, sent: str, default: Any, *, required: bool) -> FieldInfo:
    said: dict[str, Any] = {} if field == sent else {"alias": sent}
    if not required:
        said["default"] = default
    if not required and default is None:
        said["exclude_if"] = _is_left_out
    info: FieldInfo = Field(description=kind.said.get("description"), **said)
    # As pydantic has it for `Annotated[Any, kind]`.
    info.annotation, info.metadata = Any, [kind]
    return info


def _default(plain: Plain, kind: JsonType) -> Any:
    """Return the default that is filled in, or None."""
    default = plain.said.get("default")
    if default is None:
        return None
    try:
        SchemaValidator(kind.core).validate_json(to_json(default), strict=True)
    except ValidationError:
        return None
    return default


def _is_left_out(value: Any) -> bool:
    return value is None
