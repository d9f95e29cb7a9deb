"""What a session remembers of one run, of one action, and of the latest result of each. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import AwareDatetime

from consumers.session.bounds import bounded, is_omitted, omitted, short
from schemas.canonical import canonical_json

RUN_BYTES: Final = 16_384
"""Of one run in a context."""


@dataclass(frozen=True, slots=True)
class PastAction:
    """One action of an earlier run. What has a default may be missing in what older versions stored.

    Attributes:
        action: full name.
        status: as in the journal: `done`, `failed`, `denied`, `held`, `compensated`, …
        arguments: what it was called with.
        result: what it returned, or None.
        effect: read or write.
        error: why it was not done, or None.
        ms: how long it took, or None where that is not known.
        rules: the rules that were checked.
        rule: the one that decided, or None.
    """

    action: str
    status: str
    arguments: Any
    result: Any = None
    effect: str = "write"
    error: str | None = None
    ms: int | None = None
    rules: tuple[str, ...] = ()
    rule: str | None = None

    def facts(self) -> dict[str, Any]:
        """Return it as rules see it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class PastRun:
    """One earlier run of a session. What has a default may be missing in what older versions stored.

    Attributes:
        event: the event's type.
        event_id: its id.
        status: how the run ended, or what it waits for.
        summary: how it ended, in words.
        actions: what the model chose, in its order; the latest ones where there were too many.
        at: when it ended or began to wait.
        run_id: which run.
        subject: what the event was about, or None.
        route: the route that was taken: what was to be done.
        began_at: when its first turn began, or None where that is not known.
        waits: whether it is not over yet.
        more: actions before these that are not kept.
    """

    event: str
    event_id: str
    status: str
    summary: str
    actions: tuple[PastAction, ...]
    at: AwareDatetime
    run_id: str = ""
    subject: str | None = None
    route: str = ""
    began_at: AwareDatetime | None = None
    waits: bool = False
    more: int = 0

    def facts(self) -> dict[str, Any]:
        """Return it as rules see it: of its actions, those that change something."""
        said = {name: getattr(self, name) for name in self.__slots__}
        return {
            **said,
            "at": self.at.isoformat(),
            "began_at": (self.began_at or self.at).isoformat(),
            "actions": [each.facts() for each in self.actions if each.effect == "write"],
        }

    def within_bounds(self) -> "PastRun":
        """Return it with large values replaced by markers, and the first actions left out where that is not enough."""
        thin = replace(
            self,
            summary=short(self.summary),
            actions=tuple(
                replace(
                    each,
                    arguments=bounded(each.arguments),
                    result=bounded(each.result),
                    error=short(each.error) if each.error else None,
                )
                for each in self.actions
            ),
        )
        return thin if _size(thin) <= RUN_BYTES else _without_values(thin)


@dataclass(frozen=True, slots=True)
class Learnt:
    """The latest result of an action in a session, or what the latest event of a type said.

    Attributes:
        value: the result; of an event, the payload as far as its route shows it to the model.
        at: when it was learnt.
        run_id: in which run.
        about: the arguments it was asked with; of an event, its id.
    """

    value: Any
    at: AwareDatetime
    run_id: str
    about: Any = None


def _without_values(run: PastRun) -> PastRun:
    actions = tuple(
        replace(each, arguments=_left_out(each.arguments), result=_left_out(each.result))
        for each in run.actions
    )
    kept = replace(run, actions=actions)
    while len(kept.actions) > 1 and _size(kept) > RUN_BYTES:
        half = kept.actions[(len(kept.actions) + 1) // 2 :]
        # Measured with how many are left out: their number takes room, too.
        kept = replace(run, actions=half, more=run.more + len(run.actions) - len(half))
    return kept


def _left_out(value: Any) -> Any:
    if not value or is_omitted(value) or not isinstance(value, Mapping | list | str):
        return value
    return omitted(f"{len(canonical_json(value)):,} bytes of a run with too many to keep")


def _size(run: PastRun) -> int:
    return len(canonical_json(run))
