"""From a case and its trial to the event that tells how they differ. Pure."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Literal

from consumers.evaluation.case import Case, Effect, Figures
from consumers.evaluation.compare import Kind
from consumers.evaluation.trial import Trial
from consumers.privacy.run import PersonalRun
from consumers.router.route import Route
from schemas.canonical import digest
from schemas.difference import ComparedEffect, Decided, Difference, DifferenceVerdict, NamedDifference
from schemas.envelope import Envelope
from schemas.record import Record

ReadsFrom = Literal["record", "live"]

TOO_LARGE: Final = "arguments and words are left out: they are more than the topic takes"


def difference_id(job_id: str, run_id: str) -> str:
    """Return the id of what a job finds of a run."""
    return digest(["difference", job_id, run_id])[:32]


def difference_of(
    case: Case,
    trial: Trial,
    *,
    job_id: str,
    event: Envelope,
    route: Route,
    record: Record,
    summary: str,
    reads: ReadsFrom,
    at: datetime,
) -> Difference:
    """Return what a shadow replay says of a run.

    Args:
        case: the run as it was recorded.
        trial: the same event, decided afresh.
        job_id: the job that decided.
        event: what was decided on.
        route: by which route.
        record: where the event was read.
        summary: what the recorded run said at its end.
        reads: where reads were answered from.
        at: now.
    """
    reason = _reason(trial)
    compared = trial.comparison
    return Difference(
        id=difference_id(job_id, event.run_id),
        job_id=job_id,
        run_id=event.run_id,
        event_id=event.id,
        event_type=event.type,
        event_source=event.source,
        tenant=event.tenant,
        session_id=event.session_id,
        route=route.name,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        verdict=DifferenceVerdict.INCOMPARABLE if reason else _verdict(trial),
        reason=reason,
        differences=tuple(
            NamedDifference(str(each.kind), each.words) for each in (compared.differences if compared else ())
        ),
        score=trial.score,
        recorded=_decided(
            case.expected.status or "", summary, case.expected.effects, case.recorded or Figures()
        ),
        afresh=_decided(trial.status, trial.summary, trial.effects, trial.figures) if compared else None,
        reads=reads,
        moved=trial.moved,
        unrecorded=trial.unrecorded,
        decided_at=at,
    )


def sealed(difference: Difference, run: PersonalRun) -> Difference:
    """Return it with tokens in place of all that is personal."""
    return replace(
        difference,
        reason=run.seal_text(difference.reason),
        differences=tuple(
            replace(each, words=run.seal_json_text(each.words)) for each in difference.differences
        ),
        recorded=_sealed(difference.recorded, run),
        afresh=None if difference.afresh is None else _sealed(difference.afresh, run),
        moved=tuple(map(run.seal_json_text, difference.moved)),
        unrecorded=tuple(map(run.seal_json_text, difference.unrecorded)),
    )


def without_values(difference: Difference) -> Difference:
    """Return it small enough for any topic: with names, figures and the verdict, and without what was said."""
    return replace(
        difference,
        reason=TOO_LARGE,
        differences=tuple(replace(each, words="") for each in difference.differences),
        recorded=_bare(difference.recorded),
        afresh=None if difference.afresh is None else _bare(difference.afresh),
        moved=(TOO_LARGE,) if difference.moved else (),
        unrecorded=(TOO_LARGE,) if difference.unrecorded else (),
    )


def _verdict(trial: Trial) -> DifferenceVerdict:
    kinds = {each.kind for each in (trial.comparison.differences if trial.comparison else ())}
    if not kinds:
        return DifferenceVerdict.SAME
    return DifferenceVerdict.OTHER_END if kinds == {Kind.OTHER_STATUS} else DifferenceVerdict.OTHER_WRITES


def _reason(trial: Trial) -> str:
    """Return why nobody can say how they compare; empty where that can be said."""
    if trial.comparison is None:
        return trial.error
    if not trial.comparison.differences:
        return ""
    if trial.unanswered:
        return f"a system did not answer: {trial.unanswered[0]}"
    if trial.unknown:
        return f"the record has no answer to what it asked first: {trial.unknown}"
    return ""


def _decided(status: str, summary: str, effects: tuple[Effect, ...], used: Figures) -> Decided:
    return Decided(
        status=status,
        summary=summary,
        effects=tuple(ComparedEffect(each.action, each.arguments, each.state) for each in effects),
        model=used.model,
        prompt=used.prompt,
        turns=used.turns,
        reads=used.reads,
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cost_usd=used.cost_usd,
    )


def _sealed(decided: Decided, run: PersonalRun) -> Decided:
    def arguments(of: ComparedEffect) -> dict[str, Any]:
        return run.seal(of.arguments)

    return replace(
        decided,
        summary=run.seal_text(decided.summary),
        effects=tuple(replace(each, arguments=arguments(each)) for each in decided.effects),
    )


def _bare(decided: Decided) -> Decided:
    return replace(
        decided,
        summary="",
        effects=tuple(replace(each, arguments={}) for each in decided.effects),
    )
