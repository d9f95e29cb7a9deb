"""The model of an action's arguments: what a language model sends is JSON, and is held to it strictly."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict
from pydantic_core import from_json, to_json


class Arguments(BaseModel):
    """Arguments of one action, validated. Subclasses are made from signatures.

    Whatever is validated is taken as JSON in strict mode: `"5"` is no number and `1` no boolean, in nested
    models as well, while dates, decimals, enums and tuples are accepted in the form JSON has for them. Unknown
    fields are refused. `null` for a parameter that has a default and is not nullable means the default, because
    strict tool schemas make models send every parameter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())

    null_means_default: ClassVar[frozenset[str]] = frozenset()
    """Parameters for which `null` stands for the default."""

    @classmethod
    def model_validate(cls, obj: Any, **_options: Any) -> Self:
        """Validate a JSON-like value; raises pydantic's ValidationError."""
        # Through bytes, because pydantic's strict mode accepts dates, enums and nested objects in the form
        # JSON has for them only when it reads JSON. It costs about two microseconds.
        encoded = to_json(cls._with_defaults(obj), inf_nan_mode="strings")
        return super().model_validate_json(encoded, strict=True, extra="forbid")

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **_options: Any) -> Self:
        """Validate JSON text; raises pydantic's ValidationError, or ValueError where it is no JSON.

        Of a key that is there twice the last one counts: refuse duplicates before, where the text is parsed.
        """
        return cls.model_validate(from_json(json_data, allow_inf_nan=False))

    @classmethod
    def _with_defaults(cls, obj: Any) -> Any:
        if not isinstance(obj, dict) or not cls.null_means_default:
            return obj
        return {
            name: value
            for name, value in obj.items()
            if value is not None or name not in cls.null_means_default
        }
