"""Models that are made from a JSON Schema: they say it as it is, and not what pydantic reads out of their fields. Pure.

Pydantic makes a model from annotations: it finds out for each what it is, how to validate it and what its schema is. Here
all of that is known before, and a document has thousands of fields: they are handed over as they are.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from connectors.json_type import JsonType
from connectors.schema_keywords import JsonSchema

Model = TypeVar("Model", bound="SchemaModel")


class SchemaModel(BaseModel):
    """A model whose JSON Schema is known before it is made.

    Attributes:
        json_schema: that of validation and of serialisation alike; nobody changes it.
    """

    json_schema: ClassVar[JsonSchema] = {}

    @classmethod
    def model_json_schema(cls, *_args: Any, **_options: Any) -> dict[str, Any]:
        """Return `json_schema`; pydantic's options change nothing."""
        return dict(cls.json_schema)


def new_model(
    name: str, like: type[Model], fields: Mapping[str, tuple[JsonType, FieldInfo]], json_schema: JsonSchema
) -> type[Model]:
    """Return a subclass of a model that has no fields, with these; it is whole, and what cannot be validated by is refused.

    Args:
        name: of the model.
        like: what it derives from, with its configuration.
        fields: type, and alias, default and description, by names that are no attributes of `like`.
        json_schema: what the model says of itself.
    """
    known = core_schema.model_fields_schema(
        {field: _core_field(kind.core, info) for field, (kind, info) in fields.items()}, model_name=name
    )
    said = like.model_config
    config = core_schema.CoreConfig(
        title=name,
        extra_fields_behavior=said.get("extra") or "ignore",
        allow_inf_nan=said.get("allow_inf_nan", True),
        serialize_by_alias=said.get("serialize_by_alias", False),
    )

    def core(cls: type[Model], _source: Any, _handler: Any) -> CoreSchema:
        return core_schema.model_schema(cls, known, config=config)

    namespace = {"__module__": __name__, "__get_pydantic_core_schema__": classmethod(core)}
    made = type(like)(name, (like,), namespace)
    # Where pydantic keeps what it finds in annotations; here there are none to search.
    made.__pydantic_fields__ = {field: info for field, (_, info) in fields.items()}
    made.json_schema = json_schema
    return made


def _core_field(core: CoreSchema, info: FieldInfo) -> core_schema.ModelField:
    if not info.is_required():
        core = core_schema.with_default_schema(core, default=info.default)
    return core_schema.model_field(
        core,
        validation_alias=info.alias,
        serialization_alias=info.alias,
        serialization_exclude_if=info.exclude_if,
    )
