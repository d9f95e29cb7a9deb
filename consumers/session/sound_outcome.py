"""Whether a run's terminal entry is sound, said fast of what is usual. Pure.

Where many are read at a time, as in a replay, a look at the types of all values costs a fifth of what pydantic does.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import product
from operator import itemgetter
from types import NoneType
from typing import Any, Final

from schemas.outcome import Status

_TEXT: Final = (str,)
_TEXT_OR_NONE: Final = (str, NoneType)
_FIELDS: Final[Mapping[str, tuple[type, ...]]] = {
    "id": _TEXT,
    "run_id": _TEXT,
    "event_id": _TEXT,
    "event_type": _TEXT,
    "event_source": _TEXT,
    "tenant": _TEXT,
    "session_id": _TEXT,
    "route": _TEXT,
    "status": _TEXT,
    "summary": _TEXT,
    "actions": (list,),
    "turns": (int,),
    "input_tokens": (int,),
    "output_tokens": (int,),
    "cost_usd": (float,),
    "started_at": _TEXT,
    "finished_at": _TEXT,
    "model": _TEXT_OR_NONE,
    "prompt": _TEXT_OR_NONE,
}
_ACTION_FIELDS: Final[Mapping[str, tuple[type, ...]]] = {
    "action": _TEXT,
    "effect": _TEXT,
    "status": _TEXT,
    "arguments": (dict,),
    "error": _TEXT_OR_NONE,
    "result": (dict, list, str, int, float, bool, NoneType),
}
_STATUSES: Final = frozenset(map(str, Status))

_values = itemgetter(*_FIELDS)
_types: Final = frozenset(product(*_FIELDS.values()))
_action_values = itemgetter(*_ACTION_FIELDS)
_action_types: Final = frozenset(product(*_ACTION_FIELDS.values()))


def is_sound(outcome: Mapping[str, Any]) -> bool:
    """Return true for nothing but what the shape of an outcome takes; false says that it takes a closer look."""
    try:
        if len(outcome) != len(_FIELDS) or tuple(map(type, _values(outcome))) not in _types:
            return False
        for action in outcome["actions"]:
            if (
                len(action) != len(_ACTION_FIELDS)
                or tuple(map(type, _action_values(action))) not in _action_types
            ):
                return False
        return (
            outcome["status"] in _STATUSES
            and datetime.fromisoformat(outcome["started_at"]).tzinfo is not None
            and datetime.fromisoformat(outcome["finished_at"]).tzinfo is not None
        )
    except (KeyError, TypeError, ValueError):
        return False
