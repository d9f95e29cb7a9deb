"""Random schemas and small changes of them. Names are told apart by kind, and no alias is ambiguous: see the table for those."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.schemas.evolution_pairs import PRIMITIVES, array, enum, field, fixed, map_of, record

Draw = Callable[[st.SearchStrategy[Any]], Any]
SYMBOLS = st.lists(st.sampled_from("ABCD"), min_size=1, unique=True)
NAMES = ("E0", "E1", "F0", "F1", "I0", "I1")


@dataclass(frozen=True)
class Drawn:
    """Fields of a record, and the named types that they refer to."""

    fields: tuple[dict[str, Any], ...]
    named: dict[str, Any]

    def schema(self) -> dict[str, Any]:
        """Return it as Avro wants it: each named type where it is used first, and its name from there on."""
        told: set[str] = set()
        return record(*(_told(each, self.named, told) for each in self.fields))


@st.composite
def evolutions(draw: Draw) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schema of a writer, and that of a reader which is a few changes away."""
    writer = _drawn(draw)
    reader = Drawn(
        _changed_fields(draw, writer.fields), {n: _changed_named(draw, t) for n, t in writer.named.items()}
    )
    return writer.schema(), reader.schema()


def _drawn(draw: Draw) -> Drawn:
    named = {name: _named(draw, name) for name in NAMES}
    fields = tuple(field(f"f{place}", _type(draw, NAMES, 2)) for place in range(draw(st.integers(1, 4))))
    return Drawn(fields, named)


def _named(draw: Draw, name: str) -> Any:
    if name.startswith("E"):
        symbols = draw(SYMBOLS)
        default = {"default": symbols[0]} if draw(st.booleans()) else {}
        return enum(*symbols, name=name, **default)
    if name.startswith("F"):
        return fixed(draw(st.integers(1, 3)), name)
    below = NAMES[: NAMES.index(name)]
    fields = [field(f"g{place}", _type(draw, below, 1)) for place in range(draw(st.integers(0, 3)))]
    return record(*fields, name=name)


def _type(draw: Draw, names: tuple[str, ...], depth: int) -> Any:
    kind = draw(
        st.sampled_from(["primitive", "named", "array", "map", "union"] if depth else ["primitive", "named"])
    )
    if kind == "array":
        return array(_type(draw, names, depth - 1))
    if kind == "map":
        return map_of(_type(draw, names, depth - 1))
    if kind == "union":
        return _union([_type(draw, names, 0) for _ in range(draw(st.integers(1, 3)))])
    return draw(st.sampled_from(names if kind == "named" else PRIMITIVES))


def _union(branches: list[Any]) -> list[Any]:
    """A union has each type once, and none inside of another one."""
    flat = [inner for each in branches for inner in (each if isinstance(each, list) else [each])]
    return list({each if isinstance(each, str) else each["type"]: each for each in flat}.values())


def _changed(draw: Draw, node: Any, names: tuple[str, ...]) -> Any:
    change = draw(st.sampled_from(["none"] * 6 + ["other", "optional", "primitive", "branch"]))
    if change == "other":
        return _type(draw, names, 1)
    if change == "optional":
        return _union(["null", node] if draw(st.booleans()) else [node, "null"])
    if change == "primitive" and node in PRIMITIVES:
        return draw(st.sampled_from(PRIMITIVES))
    if isinstance(node, list):
        branches = draw(st.permutations(node))
        more = [_type(draw, names, 0)] if change == "branch" else []
        return _union([*branches[: draw(st.integers(1, len(branches)))], *more])
    if isinstance(node, dict):
        inside = "items" if node["type"] == "array" else "values"
        return {**node, inside: _changed(draw, node[inside], names)}
    return node


def _changed_fields(
    draw: Draw, fields: tuple[dict[str, Any], ...], names: tuple[str, ...] = NAMES
) -> tuple[dict[str, Any], ...]:
    changed: list[dict[str, Any]] = []
    for each in fields:
        how = draw(st.sampled_from(["keep"] * 4 + ["change", "drop", "rename", "alias"]))
        kind = _changed(draw, each["type"], names) if how == "change" else each["type"]
        if how == "rename":
            changed.append(field(each["name"] + "x", kind))
        elif how == "alias":
            changed.append(field(each["name"] + "x", kind, aliases=[each["name"]]))
        elif how != "drop":
            changed.append({**each, "type": kind})
    if draw(st.booleans()):
        default = {"default": None} if draw(st.booleans()) else {}
        changed.append(field("added", _union(["null", _type(draw, names, 0)]), **default))
    return tuple(draw(st.permutations(changed)))


def _changed_named(draw: Draw, node: Any) -> Any:
    if draw(st.booleans()):
        return node
    if node["type"] == "record":
        below = NAMES[: NAMES.index(node["name"])]
        return {**node, "fields": list(_changed_fields(draw, tuple(node["fields"]), below))}
    return _named(draw, node["name"])


def _told(node: Any, named: dict[str, Any], told: set[str]) -> Any:
    if isinstance(node, list):
        return [_told(each, named, told) for each in node]
    if isinstance(node, dict):
        parts = {
            part: _told(node[part], named, told)
            for part in ("type", "fields", "items", "values")
            if part in node
        }
        return {**node, **parts}
    if node not in named or node in told:
        return node
    told.add(node)
    return _told(named[node], named, told)
