"""The model of an action's arguments: what a language model sends is JSON, and is held to it strictly."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo
from pydantic_core import from_json, to_json

from connectors.bounds import Shape, prepare


class Arguments(BaseModel):
    """Arguments of one action, validated. Subclasses are made from signatures.

    Whatever is validated is taken as JSON in strict mode: `"5"` is no number and `1` no boolean, in nested
    models as well, while dates, decimals, enums and tuples are accepted in the form JSON has for them. Unknown
    fields are refused. `null` for a property that has a default and is not nullable means the default, in nested
    models as well, because strict tool schemas make models send every property. Texts, integers and lists without a
    bound of their own have those of `connectors.bounds`.
    """

    # By alias: a parameter whose name Python or pydantic keeps for itself is journaled by the name the model sees.
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=(), serialize_by_alias=True
    )

    wire_shape: ClassVar[Shape] = Shape()
    """Bounds, and where `null` stands for the default; made from the model's JSON Schema."""

    @classmethod
    def model_validate(cls, obj: Any, **_options: Any) -> Self:
        """Validate a JSON-like value; raises pydantic's ValidationError."""
        # Through bytes, because pydantic's strict mode accepts dates, enums and nested objects in the form
        # JSON has for them only when it reads JSON. It costs about two microseconds.
        encoded = to_json(prepare(cls.wire_shape, obj, cls.__name__), inf_nan_mode="strings")
        return super().model_validate_json(encoded, strict=True, extra="forbid")

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **_options: Any) -> Self:
        """Validate JSON text; raises pydantic's ValidationError, or ValueError where it is no JSON.

        Of a key that is there twice the last one counts: refuse duplicates before, where the text is parsed.
        """
        return cls.model_validate(from_json(json_data, allow_inf_nan=False))


def parameters(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return a model's fields by the names that are sent and journaled, in declared order."""
    return {info.alias or name: info for name, info in model.model_fields.items()}
