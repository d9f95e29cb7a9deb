"""Finding connectors: entry points of the group `pointsman.connectors`, and of those only what is asked for.

An installed distribution that nobody names is never imported, so a dependency cannot smuggle in actions.
"""

from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from connectors.connector import Connector
from connectors.kind import Kind
from connectors.lint import close_match

GROUP = "pointsman.connectors"
"""The entry-point group third-party distributions use."""


class DiscoveryError(Exception):
    """Something that was asked for by name is not installed, ambiguous, broken, or something else."""


def load_connectors(
    names: Iterable[str], *, installed: Iterable[EntryPoint] | None = None
) -> tuple[Connector[Any] | Kind[Any], ...]:
    """Import the named connectors, or kinds of connectors, in the order asked for; each name once.

    Args:
        names: entry-point names, such as `sandbox-erp`.
        installed: what to choose from; by default the entry points of this environment.

    Raises:
        DiscoveryError: with the name, what is wrong and, for an unknown name, the nearest known one.
    """
    offered = tuple(entry_points(group=GROUP) if installed is None else installed)
    return tuple(_load(name, offered) for name in dict.fromkeys(names))


def installed_names() -> tuple[str, ...]:
    """Return the names that `load_connectors` would accept here, sorted; imports nothing."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def load_entry_point(kind: str, name: str, offered: Sequence[EntryPoint]) -> tuple[object, EntryPoint]:
    """Import what an entry point names.

    Args:
        kind: what it should be, for messages: `connector`.
        name: the entry point's name.
        offered: what to choose from.

    Raises:
        DiscoveryError: nothing has that name, several distributions offer different things by it, or it does not load.
    """
    point = _the_one(kind, name, offered)
    try:
        return point.load(), point
    # Importing runs other people's code: whatever it raises is reported with the name that caused it.
    except Exception as error:
        raise DiscoveryError(
            f"{kind} {name} ({point.value}) does not load: {type(error).__name__}: {error}"
        ) from error


def _load(name: str, offered: Sequence[EntryPoint]) -> Connector[Any] | Kind[Any]:
    loaded, point = load_entry_point("connector", name, offered)
    if not isinstance(loaded, Connector | Kind):
        raise DiscoveryError(
            f"connector {name}: {point.value} is a {type(loaded).__name__}, no Connector or Kind"
        )
    return cast("Connector[Any] | Kind[Any]", loaded)


def _the_one(kind: str, name: str, offered: Sequence[EntryPoint]) -> EntryPoint:
    # The same distribution may be listed twice (an editable install beside its build); only the target counts.
    targets = {point.value: point for point in offered if point.name == name}
    if not targets:
        known = sorted({point.name for point in offered})
        listed = f" Installed: {', '.join(known)}." if known else " None is installed."
        raise DiscoveryError(f"no {kind} {name} is installed.{close_match(name, known)}{listed}")
    if len(targets) > 1:
        raise DiscoveryError(f"{kind} {name} is offered by several distributions: {sorted(targets)}")
    return next(iter(targets.values()))
