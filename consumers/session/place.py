"""Places in a run's journal. An entry is named by where it stands, not by when it was written.

So parallel calls need no order among themselves, and writing an entry twice hits the same name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from schemas.canonical import digest

EVENT = "event"
"""The envelope, kept while a run waits for a person and the record is long committed."""
ENDING = "ending"
"""The run is being unwound, and why; written with the first compensation, so that no crash changes the mind."""
OUTCOME = "outcome"
"""The terminal entry."""
CANCEL = "cancel"
"""An operator's word to end the run; written without the lease."""
ERASED = "erased"
"""All that is left of a run whose session was erased."""


@dataclass(frozen=True, slots=True, order=True)
class CallPlace:
    """The place of one chosen action: turns count from 1, calls of a turn from 0."""

    turn: int
    call: int

    def __str__(self) -> str:
        return f"t{self.turn}/c{self.call}"

    @property
    def intent(self) -> str:
        """Written before a write is performed."""
        return f"{self}/intent"

    @property
    def result(self) -> str:
        """What became of it."""
        return f"{self}/result"

    def question(self, number: int) -> str:
        """Where it stands that a rule asked for a person, for the first or a further time; decisions name it."""
        return str(self) if number == 1 else f"{self}/h{number}"

    def hold(self, number: int = 1) -> str:
        """A rule asked for a person; the request that was published."""
        return hold(self.question(number))

    def approval(self, number: int = 1) -> str:
        """What people answered to it, once that is decided."""
        return approval(self.question(number))

    def doubt(self, number: int) -> str:
        """Nobody knows what became of it: the question to a person, the first one being number 1."""
        return f"{self}/d{number}/doubt"

    def doubt_answer(self, number: int) -> str:
        """What the person said."""
        return f"{self}/d{number}/doubt.answer"

    def retry(self, number: int) -> str:
        """Written before the write is performed once more, because the person said that it was not."""
        return f"{self}/d{number}/intent"

    @property
    def undo_intent(self) -> str:
        """Written before the compensation is performed."""
        return f"{self}/undo.intent"

    @property
    def undo_result(self) -> str:
        """What became of the compensation."""
        return f"{self}/undo.result"


def decision(turn: int) -> str:
    """Return the place of a turn's decision."""
    return f"t{turn}/decision"


def hold(question: str) -> str:
    """Return the place of what was asked."""
    return f"{question}/hold"


def approval(question: str) -> str:
    """Return the place of what was decided."""
    return f"{question}/approval"


def consent(question: str, approver: str, arguments: Any) -> str:
    """Return the place of one person's yes to these arguments, where several people must agree: each counts once."""
    return f"{question}/by-{digest([approver, arguments])[:20]}/approval"


def unanswered(places: Iterable[str]) -> bool:
    """Say whether one of these places asks a person something, and none of them is the answer."""
    there = frozenset(places)
    return any(_answers_to(at) not in there for at in there if at.endswith(("/hold", "/doubt")))


def _answers_to(at: str) -> str:
    return f"{at}.answer" if at.endswith("/doubt") else approval(at.removesuffix("/hold"))


def call_of(at: str) -> CallPlace:
    """Return the call that a place is in, such as t1/c0 for `t1/c0/d1/doubt`.

    Raises:
        ValueError: it is in none.
    """
    turn, call, *_ = at.split("/")
    if turn[:1] != "t" or call[:1] != "c":
        raise ValueError(f"{at} is in no call")
    return CallPlace(int(turn[1:]), int(call[1:]))


def turn_of(at: str) -> int:
    """Return the turn an entry belongs to; 0 for those of the run as a whole."""
    turn, slash, _ = at.partition("/")
    return int(turn[1:]) if slash else 0
