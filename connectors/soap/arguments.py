"""What an operation takes: the JSON Schema of its arguments, and what is sent beside them. Pure.

Names are those of the elements and attributes; the text of an element with attributes is called `value`. Of a choice each
element is optional and says of which one is to be given; that exactly one is, is checked before anything is sent. What a strict
schema cannot say is refused with its path and reason, unless the configuration hides it: recursion, `xsd:any` and `anyType`
that are required, abstract elements, an element that is declared twice, groups of several elements that repeat as a whole, `QName`.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from connectors.soap.fields import Complex, Field
from connectors.soap.settings import ArgumentSettings
from connectors.soap.simple_types import Simple, description, schema_of
from connectors.soap.xml_types import XmlTypes

ARGUMENTS_LIMIT: Final = 2_000
"""Elements and attributes of one message, at all levels: types that hold types unfold to very many."""
SHORTEST_KEY: Final = 16
"""Characters of a key that is cut to fit: 64 bits of it, which no two effects of one system share by chance."""


class ArgumentsError(ValueError):
    """An operation cannot be called with arguments of a model; the message names path, reason and way out."""


@dataclass(slots=True)
class ArgumentsReader:
    """Makes the schema of one operation's arguments.

    Attributes:
        types: of its WSDL.
        said: what the configuration says, by dotted path.
        key: path that is filled with the idempotency key, or None.
    """

    types: XmlTypes
    said: Mapping[str, ArgumentSettings]
    key: str | None
    key_length: int | None = field(default=None, init=False)
    """Characters of the key that its element takes, or None for all."""
    always: dict[str, Any] = field(default_factory=dict[str, Any], init=False)
    fixed: dict[str, Any] = field(default_factory=dict[str, Any], init=False)
    _met: set[str] = field(default_factory=set[str], init=False)

    def schema(self, fields: Sequence[Field], inside: str | None = None) -> dict[str, Any]:
        """Return the JSON Schema of an object with these fields, or with those of an object inside.

        By path, `always` has then what the configuration sends beside it, `fixed` what the schemas do.

        Args:
            fields: of the message.
            inside: dotted path of the object whose members are the arguments.

        Raises:
            ArgumentsError: something cannot be said, or the configuration names a path that there is not.
        """
        top, path = fields, ""
        for name in inside.split(".") if inside is not None else ():
            fields, path = self._entered(fields, path, name)
        made = self._object(fields, path, ())
        named = self.said.keys() | ({self.key} if self.key is not None else set[str]())
        unknown = sorted(named - self._met)
        if unknown:
            known = ", ".join(each.name for each in top)
            raise ArgumentsError(
                f"it has no argument {', '.join(unknown)}; at the top it has {known or 'none'}"
            )
        return made

    def _entered(self, fields: Sequence[Field], path: str, name: str) -> tuple[Sequence[Field], str]:
        """Return the members of an object; whatever stands beside it must not need the model."""
        entered = next((each for each in fields if each.name == name), None)
        if entered is None or not isinstance(entered.type, Complex) or entered.many:
            known = ", ".join(each.name for each in fields)
            raise ArgumentsError(f"inside: there is no object {name}; there is {known}")
        for each in fields:
            at = f"{path}.{each.name}".removeprefix(".")
            if each is entered:
                self._met.add(at)
            elif self._shown(each, at) and each.least:
                raise ArgumentsError(f"{at} is required and not inside: give it a value under `arguments`")
        return self.types.fields(entered.type), f"{path}.{name}".removeprefix(".")

    def _object(self, fields: Sequence[Field], path: str, inside: tuple[Complex, ...]) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        required: list[str] = []
        for each in fields:
            at = f"{path}.{each.name}".removeprefix(".")
            if not self._shown(each, at):
                continue
            if (schema := self._member(each, at, inside)) is None:
                continue
            properties[each.name] = schema
            if each.least:
                required.append(each.name)
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    def _shown(self, each: Field, at: str) -> bool:
        self._met.add(at)
        if len(self._met) > ARGUMENTS_LIMIT:
            raise ArgumentsError(
                f"it has more than {ARGUMENTS_LIMIT:,} arguments: hide those that nobody needs"
            )
        own = self.said.get(at)
        if at == self.key:
            self.key_length = _room(each, at)
            return False
        if own is not None and own.value is not None:
            self.always[at] = own.value
            return False
        if own is not None and own.hidden:
            if each.least and each.fixed is None:
                raise ArgumentsError(f"{at} is required: give it a value in place of hiding it")
            return False
        if each.fixed is not None:
            if each.least:
                self.fixed[at] = each.fixed
            return False
        return True

    def _member(self, each: Field, at: str, inside: tuple[Complex, ...]) -> dict[str, Any] | None:
        kind = each.type
        problem = each.problem
        if isinstance(kind, Simple) and kind.base == "name":
            problem = "is a name with a namespace, which no text says by itself"
        if kind is None and not problem:
            problem = "may be anything, as it has no type"
        if isinstance(kind, Complex) and kind in inside:
            problem = "contains itself, and a strict schema has no recursion"
        if problem:
            raise ArgumentsError(
                f"{at} {problem}: {'give it a value' if each.least else 'hide it'} under `arguments`"
            )
        own = self.said.get(at)
        words = own.description if own is not None and own.description is not None else _described(each)
        if isinstance(kind, Complex):
            fields = self.types.fields(kind)
            schema = self._object(fields, at, (*inside, kind))
            if fields and not schema["properties"]:
                return None  # nothing of it is the model's to set
        else:
            schema = schema_of(cast("Simple", kind))
        if each.many:
            most = {} if each.most is None else {"maxItems": each.most}
            schema = {"type": "array", "items": schema, "minItems": each.least, **most}
        elif each.nillable and each.least:
            return {"anyOf": [schema, {"type": "null"}], "description": words}
        return {**schema, "description": words}


def _room(each: Field, at: str) -> int | None:
    """Return how many characters of the key an element takes."""
    kind = each.type
    if not isinstance(kind, Simple) or each.many or kind.base != "text" or kind.item is not None:
        raise ArgumentsError(f"{at} is no single text, so it cannot carry the key")
    most = schema_of(kind).get("maxLength")
    if most is not None and most < SHORTEST_KEY:
        raise ArgumentsError(
            f"{at} takes {most} characters: a key has {SHORTEST_KEY} at least, or it is not unique"
        )
    return most


def completed(
    arguments: Mapping[str, Any], inside: str | None, always: Mapping[str, Any], fixed: Mapping[str, Any]
) -> dict[str, Any]:
    """Return arguments with what is sent beside them, in each item where a path leads through a list.

    Args:
        arguments: JSON-like.
        inside: dotted path of the object that they are the members of.
        always: is sent even where nothing else of the objects around it is.
        fixed: is sent where the object around it is.
    """
    made = copy.deepcopy(dict(arguments))
    for name in reversed(inside.split(".") if inside is not None else ()):
        made = {name: made}
    for values, create in ((always, True), (fixed, False)):
        for path, value in values.items():
            _put(made, path.split("."), value, create=create)
    return made


def _put(inside: Any, path: Sequence[str], value: Any, *, create: bool) -> None:
    if isinstance(inside, list):
        for each in cast("list[Any]", inside):
            _put(each, path, value, create=create)
    elif isinstance(inside, dict):
        members = cast("dict[str, Any]", inside)
        if len(path) == 1:
            members[path[0]] = value
        elif create or path[0] in members:
            _put(members.setdefault(path[0], {}), path[1:], value, create=create)


def _described(each: Field) -> str:
    words = [each.said or f"{each.name.replace('_', ' ')}."]
    if isinstance(each.type, Simple):
        words.append(description(each.type))
    if each.either:
        words.append(f"One of these is given: {', '.join(each.either)}.")
    return " ".join(filter(None, words))
