"""What the audit trail says of outcomes that are published once more. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from consumers.adapters.own_messages import OWN_TENANT
from consumers.replay.job import Job
from schemas.step import Step, StepKind


def told(job: Job, outcomes: Sequence[tuple[str, str]], come_to: tuple[int, int], at: datetime) -> Step:
    """Return one step for a batch of outcomes: which they are, where they go, who ordered it, and in which job.

    It is keyed by the job and is of no run: it stands outside of every chain, and no store is rebuilt from it.

    Args:
        job: which job.
        outcomes: the ids of them, each with its topic.
        come_to: the partition, and the offset that the job has come to there with this batch: no other batch has both.
        at: now.
    """
    by_topic: dict[str, list[str]] = defaultdict(list)
    for outcome_id, topic in outcomes:
        by_topic[topic].append(outcome_id)
    partition, next_offset = come_to
    place = f"replay/{partition}/{next_offset}"
    return Step(
        id=f"{job.id}/{place}",
        run_id=job.id,
        tenant=OWN_TENANT,
        session_id=f"replay/{job.id}",
        event_id=job.id,
        event_type=f"replay.{job.mode}",
        place=place,
        kind=StepKind.REPLAY,
        action=None,
        body={
            "job": job.id,
            "operator": job.operator,
            "reason": job.reason,
            "topic": job.topic,
            "outcomes": dict(by_topic),
            "at": at.isoformat(),
        },
        at=at,
    )
