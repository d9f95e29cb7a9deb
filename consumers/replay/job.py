"""A job: one replay as it was ordered, frozen, so that it can be stopped and goes on as the same one. Pure."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from consumers.replay.chosen import Chosen
from consumers.replay.mode import Mode


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a job may use at most, over all its parts; None is no bound.

    Attributes:
        effects: writes that are performed.
        usd: dollars that models cost.
    """

    effects: int | None = None
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One replay.

    Attributes:
        id: names it, and its consumer group `<group>.replay.<id>`.
        mode: what is done.
        topic: an input topic of a route.
        spans: for each partition the first offset and the one after the last, as they stood when it was ordered.
        chosen: which of the events there are meant.
        output: topic for what comes out instead of the routes' own, or None.
        operator: who ordered it.
        reason: why, in words; may be empty.
        ordered_at: when, with a time zone.
        bounds: what it may use at most.
    """

    id: str
    mode: Mode
    topic: str
    spans: Mapping[int, tuple[int, int]]
    chosen: Chosen
    output: str | None
    operator: str
    ordered_at: datetime
    reason: str = ""
    bounds: Bounds = field(default_factory=Bounds)

    @property
    def records(self) -> int:
        """Offsets in all spans: records at most."""
        return sum(end - first for first, end in self.spans.values())

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it: what is kept, and signed."""
        return {
            "id": self.id,
            "mode": str(self.mode),
            "topic": self.topic,
            "spans": {str(number): list(span) for number, span in sorted(self.spans.items())},
            "chosen": self.chosen.document(),
            "output": self.output,
            "operator": self.operator,
            "ordered_at": self.ordered_at.isoformat(),
            "reason": self.reason,
            "bounds": {"effects": self.bounds.effects, "usd": self.bounds.usd},
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what `document` returned.

        Raises:
            ValueError, KeyError, ExpressionError: it is something else.
        """
        return cls(
            id=document["id"],
            mode=Mode(document["mode"]),
            topic=document["topic"],
            spans={int(number): (first, end) for number, (first, end) in document["spans"].items()},
            chosen=Chosen.of_document(document["chosen"]),
            output=document["output"],
            operator=document["operator"],
            ordered_at=datetime.fromisoformat(document["ordered_at"]),
            reason=document["reason"],
            bounds=Bounds(**document["bounds"]),
        )


def new_id(at: datetime) -> str:
    """Return an id that sorts by time and that nobody can guess: `20261128-153000-5f0c1a2b`."""
    return f"{at.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
