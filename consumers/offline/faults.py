"""How the offline model misbehaves when told to: slow, busy, broken or wrong, by a seeded die."""

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Final

import orjson

from consumers.offline.reply import Call, Reply


class Wrong(StrEnum):
    """The ways in which an answer can be wrong."""

    INVALID_JSON = "invalid-json"
    UNKNOWN_TOOL = "unknown-tool"
    MISSING_ARGUMENT = "missing-argument"
    EMPTY = "empty"
    TRUNCATED = "truncated"


class Refusal(StrEnum):
    """The ways in which there is no answer at all."""

    RATE_LIMIT = "rate-limit"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the offline model behaves. By default: at once, and always well.

    Attributes:
        seed: same seed, same order of requests: same behaviour.
        latency_s: seconds an answer takes.
        jitter_s: up to so many seconds more, evenly spread.
        rate_limit: probability of a 429.
        rate_limit_first: so many requests get a 429 before anything else happens.
        retry_after_s: what a 429 asks for.
        error: probability of a 500.
        error_first: so many requests that are not rate-limited get a 500 first.
        wrong: probability that an answer is wrong.
        wrong_kinds: the ways to choose from, evenly.
        obedient: whether it obeys instructions in data; see `consumers.offline.obedience`.
    """

    seed: int = 0
    latency_s: float = 0.0
    jitter_s: float = 0.0
    rate_limit: float = 0.0
    rate_limit_first: int = 0
    retry_after_s: float = 1.0
    error: float = 0.0
    error_first: int = 0
    wrong: float = 0.0
    wrong_kinds: tuple[Wrong, ...] = tuple(Wrong)
    obedient: bool = False

    def __post_init__(self) -> None:
        for name in ("rate_limit", "error", "wrong"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability from 0 to 1, not {getattr(self, name)}")
        for name in ("latency_s", "jitter_s", "rate_limit_first", "retry_after_s", "error_first"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} cannot be negative, as {getattr(self, name)} is")
        if not self.wrong_kinds:
            raise ValueError("wrong_kinds needs at least one way of being wrong")


@dataclass(frozen=True, slots=True)
class Mood:
    """What happens to one request."""

    delay_s: float
    refusal: Refusal | None
    wrong: Wrong | None


class Die:
    """Draws a mood for each request, in the order of their arrival."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour: Final = behaviour
        self._random: Final = Random(behaviour.seed)  # noqa: S311 - reproducible, not secret
        self._rate_limits_left = behaviour.rate_limit_first
        self._errors_left = behaviour.error_first

    def draw(self) -> Mood:
        """Return the next mood."""
        # Always five draws: switching one fault on does not move the others.
        jitter, limited, broken, wrong, kind = (self._random.random() for _ in range(5))
        behaviour = self._behaviour
        return Mood(
            delay_s=behaviour.latency_s + behaviour.jitter_s * jitter,
            refusal=self._refusal(limited, broken),
            wrong=_pick(behaviour.wrong_kinds, kind) if wrong < behaviour.wrong else None,
        )

    def _refusal(self, limited: float, broken: float) -> Refusal | None:
        if self._rate_limits_left:
            self._rate_limits_left -= 1
            return Refusal.RATE_LIMIT
        if limited < self._behaviour.rate_limit:
            return Refusal.RATE_LIMIT
        if self._errors_left:
            self._errors_left -= 1
            return Refusal.ERROR
        return Refusal.ERROR if broken < self._behaviour.error else None


def spoil(reply: Reply, wrong: Wrong) -> Reply:
    """Return the reply, wrong in the given way; where it has no call to be wrong about, it is empty."""
    if wrong is Wrong.EMPTY or (not reply.calls and wrong is not Wrong.TRUNCATED):
        return Reply((), "", reply.rule)
    if wrong is Wrong.TRUNCATED:
        calls = tuple(replace(call, arguments=_half(call.arguments)) for call in reply.calls[:1])
        return Reply(calls, _half(reply.text), reply.rule, "length")
    return replace(reply, calls=(_SPOILERS[wrong](reply.calls[0]), *reply.calls[1:]))


def _unknown(call: Call) -> Call:
    return replace(call, name=f"{call.name}_unknown")


def _unparsable(call: Call) -> Call:
    return replace(call, arguments=call.arguments[:-1])


def _incomplete(call: Call) -> Call:
    arguments = orjson.loads(call.arguments)
    kept = dict(list(arguments.items())[1:])
    return replace(call, arguments=orjson.dumps(kept).decode())


_SPOILERS: Final = {
    Wrong.INVALID_JSON: _unparsable,
    Wrong.UNKNOWN_TOOL: _unknown,
    Wrong.MISSING_ARGUMENT: _incomplete,
}


def _half(text: str) -> str:
    return text[: len(text) // 2]


def _pick(kinds: tuple[Wrong, ...], share: float) -> Wrong:
    return kinds[int(share * len(kinds))]
