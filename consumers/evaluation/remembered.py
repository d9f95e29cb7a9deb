"""What sessions remembered when their runs began, from what the audit trail says they learnt. Pure."""

from collections.abc import Collection, Mapping
from typing import Any

import orjson

from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.session.learning import NOTHING, after, is_of_run
from schemas.step import Step


class Remembered:
    """Follows the steps of some sessions, given in the order of the topic, and keeps what each run found.

    Where a run began before the topic's first step, or waited for a person while others went on, it may have known more.

    Args:
        sessions: those whose runs are wanted; of others nothing is kept.
    """

    def __init__(self, sessions: Collection[SessionKey]) -> None:
        self._now = dict.fromkeys(sessions, NOTHING)
        self._before: dict[str, Context] = {}

    def take(self, step: Step) -> None:
        """Follow the next step; what it remembers and cannot be read is left out."""
        key = SessionKey(step.tenant, step.session_id)
        if key not in self._now or not is_of_run(step):
            return
        self._before.setdefault(step.run_id, self._now[key])
        self._now[key] = after(self._now[key], step)

    def before(self, run_id: str) -> Mapping[str, Any] | None:
        """Return what the session of a run remembered when it began, as it is stored; None for nothing."""
        context = self._before.get(run_id, NOTHING)
        return None if context.is_empty else orjson.loads(context.dump())
