"""Which values of an event or a result are tagged as personal data (`"pii": true`): found by their types. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

TAG: Final = "pii"
"""The attribute of an Avro field, or of a JSON Schema: pydantic's `Field(json_schema_extra={"pii": True})`."""

_NOTHING: Final[Mapping[str, Any]] = {}


def tagged(types: Mapping[str, Any], value: Any) -> dict[str, tuple[Any, ...]]:
    """Return the tagged texts, numbers and booleans of an object, by the field of it that they are in.

    Args:
        types: its JSON Schema, as `payload_types` and pydantic make it.
        value: what it describes; where it does not fit, what does is found.
    """
    if not isinstance(value, Mapping):
        return {}
    members = cast("Mapping[str, Any]", value).items()
    forms = {name: inner for name, _ in members if (inner := _member(types, name, types))}
    found = {name: tuple(_values(forms[name], member, types)) for name, member in members if name in forms}
    return {name: values for name, values in found.items() if values}


def only_tagged(types: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the types of an object without the fields that have no tag, so that less is looked through; None if none has."""
    fields = tagged_fields(types)
    kept = {name: part for name, part in types.get("properties", _NOTHING).items() if name in fields}
    return {**types, "properties": kept} if kept else None


def tagged_values(types: Mapping[str, Any], value: Any) -> Iterator[Any]:
    """Yield the tagged texts, numbers and booleans of any value."""
    yield from _values([types], value, types)


def tagged_fields(types: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields of an object that are tagged, or have something tagged inside."""
    names = {name for each in _forms([types], types) for name in each.get("properties", _NOTHING)}
    return frozenset(name for name in names if _has_tag(_member(types, name, types), types, set()))


def _values(forms: list[Mapping[str, Any]], value: Any, root: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what is tagged of a value that has one of these forms; a union may be told by any of its branches."""
    known = list(_forms(forms, root))
    if any(each.get(TAG) is True for each in known):
        if isinstance(value, Mapping) and not any("properties" in each for each in known):
            yield from cast("Mapping[str, Any]", value)  # names that anybody may choose are data, too
        yield from _leaves(value)
    elif isinstance(value, Mapping):
        for name, member in cast("Mapping[str, Any]", value).items():
            if inner := [part for each in known for part in _member(each, name, root)]:
                yield from _values(inner, member, root)
    elif isinstance(value, list | tuple):
        inner = [each["items"] for each in known if isinstance(each.get("items"), Mapping)]
        for member in cast("list[Any]", value) if inner else ():
            yield from _values(inner, member, root)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for member in cast("Mapping[str, Any]", value).values():
            yield from _leaves(member)
    elif isinstance(value, list | tuple):
        for member in cast("list[Any]", value):
            yield from _leaves(member)
    elif value is not None and value != "":
        yield value


def _forms(forms: list[Mapping[str, Any]], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield these types and all that they refer to or are a choice of."""
    waiting, seen = list(forms), set[str]()
    while waiting:
        each = waiting.pop()
        yield each
        for word in ("anyOf", "oneOf", "allOf"):
            waiting += each.get(word, ())
        reference = each.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            seen.add(reference)
            found = root.get("$defs", _NOTHING).get(reference.rpartition("/")[2])
            waiting += [] if found is None else [found]


def _member(types: Mapping[str, Any], name: str, root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for each in _forms([types], root):
        part = each.get("properties", _NOTHING).get(name, each.get("additionalProperties"))
        found += [part] if isinstance(part, Mapping) else []
    return found


def _has_tag(forms: list[Mapping[str, Any]], root: Mapping[str, Any], seen: set[int]) -> bool:
    for each in _forms(forms, root):
        if id(each) in seen:
            continue
        seen.add(id(each))
        if each.get(TAG) is True:
            return True
        inner = [
            *each.get("properties", _NOTHING).values(),
            each.get("items"),
            each.get("additionalProperties"),
        ]
        if _has_tag([part for part in inner if isinstance(part, Mapping)], root, seen):
            return True
    return False
