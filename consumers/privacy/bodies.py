"""Which parts of a journal entry, an outcome or a session's memory are data, and which are names and figures of our own.

Names stay readable: a store, a topic and its readers go by them. What this table does not know counts as data.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

OWN: Final = frozenset(
    {
        *("id", "run_id", "event_id", "tenant", "session_id", "route", "source", "event_source", "schema"),
        *("type", "event", "event_type", "traceparent", "action", "description", "effect", "status", "code"),
        *(
            "digest",
            "key",
            "compensate",
            "compensation",
            "rule",
            "rules",
            "approvers",
            "quorum",
            "roles",
            "escalate_to",
        ),
        *(
            "answer",
            "model",
            "deployment",
            "prompt",
            "input_tokens",
            "output_tokens",
            "cost_usd",
            "turns",
            "round",
            "ms",
        ),
        *("at", "time", "began_at", "started_at", "finished_at", "requested_at", "expires_at"),
        *("shown", "version", "earlier", "more", "waits", "link", "same_as", "left_out", "step"),
    }
)
"""Fields that say nothing a person, a model or a system outside has said."""
NESTED: Final = frozenset({"calls", "finish", "actions", "runs", "results", "payloads"})
"""Fields that hold further fields of ours."""
DATA: Final = frozenset(
    {
        *(
            "arguments",
            "result",
            "error",
            "problem",
            "text",
            "summary",
            "payload",
            "subject",
            "value",
            "about",
        ),
        *("reason", "comment", "approver", "operator", "requester", "origins", "by"),
    }
)
"""Fields that hold what was said. The rest counts as such, too; these are listed so that a test finds what is forgotten."""


def mapped(body: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """Return a body with its data changed."""
    return {name: _part(name, value, change) for name, value in body.items()}


def _part(name: str, value: Any, change: Callable[[Any], Any]) -> Any:
    if name in OWN:
        return value
    return _nested(value, change) if name in NESTED else change(value)


def _nested(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return mapped(cast("Mapping[str, Any]", value), change)
    if isinstance(value, list | tuple):
        return [_nested(member, change) for member in cast("list[Any]", value)]
    return value  # the name of an action or of a type of event
