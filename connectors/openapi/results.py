"""What the model sees of an answer: the fields that the configuration names. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

Tree = dict[str, "Tree"]


def trimmed(answer: Any, fields: Sequence[str] | Mapping[str, str] | None) -> Any:
    """Return the named fields of an answer.

    Args:
        answer: a JSON-like value.
        fields: dotted paths, which lead through lists as well and keep the answer's form; or new names for such paths,
            which make one flat object; None keeps everything. What is not there is left out.
    """
    if fields is None:
        return answer
    if isinstance(fields, Mapping):
        found = {name: _at(answer, path.split(".")) for name, path in fields.items()}
        return {name: value for name, value in found.items() if value is not None}
    tree: Tree = {}
    for path in fields:
        inside = tree
        for name in path.split("."):
            inside = inside.setdefault(name, {})
    return _kept(answer, tree)


def _kept(value: Any, tree: Tree) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_kept(each, tree) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return None
    members = cast("dict[str, Any]", value)
    return {name: _kept(members[name], inner) for name, inner in tree.items() if name in members}


def _at(value: Any, path: Sequence[str]) -> Any:
    for number, name in enumerate(path):
        if isinstance(value, list):
            return [_at(each, path[number:]) for each in cast("list[Any]", value)]
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, Any]", value).get(name)
    return value
