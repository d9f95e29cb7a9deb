"""What the model sees of an answer: the fields that the configuration names. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from connectors.errors import FailedError
from connectors.kept_fields import kept, renamed, tree_of

Fields = Sequence[str] | Mapping[str, str] | None
"""Paths (see `steps_of`), which lead through lists as well and keep the answer's form; or new names for such paths, which
make one flat object; None keeps everything."""

_NUMBER: Final = re.compile(r"-?[0-9]{1,6}")


def trimmed(answer: Any, fields: Fields) -> Any:
    """Return the named fields of a JSON-like answer; what is not there is left out."""
    if fields is None or answer is None:
        return answer
    if isinstance(fields, Mapping):
        return renamed(answer, {name: steps_of(path) for name, path in fields.items()})
    return kept(answer, tree_of(map(steps_of, fields)))


def only_item(answer: Any, steps: Sequence[str]) -> Any:
    """Return the only item of a list in an answer, None where it is empty.

    Raises:
        FailedError: code `ambiguous`: there are several; code `no_list`: there is no list.
    """
    found = value_at(answer, steps)
    if not isinstance(found, list):
        raise FailedError(f"there is no list at {'.'.join(steps) or 'the top'} of the answer", code="no_list")
    items = cast("list[Any]", found)
    if len(items) > 1:
        raise FailedError(f"{len(items)} were found where one was looked for", code="ambiguous")
    return items[0] if items else None


def value_at(value: Any, steps: Sequence[str]) -> Any:
    """Return what stands at a place, or None where there is nothing; a list's items are named by number, from -1 back."""
    for step in steps:
        if isinstance(value, dict):
            value = cast("dict[str, Any]", value).get(step)
        elif isinstance(value, list) and _NUMBER.fullmatch(step):
            listed = cast("list[Any]", value)
            value = listed[int(step)] if -len(listed) <= int(step) < len(listed) else None
        else:
            return None
    return value


def steps_of(path: str) -> tuple[str, ...]:
    """Return the steps of a dotted path or a JSON pointer."""
    if path.startswith("/"):
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/"))
    return tuple(path.split(".")) if path else ()
