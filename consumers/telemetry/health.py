"""Whether this process lives, and whether it can take events: two questions with different consequences."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

LivenessCheck = Callable[[], str | None]
"""Returns None while all is well, else what is wrong. Called on the event loop: it must not block."""

Detail = Callable[[], Any]
"""Returns what is to be shown. Called on the event loop: it must not block."""


class Health:
    """What the process says of itself. Fresh, it is alive and ready: say `not_ready` before the start.

    Not ready means "no events now, it will pass": Redis is away, partitions are being assigned. Not alive means
    "start me again": the consuming loop has ended or hangs.
    """

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._checks: dict[str, LivenessCheck] = {}
        self._details: dict[str, Detail] = {}

    def not_ready(self, name: str, reason: str) -> None:
        """Say why no events can be taken; the same name again replaces the reason."""
        self._reasons[name] = reason

    def ready(self, name: str) -> None:
        """Take a reason back; a name without one is left alone."""
        self._reasons.pop(name, None)

    def watch(self, name: str, check: LivenessCheck) -> None:
        """Ask this, too, whether the process lives; the same name again replaces the check."""
        self._checks[name] = check

    def detail(self, name: str, give: Detail) -> None:
        """Say more where somebody asks whether the process lives: JSON-like values or dataclasses."""
        self._details[name] = give

    def details(self) -> dict[str, Any]:
        """Return what is said beside the answer, by name."""
        return {name: give() for name, give in self._details.items()}

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why it is not ready, by name; empty when it is. Follows later changes."""
        return MappingProxyType(self._reasons)

    @property
    def is_ready(self) -> bool:
        """Whether events can be taken."""
        return not self._reasons

    def ailments(self) -> dict[str, str]:
        """Run every liveness check and return what is wrong, by name; empty while the process lives."""
        found = {name: _run(check) for name, check in self._checks.items()}
        return {name: wrong for name, wrong in found.items() if wrong is not None}


def _run(check: LivenessCheck) -> str | None:
    try:
        return check()
    # A check that cannot tell is no proof of life; its text may hold anything, so only its type is said.
    except Exception as error:  # noqa: BLE001 - see above
        return f"the check failed: {type(error).__name__}"
