"""What the model sees of a result: the fields that a section names, through lists as well. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

Path = Sequence[str]
"""Names, from the outside in."""
Tree = dict[str, "Tree"]
"""Paths by their first steps; an empty one keeps all that is there."""


def tree_of(paths: Iterable[Path]) -> Tree:
    """Return paths by their first steps."""
    tree: Tree = {}
    for path in paths:
        inside = tree
        for name in path:
            inside = inside.setdefault(name, {})
    return tree


def kept(value: Any, tree: Tree) -> Any:
    """Return a JSON-like value with what the paths lead to, in its form; what is not there is left out."""
    if not tree:
        return value
    if isinstance(value, list):
        return [kept(each, tree) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return None
    members = cast("dict[str, Any]", value)
    return {name: kept(members[name], inner) for name, inner in tree.items() if name in members}


def renamed(value: Any, paths: Mapping[str, Path]) -> dict[str, Any]:
    """Return one flat object: what each path leads to, by its new name; what is not there, or null, is left out."""
    found = {name: at(value, path) for name, path in paths.items()}
    return {name: each for name, each in found.items() if each is not None}


def at(value: Any, path: Path) -> Any:
    """Return what a path leads to, None where there is nothing; of a list, a list."""
    for number, name in enumerate(path):
        if isinstance(value, list):
            return [at(each, path[number:]) for each in cast("list[Any]", value)]
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, Any]", value).get(name)
    return value
