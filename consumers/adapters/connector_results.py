"""What may come back from an action: JSON-like, finite, flat and small enough for a journal. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, cast

from connectors.action import Action
from connectors.errors import FailedError, InDoubtError, UnusableResultError
from consumers.session.bounds import omitted
from schemas.canonical import canonical_json


@dataclass(frozen=True, slots=True)
class ResultLimits:
    """Bounds on one result.

    Attributes:
        bytes: of its canonical JSON.
        depth: levels of objects and lists.
    """

    bytes: int = 65_536
    depth: int = 64


DEFAULTS: Final = ResultLimits()


def checked_result(action: Action, result: Any, limits: ResultLimits = DEFAULTS) -> Any:
    """Return the result of an action that ended well, or what stands for it where it cannot be journaled.

    A write has taken effect, whatever it returned: its unusable result is replaced by a marker that says why.

    Raises:
        FailedError: for a read, with code `result_too_large` or `result_unreadable`.
    """
    try:
        encoded = canonical_json(result)
    except TypeError as error:
        return _unreadable(action, f"the result holds what JSON cannot say ({error})")
    # orjson writes NaN and the infinities as null; where there is no null, there is none of them.
    if b"null" in encoded and not _is_finite(result):
        return _unreadable(action, "the result holds NaN or an infinity, which JSON cannot say")
    if encoded.count(b"{") + encoded.count(b"[") > limits.depth and _is_deeper(result, limits.depth):
        why = f"the result is nested deeper than {limits.depth} levels (limits.result_depth)"
        return _unreadable(action, why)
    if len(encoded) <= limits.bytes:
        return result
    why = f"the result has {len(encoded):,} bytes, more than {limits.bytes:,} (limits.result_bytes)"
    return _unusable(action, UnusableResultError(why, code="result_too_large", executed=True))


def stand_in(action: Action, error: UnusableResultError) -> Any:
    """Return what stands for the result of an action whose answer cannot be used.

    Raises:
        FailedError: it is a read.
        InDoubtError: it is a write, and nobody knows whether it took effect.
    """
    if action.effect == "write" and not error.executed:
        raise InDoubtError(str(error))
    return _unusable(action, error)


def _unreadable(action: Action, why: str) -> Any:
    return _unusable(action, UnusableResultError(why, executed=True))


def _unusable(action: Action, error: UnusableResultError) -> Any:
    if action.effect == "write":
        return omitted(f"it was done, but {error}")
    hint = "; ask for less" if error.code == "result_too_large" else ""
    raise FailedError(f"{error}{hint}", code=error.code) from None


def _is_finite(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, Mapping):
        return all(map(_is_finite, cast("Mapping[str, Any]", value).values()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return all(map(_is_finite, cast("Sequence[Any]", value)))
    return True


def _is_deeper(value: Any, levels: int) -> bool:
    inside: list[Any] = [value]
    for _ in range(levels):
        inside = [child for each in inside for child in _children(each)]
    return any(isinstance(each, dict | list | tuple) for each in inside)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).values()
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()
