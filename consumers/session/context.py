"""The context: what earlier events of the session did, bounded, as the prompt and the rules see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.canonical import canonical_json
from schemas.outcome import Outcome

MAX_RUNS = 20
"""Runs a context remembers; older ones are on the steps topic."""
MAX_BYTES = 32_768
"""Size of a stored context; the oldest runs are dropped first."""


@dataclass(frozen=True, slots=True)
class Context:
    """The finished runs of a session, oldest first, each as JSON-like values."""

    runs: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def load(cls, data: bytes | None) -> "Context":
        """Read what `dump` wrote; None is a new session."""
        return cls(tuple(orjson.loads(data)["runs"])) if data else cls()

    def dump(self) -> bytes:
        """Encode within `MAX_BYTES`, dropping the oldest runs first; the newest always stays."""
        runs = self.runs[-MAX_RUNS:]
        data = canonical_json({"runs": runs})
        while len(data) > MAX_BYTES and len(runs) > 1:
            runs = runs[1:]
            data = canonical_json({"runs": runs})
        return data

    def after(self, outcome: Outcome) -> "Context":
        """Return the context with one more finished run."""
        run = {
            "event": outcome.event_type,
            "event_id": outcome.event_id,
            "status": str(outcome.status),
            "summary": outcome.summary,
            "actions": [
                {"action": a.action, "status": a.status, "arguments": a.arguments, "result": a.result}
                for a in outcome.actions
                if a.effect == "write"
            ],
            "at": outcome.finished_at.isoformat(),
        }
        return Context((*self.runs, run)[-MAX_RUNS:])

    def facts(self) -> dict[str, Any]:
        """Return what rules see as `session.history`."""
        return {"history": list(self.runs)}
