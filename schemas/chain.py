"""The chain of a session's steps: each carries a hash of itself and of the one before, so that a change shows. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from typing import Final

from schemas.canonical import digest
from schemas.step import Step

BEGINNING: Final = ""
"""What the first step of a chain follows."""


def linked(steps: Sequence[Step], after: str) -> list[Step]:
    """Return steps chained one to the next, the first to the step with that link."""
    chained: list[Step] = []
    for step in steps:
        follows = replace(step, previous=after)
        after = link_of(follows)
        chained.append(replace(follows, link=after))
    return chained


def link_of(step: Step) -> str:
    """Return the SHA-256, in hexadecimal, of the canonical JSON of all that a step says, and of what it follows.

    Its time counts to the millisecond, which is all that the topic keeps.
    """
    at = step.at.astimezone(UTC)
    return digest(
        [
            step.previous,
            step.id,
            step.run_id,
            step.tenant,
            step.session_id,
            step.event_id,
            step.event_type,
            step.place,
            step.kind.value,
            step.action,
            step.body,
            at.replace(microsecond=at.microsecond // 1000 * 1000).isoformat(),
            step.epoch,
            step.memory,
        ]
    )
