"""One trial: a case worked once by a candidate, with the engine of the real worker and nothing that it could touch."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from connectors.catalog import Catalog
from consumers.adapters.memory_deadlines import MemoryDeadlines
from consumers.adapters.memory_sessions import MemorySessions
from consumers.errors import DeadLetterError, RetryError
from consumers.evaluation.case import Case, Effect, Figures, RecordedAnswer
from consumers.evaluation.compare import Comparison, compare
from consumers.evaluation.live_reads import LiveReads
from consumers.evaluation.recorded_actions import RecordedActions, normal
from consumers.evaluation.recording import effects_of, figures_of
from consumers.evaluation.stand_ins import CaseClock, OwnSteps, TimedModel, Unclaimed
from consumers.policy.approvers import Approver
from consumers.ports.actions import Actions
from consumers.ports.claim import HandedOverError
from consumers.ports.model import Model
from consumers.router.route import Route, RouteTable
from consumers.run import answers
from consumers.run.engine import Engine, Said
from consumers.run.journal import RunJournal
from consumers.session.context import Context
from consumers.session.key import SessionKey
from consumers.telemetry.metrics import Metrics
from schemas.approval import ApprovalRequest
from schemas.canonical import canonical_json
from schemas.envelope import Envelope
from schemas.outcome import Outcome, Status

_TRIES: Final = 3
"""How often a busy model is asked in vain before the trial is given up; the model's client has tries of its own."""
_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 10.0
_FOREVER_S: Final = 10 * 365 * 86_400.0
"""Sessions outlast any question that nobody answers in time."""
_IRREVERSIBLE: Final = 2.0
"""How much a write weighs that cannot be undone, reaches people outside, or is not known, beside any other."""


class NoRouteError(LookupError):
    """The candidate has no route for the event of a case."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is tried.

    Attributes:
        name: of the model.
        routes: by name.
        catalog: its actions.
        model: who chooses.
        ignored: `<action>.<argument>` of those whose values do not count, such as free text.
        reads: performs reads and nothing else; None where they are answered by the record.
        watched: puts something between the engine and the actions of a trial, such as what learns personal data.
    """

    name: str
    routes: Mapping[str, Route]
    catalog: Catalog
    model: Model
    ignored: frozenset[str] = frozenset()
    reads: Actions | None = None
    watched: Callable[[Actions], Actions] = lambda actions: actions

    def comparable(self, effects: Iterable[Effect]) -> list[Effect]:
        """Return effects as they compare: with the defaults of their actions, and without what is ignored."""
        return [
            replace(each, arguments=normal(action, each.arguments, self.ignored))
            if (action := self.catalog.actions.get(each.action))
            else each
            for each in effects
        ]

    def weight(self, action: str) -> float:
        """Return how much a write of this action weighs."""
        known = self.catalog.actions.get(action)
        light = known is not None and known.compensate is not None and not known.outward
        return 1.0 if light else _IRREVERSIBLE


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a trial.

    Attributes:
        comparison: with what was expected; None where it did not come to an end.
        status: how the run ended, or that it waits for a person.
        summary: in the model's words.
        effects: what would have been done.
        figures: what it used.
        unrecorded: what it asked for that the case does not have; from the first of it on the run is a guess.
        error: why it did not come to an end.
        unknown: the first thing it asked for that the case does not have, where that is a read; empty otherwise.
        moved: live reads that answered otherwise than they did then.
        unanswered: live reads whose system did not answer.
    """

    comparison: Comparison | None
    status: str = ""
    summary: str = ""
    effects: tuple[Effect, ...] = ()
    figures: Figures = field(default_factory=Figures)
    unrecorded: tuple[str, ...] = ()
    error: str = ""
    unknown: str = ""
    moved: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """From 0 to 1; 0 for one that did not come to an end."""
        return 0.0 if self.comparison is None else self.comparison.score


async def attempt(case: Case, candidate: Candidate) -> Trial:
    """Work a case once. Nothing is called but the model, and reads where they are live; sessions, deadlines and steps are this trial's own.

    Raises:
        NoRouteError: the candidate has no route for it.
        PointsmanError: the model is busy, refuses the prompt or refuses us.
    """
    route = RouteTable(candidate.routes.values()).find(case.topic, case.event.type)
    if route is None:
        raise NoRouteError(f"the candidate has no route for {case.event.type} on {case.topic}")
    event = case.envelope(route.tenant)
    clock = CaseClock(case.at or event.time)
    sessions = MemorySessions(clock, ttl_s=_FOREVER_S)
    model, recorded = TimedModel(candidate.model), RecordedActions(case.results, candidate.ignored)
    live = None if candidate.reads is None else LiveReads(recorded, candidate.reads)
    await _remember(sessions, event, case)
    engine = Engine(
        routes=candidate.routes,
        catalog=candidate.catalog,
        sessions=sessions,
        model=model,
        actions=candidate.watched(live or recorded),
        outbox=OwnSteps(),
        deadlines=MemoryDeadlines(),
        clock=clock,
        metrics=Metrics(),
    )
    first = await _again(lambda: engine.work(event, route, Unclaimed()))
    said = await _people(engine, case, candidate, clock, first)
    journal = RunJournal(await sessions.read(SessionKey(event.tenant, event.session_id), event.run_id))
    status = str(said.status if isinstance(said, Outcome) else Status.REQUIRES_APPROVAL)
    effects = effects_of(journal)
    return Trial(
        compare(
            candidate.comparable(case.expected.effects),
            candidate.comparable(effects),
            status=(case.expected.status, status),
            weight=candidate.weight,
        ),
        status,
        said.summary if isinstance(said, Outcome) else "",
        effects,
        figures_of(journal, tuple(model.seconds)),
        tuple(recorded.unrecorded),
        unknown=recorded.unknown,
        moved=tuple(live.moved) if live else (),
        unanswered=tuple(live.unanswered) if live else (),
    )


async def _remember(sessions: MemorySessions, event: Envelope, case: Case) -> None:
    """Let the session remember what it did before the recorded run."""
    if case.context is not None:
        opened = await sessions.open(SessionKey(event.tenant, event.session_id), "before")
        await sessions.close(opened.lease, (), Context.load(canonical_json(case.context)))


async def _people(engine: Engine, case: Case, candidate: Candidate, clock: CaseClock, said: Said) -> Said:
    """Answer what the candidate's run asks as people did then: each answer once, and only to the same question."""
    left = list(case.answers)
    while isinstance(said, ApprovalRequest) and (answer := _fitting(left, said, candidate)):
        left.remove(answer)
        try:
            said = await _again(_answering(engine, clock, said, answer))
        except DeadLetterError as error:
            if not error.reason.startswith("approval_"):
                raise
            break  # by the candidate's rules that person may not answer: it goes on waiting
    return said


def _fitting(
    left: Sequence[RecordedAnswer], asked: ApprovalRequest, candidate: Candidate
) -> RecordedAnswer | None:
    asked_of = candidate.comparable([Effect(asked.action, asked.arguments)])
    same = (each for each in left if candidate.comparable([Effect(each.action, each.arguments)]) == asked_of)
    return next(same, None)


def _answering(
    engine: Engine, clock: CaseClock, asked: ApprovalRequest, answer: RecordedAnswer
) -> Callable[[], Awaitable[Said | None]]:
    if answer.answer == "expired" or answer.answer == "escalated":  # noqa: PLR1714 - the type checker understands this
        expiry = answers.deadline_of(asked)
        assert expiry is not None
        clock.put_forward(expiry.expires_at)
        return lambda: engine.expire(expiry, Unclaimed())
    decision = asked.answered(
        answer.answer,
        approver=answer.approver,
        comment=answer.comment,
        at=clock.now(),
        arguments=answer.edited,
    )
    by = Approver(answer.approver, frozenset(answer.roles))
    return lambda: engine.answer(decision, by, Unclaimed())


async def _again(work: Callable[[], Awaitable[Said | None]]) -> Said:
    """Work until nothing outside is busy."""
    for tries_left in range(_TRIES - 1, -1, -1):
        try:
            said = await work()
        except HandedOverError:
            raise  # nobody is busy: the work is to end here
        except RetryError as error:
            if tries_left == 0:
                raise
            pause_s = _PAUSE_S if error.after_s is None else error.after_s
            await asyncio.sleep(min(pause_s, _LONGEST_PAUSE_S))
        else:
            assert said is not None  # only the session of another process can be erased meanwhile
            return said
    raise AssertionError("every try returns or raises")
