"""From typed arguments to `$filter`: what an argument says becomes one literal, and never more. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from connectors.odata.edm import EdmError, Enumeration, Primitive, Property, Version
from connectors.odata.literals import literal
from connectors.odata.schemas import ORDERED, property_schema
from connectors.odata.values import invalid

Operator = Literal["is", "in", "from", "to", "contains", "starts"]
LENGTH_LIMIT: Final = 4_000
"""Characters of a filter: with it, a URL stays below what servers and proxies take."""
CHOICES_LIMIT: Final = 50
"""Values of one `in`."""
_SAID: Final[Mapping[Operator, str]] = {
    "is": "exactly this",
    "in": "one of these",
    "from": "this or more",
    "to": "this or less",
    "contains": "with this text in it",
    "starts": "beginning with this text",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition that a query takes.

    Attributes:
        argument: what the model calls it.
        property: what is compared.
        operator: how.
        said: a description of the property in place of the metadata's, or an empty string.
    """

    argument: str
    property: Property
    operator: Operator
    said: str = ""

    def schema(self) -> dict[str, Any]:
        """Return the schema of its argument."""
        schema = property_schema(self.property, self.said)
        words = f"{schema.pop('description').rstrip('.')}: {_SAID[self.operator]}."
        if self.operator == "in":
            return {
                "type": "array",
                "items": schema,
                "minItems": 1,
                "maxItems": CHOICES_LIMIT,
                "description": words,
            }
        return {**schema, "description": words}


def condition(found: Property, operator: Operator, said: str = "") -> Condition:
    """Return a condition; raises EdmError where its property cannot be compared like that."""
    kind = found.type
    fits = {
        "is": True,
        "in": True,
        "from": isinstance(kind, Primitive) and kind.name in ORDERED,
        "to": isinstance(kind, Primitive) and kind.name in ORDERED,
        "contains": isinstance(kind, Primitive) and kind.name == "Edm.String" and not kind.choices,
        "starts": isinstance(kind, Primitive) and kind.name == "Edm.String" and not kind.choices,
    }[operator]
    if not fits or not isinstance(kind, Primitive | Enumeration):
        raise EdmError(f"{found.name} cannot be compared by `{operator}`")
    argument = found.name if operator == "is" else f"{found.name}_{operator}"
    return Condition(argument, found, operator, said)


def filter_text(
    conditions: Iterable[Condition], arguments: Mapping[str, Any], version: Version
) -> str | None:
    """Return the filter that the given arguments make together, not encoded yet, or None where there are none.

    Raises:
        FailedError: code `invalid_argument`: a value that a URL cannot say, or too many of them.
    """
    parts = list(_parts(conditions, arguments, version))
    text = " and ".join(parts)
    if len(text) > LENGTH_LIMIT:
        raise invalid("the conditions", f"at most {LENGTH_LIMIT} characters together")
    return text or None


def _parts(conditions: Iterable[Condition], arguments: Mapping[str, Any], version: Version) -> Iterator[str]:
    for each in conditions:
        if each.argument not in arguments:
            continue
        value, name, kind = arguments[each.argument], each.property.name, each.property.type

        def said(one: Any, kind: Any = kind, name: str = name) -> str:
            return literal(kind, one, version, name)

        match each.operator:
            case "is":
                yield f"{name} eq {said(value)}"
            case "in":
                # `in` came with v4.01; everybody understands this.
                yield "(" + " or ".join(f"{name} eq {said(one)}" for one in value) + ")"
            case "from":
                yield f"{name} ge {said(value)}"
            case "to":
                yield f"{name} le {said(value)}"
            case "contains":
                yield (
                    f"contains({name},{said(value)})"
                    if version == "v4"
                    else f"substringof({said(value)},{name})"
                )
            case "starts":
                yield f"startswith({name},{said(value)})"
