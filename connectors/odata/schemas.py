"""JSON Schemas of types of the Entity Data Model, with their facets as bounds. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors.odata.edm import Complex, EdmError, EdmType, Enumeration, Many, Primitive, Property
from connectors.odata.values import is_number

_INTEGERS: Final[Mapping[str, tuple[int, int]]] = {
    "Edm.Byte": (0, 2**8 - 1),
    "Edm.SByte": (-(2**7), 2**7 - 1),
    "Edm.Int16": (-(2**15), 2**15 - 1),
    "Edm.Int32": (-(2**31), 2**31 - 1),
    "Edm.Int64": (-(2**63), 2**63 - 1),
}
_TIME: Final = r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$"
_TEXTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Edm.Guid": {"format": "uuid"},
    "Edm.Date": {"format": "date"},
    "Edm.DateTimeOffset": {"format": "date-time"},
    "Edm.DateTime": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$", "example": "2026-05-31T10:30:00"},
    "Edm.TimeOfDay": {"pattern": _TIME, "example": "10:30:00"},
    "Edm.Time": {"pattern": _TIME, "example": "10:30:00"},
    "Edm.Duration": {"pattern": r"^-?P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$", "maxLength": 40},
}
_HINTS: Final[Mapping[str, type]] = {
    **dict.fromkeys(_INTEGERS, int),
    "Edm.Boolean": bool,
    "Edm.Double": float,
    "Edm.Single": float,
}
ORDERED: Final = frozenset((*_INTEGERS, *_TEXTS, "Edm.Decimal", "Edm.Double", "Edm.Single")) - {"Edm.Guid"}
"""Primitive types of which one value is less than another in a way that means something."""


def property_schema(found: Property, said: str = "") -> dict[str, Any]:
    """Return the schema of a property; raises EdmError where its type cannot be used.

    Args:
        found: the property.
        said: a description in place of the metadata's.
    """
    words = said or found.description or _words(found.name)
    return {**type_schema(found.type), "description": words}


def type_schema(kind: EdmType) -> dict[str, Any]:
    """Return the schema of a type; raises EdmError where it cannot be used."""
    match kind:
        case Many(item):
            return {"type": "array", "items": type_schema(item)}
        case Enumeration(_, members):
            return {"type": "string", "enum": list(members)}
        case Complex(_, properties):
            return object_schema(properties.values())
        case Primitive():
            return _primitive(kind)


def object_schema(
    properties: Any, *, required: Callable[[Property], bool] = lambda found: found.required
) -> dict[str, Any]:
    """Return the schema of an object with these properties."""
    listed = list[Property](properties)
    return {
        "type": "object",
        "properties": {each.name: property_schema(each) for each in listed},
        "required": [each.name for each in listed if required(each)],
    }


def python_type(kind: EdmType) -> Any:
    """Return the Python type of what a result has for it."""
    match kind:
        case Many(item):
            return list[python_type(item)]
        case Complex():
            return dict[str, Any]
        case Enumeration():
            return str
        case Primitive("Edm.Decimal"):
            return float if is_number(kind) else str
        case Primitive(name):
            return _HINTS.get(name, str)


def _primitive(kind: Primitive) -> dict[str, Any]:
    if kind.name in _INTEGERS:
        least, most = _INTEGERS[kind.name]
        return {"type": "integer", "minimum": least, "maximum": most}
    match kind.name:
        case "Edm.Boolean":
            return {"type": "boolean"}
        case "Edm.Double" | "Edm.Single":
            return {"type": "number"}
        case "Edm.String":
            if kind.choices:
                return {"type": "string", "enum": list(kind.choices)}
            return {"type": "string"} | ({} if kind.max_length is None else {"maxLength": kind.max_length})
        case "Edm.Decimal":
            return _decimal(kind)
        case "Edm.DateTime" if kind.date_only:
            return {"type": "string", "format": "date"}
        case _ if kind.name in _TEXTS:
            return {"type": "string", **_TEXTS[kind.name]}
        case _:
            raise EdmError(f"{kind.name} cannot be used; leave it out")


def _decimal(kind: Primitive) -> dict[str, Any]:
    scale = kind.scale or 0
    if kind.precision is not None and is_number(kind):
        most = 10 ** (kind.precision - scale) - (10.0**-scale if scale else 1)
        return {"type": "number", "minimum": -most, "maximum": most}
    whole = "" if kind.precision is None else str(max(1, kind.precision - scale))
    after = f"(\\.\\d{{1,{scale}}})?" if scale else "(\\.\\d+)?" if kind.scale is None else ""
    return {
        "type": "string",
        "pattern": f"^-?\\d{{1,{whole}}}{after}$",
        "maxLength": (kind.precision or 60) + 2,
        "example": "1250.50" if after else "1250",
    }


def _words(name: str) -> str:
    return " ".join(name.replace("_", " ").split())
