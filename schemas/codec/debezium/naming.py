"""What changes are called: `orders.updated` and the like. Pure."""

import re
from collections.abc import Mapping
from typing import Final

CHANGES: Final[Mapping[str, str]] = {
    "c": "created",
    "u": "updated",
    "d": "deleted",
    "r": "read",
    "t": "truncated",
}
"""Debezium's `op`, in words; `r` is a row of a snapshot."""

HEARTBEAT: Final = "heartbeat"
TRANSACTION: Final = "transaction"
SCHEMA_CHANGE: Final = "schema-change"
KINDS: Final = (*CHANGES.values(), HEARTBEAT, TRANSACTION, SCHEMA_CHANGE)
"""What a record of a connector's topics may be, tombstones aside."""

DEFAULT_NAME: Final = "{table}.{change}"
NAMES: Final = ("table", "change", "schema", "database", "connector", "name", "op")
"""What may stand in braces in an event's type; `name` is the connector's own, the prefix of its topics."""

_PLACE: Final = re.compile(r"\{([^{}]*)\}")


def unknown_names(template: str) -> tuple[str, ...]:
    """Return what stands in a template's braces and is no name."""
    return tuple(name for name in _PLACE.findall(template) if name not in NAMES)


def change_named(template: str, event: str) -> str | None:
    """Return which change an event of this type would be: "" where the type does not tell; None where none is called so."""
    parts = _PLACE.split(template)
    # Every other part is a name in braces; a name that occurs twice has one value, which is not checked here.
    patterns = [re.escape(part) if at % 2 == 0 else _pattern(part) for at, part in enumerate(parts)]
    found = re.fullmatch("".join(patterns), event)
    if found is None:
        return None
    said = [text for text in found.groups() if text]
    return CHANGES.get(said[0], said[0]) if said else ""


def _pattern(name: str) -> str:
    if name in {"change", "op"}:
        return f"({'|'.join(CHANGES.values() if name == 'change' else CHANGES)})"
    return ".*"


def named(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its names replaced, those without a value by nothing."""
    return _PLACE.sub(lambda found: values.get(found[1], ""), template)
