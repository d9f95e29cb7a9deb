"""Whether the story came out as it must: every scene against the topics, the audit trail and the sandbox."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from consumers.demo.board import Board, RunView
from consumers.demo.ledger import Effect
from consumers.demo.player import Played
from consumers.demo.story import Again, Poison, Scene

_MAY_BE_MORE: Final = frozenset({"case note"})
"""Facts of which a model may well make several."""

FactsOf = Callable[[Iterable[Effect]], Counter[str]]
"""What there is now because of some effects."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one scene came out.

    Attributes:
        scene: of the story.
        ended: how, in a word.
        facts: what the sandbox holds because of it.
        differs: what is not as it must be, in words; empty if all is.
    """

    scene: Scene
    ended: str
    facts: Mapping[str, int]
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """How the whole story came out.

    Attributes:
        findings: one for each scene, in order.
        effects: things that happened in the ERP and the CRM.
        unaccounted: effects that no run had announced on the audit trail beforehand.
        events: records that were published.
        turns: questions to the model.
        tokens: that it read and wrote.
        cost_usd: what they cost.
        first_outcome_s: from the start of the process to the first outcome.
        story_s: from the first event to the last outcome.
    """

    findings: tuple[Finding, ...]
    effects: int
    unaccounted: tuple[str, ...]
    events: int
    turns: int
    tokens: int
    cost_usd: float
    first_outcome_s: float
    story_s: float

    @property
    def ok(self) -> bool:
        """Whether everything is as it must be."""
        return not self.unaccounted and not any(finding.differs for finding in self.findings)

    def body(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        names = ("effects", "events", "turns", "tokens", "cost_usd", "first_outcome_s", "story_s")
        scenes = [
            {"title": f.scene.title, "ended": f.ended, "facts": dict(f.facts), "differs": list(f.differs)}
            for f in self.findings
        ]
        figures = {name: getattr(self, name) for name in names}
        return {"ok": self.ok, "scenes": scenes, "unaccounted": list(self.unaccounted), **figures}


def judge(
    played: Sequence[Played],
    board: Board,
    effects: Sequence[Effect],
    facts_of: FactsOf,
    *,
    first_outcome_s: float,
    story_s: float,
) -> Report:
    """Compare what was played with what is there.

    Args:
        played: every scene, with its event.
        board: what the topics told.
        effects: all of the sandbox since the story began.
        facts_of: looks up what there is because of some effects.
        first_outcome_s: for the report.
        story_s: for the report.
    """
    intents = board.intents
    of_run: dict[str, list[Effect]] = {}
    for effect in effects:
        of_run.setdefault(intents.get(effect.key, ""), []).append(effect)
    findings: list[Finding] = []
    for one in played:
        if one.event is None:
            findings.append(_dead_letter(one, board))
        else:
            run = board.run(one.event.run_id)
            findings.append(_run(one, run, facts_of(of_run.get(one.event.run_id, ()))))
    outcomes = {p.event.run_id: board.run(p.event.run_id).outcome for p in played if p.event}
    ended = [outcome for outcome in outcomes.values() if outcome]
    return Report(
        findings=tuple(findings),
        effects=len(effects),
        unaccounted=tuple(f"{effect.action} {effect.key}" for effect in of_run.get("", ())),
        events=len(played),
        turns=sum(outcome.turns for outcome in ended),
        tokens=sum(outcome.input_tokens + outcome.output_tokens for outcome in ended),
        cost_usd=sum(outcome.cost_usd for outcome in ended),
        first_outcome_s=first_outcome_s,
        story_s=story_s,
    )


def _run(played: Played, run: RunView, facts: Counter[str]) -> Finding:
    ended = run.outcome.status.value if run.outcome else "no outcome"
    if isinstance(played.scene.published, Again):
        ended = f"{ended}, the same again"
    return Finding(played.scene, ended, facts, tuple(_differences(played, run, facts)))


def _differences(played: Played, run: RunView, facts: Counter[str]) -> Iterator[str]:
    scene, outcome = played.scene, run.outcome
    if played.timed_out:
        yield "it did not end in time"
    if outcome is None:
        return
    if outcome.status is not scene.ends:
        yield f"it ended {outcome.status}, not {scene.ends}: {outcome.summary}"
    if not outcome.summary:
        yield "the outcome gives no reason"
    if scene.approved and not run.requests:
        yield "nobody was asked"
    yield from _repetitions(scene, run)
    yield from _facts(scene.facts, facts)


def _repetitions(scene: Scene, run: RunView) -> Iterator[str]:
    if run.repeated_steps:
        yield f"{run.repeated_steps} steps were taken again"
    if len({published.value for published in run.outcomes}) > 1:
        yield "its outcome was published in different bytes"
    if isinstance(scene.published, Again) and len(run.outcomes) < 2:  # noqa: PLR2004 - once a publication of the event
        yield "its outcome was not published again"


def _facts(wanted: Mapping[str, int], there: Mapping[str, int]) -> Iterator[str]:
    for fact in sorted(wanted.keys() | there.keys()):
        least, found = wanted.get(fact, 0), there.get(fact, 0)
        if found < least or (found > least and not (least and fact in _MAY_BE_MORE)):
            yield f"{fact}: {found} in the sandbox, {least} wanted"


def _dead_letter(played: Played, board: Board) -> Finding:
    poison = played.scene.published
    assert isinstance(poison, Poison)
    reasons = [letter.reason for letter in board.dead_letters if letter.record.value == poison.value]
    ended = f"dead letter, {', '.join(reasons)}" if reasons else "nothing"
    right = reasons == [poison.reason]
    differs = () if right else (f"one dead letter, {poison.reason}, was wanted; there is: {ended}",)
    return Finding(played.scene, ended, {}, differs)
