"""Whether the chain of a session's steps is whole: what `pointsman sessions verify` goes by. Pure.

Each holder of the session's lease publishes one stretch of steps, each linked to the one before, and the first to what the
session was left with before. A holder that dies leaves a stretch that nothing follows; the next one begins where the dead
one had begun, and publishes the run again as it found it. So a chain is a tree of stretches, with one way through it: from the
link that Redis has back to the beginning. A stretch beside that way must be one whose run was taken over or given back to a
store that lost it, one that is being written, or one of a chain that Redis had forgotten when the next one began.

It shows that a step was changed, left out, put in or moved. It does not show who did it, nor that a whole chain was written anew
by somebody who may write to topic and Redis.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from consumers.session import place
from schemas.canonical import digest
from schemas.chain import BEGINNING, link_of
from schemas.step import Step, StepKind


@dataclass(frozen=True, slots=True)
class Told:
    """A step and where it stands, such as `pointsman.steps[2]@17`."""

    where: str
    step: Step


@dataclass(frozen=True, slots=True)
class Break:
    """The first link that does not hold.

    Attributes:
        where: the step that shows it; empty where there is none at all.
        step: its id.
        problem: what is wrong.
    """

    where: str
    step: str
    problem: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found.

    Attributes:
        steps: how many there are.
        chained: how many of them are links.
        chains: how many chains: a new one begins once Redis has forgotten the session, or when it was erased.
        abandoned: links of holders that died, whose runs were published again by the next one.
        cut: the beginning is not there any more: retention removed it.
        anchored: Redis knows the last link, so that nothing can be missing at the end.
        broken: the first link that does not hold, or None: the chain is whole.
    """

    steps: int
    chained: int = 0
    chains: int = 0
    abandoned: int = 0
    cut: bool = False
    anchored: bool = False
    broken: Break | None = None


class _BrokenError(Exception):
    def __init__(self, told: Told | None, problem: str) -> None:
        super().__init__(problem)
        self.broken = Break(told.where, told.step.id, problem) if told else Break("", "", problem)


def verify(told: Sequence[Told], head: str, *, cut: bool) -> Proof:
    """Follow the chain of one session.

    Args:
        told: its steps in the order of the topic.
        head: the link that Redis had of it before they were read; empty where Redis has nothing of it.
        cut: retention has removed something from their partition.
    """
    try:
        return _Chains(told, cut=cut).proof(head)
    except _BrokenError as error:
        return Proof(len(told), sum(each.step.link is not None for each in told), broken=error.broken)


class _Chains:
    """The stretches of one session, by epoch: each is one holder's."""

    def __init__(self, told: Sequence[Told], *, cut: bool) -> None:
        self._told = told
        self._may_be_cut = cut
        self._is_cut = False
        self._begun = False
        self._stretches: dict[int, list[Told]] = {}
        self._epochs: dict[str, int] = {}
        self._latest = Counter[str]()
        said = set[tuple[str, str]]()
        for each in told:
            run = each.step.run_id
            self._latest[run] = max(self._latest[run], each.step.epoch)
            if each.step.link is None:
                self._beside(each, said)
            else:
                self._link(each, each.step.link)
                said.add((each.step.id, digest(each.step.body)))

    def _beside(self, each: Told, said: set[tuple[str, str]]) -> None:
        """Let pass what is told without a lease: by operators, and when a store is given back what it had lost."""
        step = each.step
        if step.kind is StepKind.REPLAY or step.place in {place.CANCEL, place.ERASED}:
            return
        if (step.id, digest(step.body)) not in said and not self._may_be_cut:
            raise _BrokenError(each, "it stands outside of the chain, and repeats nothing that is in it")

    def _link(self, each: Told, link: str) -> None:
        step = each.step
        if link != link_of(step):
            raise _BrokenError(each, "its content is not what its link was made of")
        if link in self._epochs:
            return  # published again, because its acknowledgement was lost
        stretch = self._stretches.setdefault(step.epoch, [])
        if not stretch:
            self._begin(each)
        elif step.previous != stretch[-1].step.link:
            raise _BrokenError(
                each, f"it does not follow {stretch[-1].step.id}: what stood between is missing"
            )
        elif step.run_id != stretch[-1].step.run_id:
            raise _BrokenError(each, f"it is of another run than {stretch[-1].step.id}, which it follows")
        stretch.append(each)
        self._epochs[link] = step.epoch

    def _begin(self, each: Told) -> None:
        if each.step.previous == BEGINNING or each.step.previous in self._epochs:
            self._begun = True
        elif self._may_be_cut and not self._begun:
            self._is_cut = True
        else:
            raise _BrokenError(each, "what it follows is missing")

    def proof(self, head: str) -> Proof:
        """Look for the one way back, and for a reason for whatever is beside it."""
        if head and head not in self._epochs and not (self._may_be_cut and not self._told):
            last = self._told[-1] if self._told else None
            raise _BrokenError(
                last, f"Redis knows a later one, with the link {head[:12]}…: the end is missing"
            )
        way = self._way(head or self._last())
        beginnings = [n for n, stretch in self._stretches.items() if stretch[0].step.previous == BEGINNING]
        abandoned, forgotten = 0, set[int]()
        for epoch, stretch in self._stretches.items():
            if epoch in way or (head and head in self._before(stretch)):
                continue
            if self._latest[stretch[0].step.run_id] > epoch:
                abandoned += len(stretch)
            elif later := [other for other in beginnings if other > epoch]:
                forgotten.add(min(later))
            else:
                raise _BrokenError(stretch[-1], "nothing follows it, and Redis does not know it")
        return Proof(
            steps=len(self._told),
            chained=len(self._epochs),
            chains=len(forgotten) + bool(self._stretches),
            abandoned=abandoned,
            cut=self._is_cut or (self._may_be_cut and not self._told),
            anchored=bool(head) and bool(self._told),
        )

    def _last(self) -> str:
        """Return the last link of the latest holder that left its run in order, or of the latest one if none did."""
        left = [epoch for epoch, stretch in self._stretches.items() if stretch[-1].step.memory is not None]
        epoch = max(left or self._stretches, default=None)
        return BEGINNING if epoch is None else self._stretches[epoch][-1].step.link or BEGINNING

    def _way(self, link: str) -> set[int]:
        """Return the stretches from a link back to the beginning of its chain."""
        return {self._epochs[each] for each in self._back(link)}

    def _before(self, stretch: Sequence[Told]) -> Sequence[str]:
        return list(self._back(stretch[0].step.previous or BEGINNING))

    def _back(self, link: str) -> Iterator[str]:
        """Yield the links at which stretches were left, back to the beginning."""
        while link in self._epochs:
            yield link
            link = self._stretches[self._epochs[link]][0].step.previous or BEGINNING
