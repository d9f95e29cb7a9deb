"""What a run was expected to do and what a candidate would have done, compared by their effects. Pure.

Reads are no effects: they cost, and that is compared elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from consumers.evaluation.case import Effect
from schemas.canonical import canonical_json
from schemas.leaves import MISSING, Gap, gaps


class Kind(StrEnum):
    """A kind of difference, the graver the later."""

    SAME = "same"
    OTHER_ORDER = "other order"
    OTHER_STATUS = "other ending"
    OTHER_STATE = "other state"
    """The same write, but held, done or undone where it was not."""
    MISSED = "missed"
    OTHER_ARGUMENTS = "other arguments"
    OTHER_ACTION = "other action"
    EXTRA = "extra"


GRAVITY: Final = tuple(Kind)

PENALTIES: Final[Mapping[Kind, float]] = {
    Kind.OTHER_ORDER: 0.25,
    Kind.OTHER_STATUS: 1.0,
    Kind.OTHER_STATE: 1.0,
    Kind.MISSED: 1.0,
    Kind.OTHER_ARGUMENTS: 1.5,
    Kind.OTHER_ACTION: 2.0,
    Kind.EXTRA: 2.0,
}
"""What a difference costs, in units of the weight of the effect it is about: what is done wrongly is worse than what is
left undone."""

Weight = Callable[[str], float]
"""Says how much an action weighs, by its full name."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Attributes:
        kind: of which kind.
        words: what differs, for people.
        penalty: what it costs.
    """

    kind: Kind
    words: str
    penalty: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a run compares with what was expected.

    Attributes:
        differences: in the order of what was expected.
        score: 1 for none, 0 for nothing right.
    """

    differences: tuple[Difference, ...]
    score: float

    @property
    def kind(self) -> Kind:
        """The gravest kind of difference."""
        return max((each.kind for each in self.differences), key=GRAVITY.index, default=Kind.SAME)


def compare(
    expected: Sequence[Effect], found: Sequence[Effect], *, status: tuple[str | None, str], weight: Weight
) -> Comparison:
    """Compare effects, and how the run ended.

    Each effect is paired with one at most: the same first, then the same in another state, then the same action with
    the fewest differing arguments; what is left over is another action in its place, missed, or extra.

    Args:
        expected: the effects of the recorded run, or of the case.
        found: those of the candidate.
        status: the expected one, None where it does not matter, and the candidate's.
        weight: of an action.
    """
    pairs = _pairs(expected, found)
    differences = [each for pair in pairs if (each := _difference(expected, found, pair, weight))]
    if order := _order(expected, found, pairs, weight):
        differences.append(order)
    if status[0] is not None and status[0] != status[1]:
        words = f"it ended {status[1]}, not {status[0]}"
        differences.append(Difference(Kind.OTHER_STATUS, words, PENALTIES[Kind.OTHER_STATUS]))
    # How it ends counts like one effect, so that a run without any can be right or wrong as well.
    total = 1.0 + sum(weight(each.action) for each in expected)
    score = max(0.0, 1.0 - sum(each.penalty for each in differences) / total)
    return Comparison(tuple(differences), score)


_Pair = tuple[int | None, int | None]


def _pairs(expected: Sequence[Effect], found: Sequence[Effect]) -> list[_Pair]:
    """Pair the places of effects, the most alike first."""
    left, right = list(range(len(expected))), list(range(len(found)))
    pairs: list[_Pair] = []

    def take(fits: Callable[[Effect, Effect], int | None]) -> None:
        for one in tuple(left):
            ranked = [(rank, at) for at in right if (rank := fits(expected[one], found[at])) is not None]
            if ranked:
                _, other = min(ranked)
                pairs.append((one, other))
                left.remove(one)
                right.remove(other)

    take(lambda a, b: 0 if _whole(a) == _whole(b) else None)
    take(lambda a, b: 0 if _whole(a)[1:] == _whole(b)[1:] else None)
    take(lambda a, b: len(gaps(a.arguments, b.arguments)) if a.action == b.action else None)
    # A step in the place of another one, as far as there are both.
    several = min(len(left), len(right))
    pairs += zip(left[:several], right[:several], strict=True)
    pairs += [(one, None) for one in left[several:]]
    pairs.sort(key=lambda pair: (pair[0] is None, pair[0]))
    return [*pairs, *((None, other) for other in right[several:])]


def _whole(effect: Effect) -> tuple[str, str, bytes]:
    return effect.state, effect.action, canonical_json(effect.arguments)


def _difference(
    expected: Sequence[Effect], found: Sequence[Effect], pair: _Pair, weight: Weight
) -> Difference | None:
    one = None if pair[0] is None else expected[pair[0]]
    other = None if pair[1] is None else found[pair[1]]
    if one is None:
        assert other is not None
        return _weighed(Kind.EXTRA, _words(other), weight(other.action))
    if other is None:
        return _weighed(Kind.MISSED, _words(one), weight(one.action))
    if one.action != other.action:
        heavier = max(weight(one.action), weight(other.action))
        return _weighed(Kind.OTHER_ACTION, f"{_words(other)} instead of {_words(one)}", heavier)
    if differing := gaps(one.arguments, other.arguments):
        words = f"{one.action}: {', '.join(map(gap_words, differing))}"
        return _weighed(Kind.OTHER_ARGUMENTS, words, weight(one.action))
    if one.state != other.state:
        words = f"{one.action} {other.state}, not {one.state}"
        return _weighed(Kind.OTHER_STATE, words, weight(one.action))
    return None


def _order(
    expected: Sequence[Effect], found: Sequence[Effect], pairs: Sequence[_Pair], weight: Weight
) -> Difference | None:
    """Return the difference where what both did was done in another order."""
    both = [(one, other) for one, other in pairs if one is not None and other is not None]
    alike = [(one, other) for one, other in both if expected[one].action == found[other].action]
    places = [other for _, other in sorted(alike)]
    if places == sorted(places):
        return None
    names = [found[other].action for other in sorted(places)]
    return _weighed(Kind.OTHER_ORDER, f"in the order {', '.join(names)}", max(map(weight, names)))


def _weighed(kind: Kind, words: str, weight: float) -> Difference:
    return Difference(kind, words, PENALTIES[kind] * weight)


def _words(effect: Effect) -> str:
    said = canonical_json(effect.arguments).decode()[1:-1]
    return f"{effect.action}({said})" + ("" if effect.state == "done" else f" {effect.state}")


def gap_words(gap: Gap) -> str:
    """Return a differing place in words: `quantity 3, not 2`."""
    return f"{gap.path} {_said(gap.other)}, not {_said(gap.one)}"


def _said(value: Any) -> str:
    return "missing" if value is MISSING else canonical_json(value).decode()
