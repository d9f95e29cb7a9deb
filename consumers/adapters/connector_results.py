"""What may come back from an action: JSON-like, finite, and small enough for a journal. Pure."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Final, cast

from connectors.action import Action
from connectors.errors import FailedError
from schemas.canonical import canonical_json

RESULT_LIMIT_BYTES: Final = 64 * 1024
"""Of a result's canonical JSON."""


def checked_result(action: Action, result: Any) -> Any:
    """Return the result of an action that ended well, or what stands for it where it cannot be journaled.

    A write has taken effect, whatever it returned: its unusable result is replaced by
    `{"truncated": true, "bytes": n}` or `{"unreadable": true}`.

    Raises:
        FailedError: for a read, with code `result_too_large` or `result_unreadable`.
    """
    try:
        encoded = canonical_json(result)
    except TypeError:
        return _unreadable(action)
    # orjson writes NaN and the infinities as null; where there is no null, there is none of them.
    if b"null" in encoded and not _is_finite(result):
        return _unreadable(action)
    if len(encoded) <= RESULT_LIMIT_BYTES:
        return result
    if action.effect == "write":
        return {"truncated": True, "bytes": len(encoded)}
    raise FailedError(
        f"the result has {len(encoded)} bytes, more than {RESULT_LIMIT_BYTES}; ask for less",
        code="result_too_large",
    )


def _unreadable(action: Action) -> dict[str, Any]:
    if action.effect == "write":
        return {"unreadable": True}
    raise FailedError("the result holds values that JSON cannot say", code="result_unreadable")


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, Mapping):
        return all(map(_is_finite, cast("Mapping[str, Any]", value).values()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(map(_is_finite, cast("Sequence[Any]", value)))
    return True
